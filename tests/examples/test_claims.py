"""The pages about the lecture: each claim numbered, judged and sourced; links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.flutter import api, snippets

DOCS = Path(__file__).parents[2] / "docs"
CLAIMS = (DOCS / "lecture-claims.md").read_text("utf-8")
PAGES = ["lecture-claims.md", "livekit-and-twilio.md"]
VERDICTS = ("true", "imprecise", "wrong", "never existed", "renamed", "missing")


def rows() -> dict[int, list[str]]:
    found = {}
    for line in CLAIMS.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if cells[0].strip("| ").isdigit():
            found[int(cells[0].strip("| "))] = cells[1:]
    return found


def test_claims_are_numbered_without_a_gap() -> None:
    assert sorted(rows()) == list(range(1, len(rows()) + 1))
    assert len(rows()) >= 47


@pytest.mark.parametrize("number", rows())
def test_a_claim_is_judged(number: int) -> None:
    assert rows()[number][1].startswith(VERDICTS)


@pytest.mark.parametrize("number", [n for n, row in rows().items() if len(row) == 5])
def test_a_claim_that_is_not_true_has_a_source_and_an_experiment(number: int) -> None:
    _said, verdict, fact, source, experiment = rows()[number]
    if verdict != "true":
        assert fact
        assert source
        assert experiment


def test_each_row_of_dart_names_its_snippet() -> None:
    keys = {one.key for one in snippets()}
    named = {key for row in rows().values() if len(row) == 4 for key in row[3].split(", ")}
    assert named == keys


def test_what_never_existed_is_not_in_the_list_of_names() -> None:
    for row in rows().values():
        if row[1] == "never existed":
            said = re.findall(r"\w+", row[0].split("(")[0].removesuffix(".listen`"))
            assert api().find(said[-1]) == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_dated_and_its_links_lead_somewhere(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    assert "November 2026" in text
    local = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    for link in local:
        name, _, anchor = link.partition("#")
        assert not name or (DOCS / name).exists(), link
        headings = re.findall(r"^#+ (.+)$", text, re.M)
        anchors = [re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings]
        assert not anchor or anchor in anchors, link


@pytest.mark.parametrize("page", PAGES)
def test_every_table_is_whole(page: str) -> None:
    columns = None
    for line in (DOCS / page).read_text("utf-8").splitlines():
        if line.startswith("|"):
            width = len(re.findall(r"(?<!\\)\|", line))
            assert columns in (None, width), line
            columns = width
        else:
            columns = None
