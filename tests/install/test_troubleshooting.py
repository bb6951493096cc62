"""docs/troubleshooting.md is keyed by error text: the texts have to be those of the lab."""

from __future__ import annotations

import re

import pytest
from babel.messages.pofile import read_po

from tests.install.reading import ROOT

ELSEWHERE = {"Before anything runs", "Notebooks"}
"""Parts of the page whose errors come from make, pip and JupyterLab."""


def page() -> str:
    return (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")


def headings(of_the_lab: bool) -> list[str]:
    parts = re.split(r"^## ", page(), flags=re.MULTILINE)[1:]
    return [
        text
        for part in parts
        if (part.splitlines()[0] not in ELSEWHERE) == of_the_lab
        for text in re.findall(r"^### `(.+)`$", part, flags=re.MULTILINE)
    ]


def messages() -> set[str]:
    with (ROOT / "labkit" / "locales" / "labkit.pot").open("rb") as file:
        catalog = read_po(file)
    texts = [entry.id for entry in catalog if isinstance(entry.id, str)]
    return {re.sub(r"\{[^}]*\}", "…", text).rstrip(".") for text in texts}


@pytest.mark.parametrize("text", headings(of_the_lab=True))
def test_the_lab_says_this(text: str) -> None:
    assert text in messages()


def test_the_page_has_every_heading_once_and_marks_no_other_way() -> None:
    found = headings(of_the_lab=True) + headings(of_the_lab=False)
    assert len(found) == len(set(found)) == page().count("\n### ")
    assert len(found) > 25


def test_what_the_makefile_says_is_on_the_page() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    said = re.findall(r'echo "([^"]+): ?[^"]*" >&2', makefile)
    assert said
    for text in said:
        assert re.sub(r"^.*\$\(PYTHON\)", "…", text).split(":")[0] in page()
