"""The exam, taken by a page in a real browser with the real ``livekit-client``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit.exam import judge, passed
from labkit.run import load_run
from tests.exam.seeing import moves, shows_the_examiner
from tests.exam.taking import exam
from tests.timing import SECOND

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("livekit_binary")]

MS = 1000 * SECOND


def join(page: Any, address: str, invitation: dict[str, str], fault: str = "") -> None:
    page.goto(address)
    page.evaluate("([invitation, fault]) => join(invitation, fault)", [invitation, fault])


def state(page: Any, text: str) -> None:
    seen = "text => document.getElementById('state').textContent === text"
    page.wait_for_function(seen, arg=text, timeout=20 * MS)


def test_an_app_passes(page: Any, app_address: str, tmp_path: Path) -> None:
    with exam(tmp_path) as running:
        join(page, app_address, running.invitation)
        state(page, "In the call")
        moves(page, "#mine")
        moves(page, "#theirs")
        assert shows_the_examiner(page)
        page.screenshot(path=tmp_path / "both-pictures.png")
        page.evaluate("invitation => thirdPerson(invitation)", running.invitation)
        assert page.locator("#third").text_content().startswith("full: The room is full.")
        state(page, "Reconnecting")
        state(page, "In the call")
        moves(page, "#theirs")
        assert shows_the_examiner(page)
        page.wait_for_timeout(3 * MS)
        page.evaluate("() => leave()")
        results = running.result()
    assert results == dict.fromkeys(results, "passed") and len(results) == 9
    run = load_run(running.run)
    verdicts = {one.key: one for one in judge(run)}  # the same, from the file
    assert passed(verdicts.values())
    assert "JS 2.23.0" in verdicts["joined"].evidence
    told = running.report.read_text(encoding="utf-8")
    assert running.invitation["nonce"] in told and "9 of 9" in told
    everything = run.messages.to_csv() + run.events.to_csv() + told
    assert "eyJ" not in everything


def test_who_waits_for_an_event_shows_nobody(page: Any, app_address: str, tmp_path: Path) -> None:
    with exam(tmp_path) as running:
        join(page, app_address, running.invitation, "late")
        state(page, "In the call")
        moves(page, "#mine")
        page.wait_for_timeout(2 * MS)
        page.evaluate("() => leave()")
        results = running.result()
    wanted = {"joined": "passed", "camera": "passed", "microphone": "passed", "leave": "passed"}
    assert results.items() >= wanted.items()
    assert results["already_there"] == "failed" and results["size"] != "passed"


def test_who_closes_the_page_without_a_word(page: Any, app_address: str, tmp_path: Path) -> None:
    with exam(tmp_path) as running:
        join(page, app_address, running.invitation, "silent")
        state(page, "In the call")
        moves(page, "#theirs")
        page.close()
        results = running.result()
    assert results["leave"] == "failed"
    assert results["already_there"] == results["size"] == "passed"


def test_who_goes_to_another_room(page: Any, app_address: str, tmp_path: Path) -> None:
    with exam(tmp_path) as running:
        join(page, app_address, running.invitation, "other room")
        moves(page, "#mine")
        page.evaluate("() => leave()")
        results = running.result()
    assert results["joined"] == "failed"
    assert {results[key] for key in ("camera", "partner", "back")} == {"not seen"}
