"""The shorter exam: the lab's own page, without an SDK, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit.run import load_run
from tests.exam.seeing import moves, shows_the_examiner
from tests.exam.taking import exam
from tests.timing import SECOND

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("livekit_binary")]

MS = 1000 * SECOND


def state(page: Any, name: str) -> None:
    seen = "name => document.getElementById('state').dataset.state === name"
    page.wait_for_function(seen, arg=name, timeout=20 * MS)


def test_the_page_passes(page: Any, tmp_path: Path) -> None:
    with exam(tmp_path, "--page") as running:
        page.goto(running.invitation["page"])
        page.click("#join")
        state(page, "joined")
        moves(page, "#mine")
        moves(page, "#theirs")
        assert shows_the_examiner(page)
        page.wait_for_timeout(3 * MS)
        page.screenshot(path=tmp_path / "both-pictures.png")
        page.click("#leave")
        state(page, "left")
        results = running.result()
    assert results == dict.fromkeys(results, "passed") and len(results) == 5
    run = load_run(running.run)
    said = run.messages[run.messages["channel"] == "signaling (WHIP)"]
    assert list(said["name"]) == ["POST /whip/v1", "201 Created", "DELETE /whip/v1", "200 OK"]
    assert "a=ice-pwd:(hidden)" in said["body"].iloc[0] + said["body"].iloc[1]
    assert "eyJ" not in run.messages.to_csv()


def test_a_page_that_is_refused_says_why(page: Any, tmp_path: Path) -> None:
    with exam(tmp_path, "--page") as running:
        page.route("**/token", lambda route: route.fulfill(
            status=409, content_type="application/json",
            headers={"Access-Control-Allow-Origin": "*"},
            body='{"error": "full", "message": "The room is full."}',
        ))  # fmt: skip
        page.goto(running.invitation["page"])
        page.click("#join")
        state(page, "broken")
        assert "The room is full." in page.locator("#state").text_content()
        assert page.locator("#join").is_enabled()
        running.process.terminate()
        results = running.result()
    assert set(results.values()) == {"not seen"}


def test_a_page_that_is_closed_says_good_bye(page: Any, tmp_path: Path) -> None:
    with exam(tmp_path, "--page") as running:
        page.goto(running.invitation["page"])
        page.click("#join")
        state(page, "joined")
        moves(page, "#theirs")
        page.goto("about:blank")
        results = running.result()
    assert results["leave"] == results["partner"] == "passed"
