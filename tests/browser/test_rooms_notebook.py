"""The chapters about rooms from top to bottom in a real browser, against a real server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

from labkit.bench.jupyter import NotebookPage
from labkit.rooms import hide_tokens
from tests.browser.chapter import run_chapter
from tests.browser.test_panel import keep
from tests.exam.seeing import moves

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("livekit_binary")]

SCROLL = """part => {
    const outer = document.querySelector(".jp-WindowedPanel-outer");
    outer.scrollTop = part * (outer.scrollHeight - outer.clientHeight);
}"""
PICTURES = 14
STEPS = 40


def test_run_all_of_the_rooms(notebook: NotebookPage) -> None:
    place = run_chapter(notebook, "09-rooms.ipynb", within_s=240, exercises=True)
    outputs = nothing_complains(notebook, place)
    shown = json.dumps(outputs)
    assert "A LiveKit server of your own" in shown and "Recorded on" not in shown
    assert "silently ignored" in shown and "PARTICIPANT_REMOVED" in shown
    assert "remote unmute not enabled" in shown
    figures = [one for one in outputs if "image/png" in one.get("data", {})]
    assert "add_track" in figures[0].data["text/html"]  # in words, for those who cannot see it
    keep_pictures(notebook, "rooms")


def test_run_all_of_mesh_and_sfu(notebook: NotebookPage) -> None:
    place = run_chapter(notebook, "10-mesh-and-sfu.ipynb", within_s=420, exercises=True)
    outputs = nothing_complains(notebook, place)
    shown = json.dumps(outputs)
    assert "A LiveKit server of your own" in shown
    # Nobody has pressed Join in the middle of Run All: that one engine is shown as recorded.
    assert shown.count("Recorded on") == 1 and "Here is our recording instead" in shown
    assert sum("image/png" in one.get("data", {}) for one in outputs) >= 4
    keep_pictures(notebook, "mesh")


def test_run_all_of_flutter_and_then_the_exam(notebook: NotebookPage) -> None:
    place = run_chapter(notebook, "11-flutter.ipynb", within_s=180, exercises=True)
    shown = json.dumps(nothing_complains(notebook, place))
    assert "Recorded on" not in shown and "Not passed: 0 of 5" in shown  # nobody has joined yet
    assert "add_track" in shown and "Passed: 9 of 9" in shown
    keep_pictures(notebook, "flutter")

    page, second_ms = notebook.page, 1000 * notebook.second_s
    run_the_cell_with(notebook, "own = await take_exam(")
    frame = page.locator(".jp-OutputArea-output iframe")
    frame.wait_for(timeout=60 * second_ms)
    inside = frame.element_handle().content_frame()
    assert inside is not None
    inside.locator("#join").click()
    inside.wait_for_selector("#state[data-state=joined]", timeout=30 * second_ms)
    moves(inside, "#mine")
    moves(inside, "#theirs")
    inside.wait_for_timeout(2 * second_ms)
    keep(notebook, "flutter-exam")
    inside.locator("#leave").click()
    inside.wait_for_selector("#state[data-state=left]", timeout=30 * second_ms)
    run_the_cell_with(notebook, "run = await own.end()")
    page.get_by_text("Passed: 5 of 5").wait_for(timeout=60 * second_ms)
    text, _outputs = saved(notebook, place)
    assert hide_tokens(text) == text


def nothing_complains(notebook: NotebookPage, place: Path) -> list[Any]:
    """Save, see that only the reader's exercises raise, and return what the cells show."""
    # JupyterLab draws only the cells in sight, so what is looked at is the saved file.
    text, outputs = saved(notebook, place)
    errors = [one for one in outputs if one.output_type == "error"]
    assert [one.ename for one in errors] == ["NotImplementedError", "NameError"][: len(errors)]
    assert [one.text for one in outputs if one.get("name") == "stderr"] == []
    assert hide_tokens(text) == text
    return outputs


def keep_pictures(notebook: NotebookPage, name: str) -> None:
    for number in range(PICTURES):
        notebook.page.evaluate(SCROLL, number / (PICTURES - 1))
        notebook.page.wait_for_timeout(300 * notebook.second_s)
        keep(notebook, f"{name}-{number:02}")


def run_the_cell_with(notebook: NotebookPage, source: str) -> None:
    """Scroll to the code cell with a text, and run it."""
    cell = notebook.page.locator(".jp-Notebook .jp-CodeCell").filter(
        has=notebook.page.locator(".cm-content", has_text=source)
    )
    for number in range(STEPS + 1):
        notebook.page.evaluate(SCROLL, number / STEPS)
        notebook.page.wait_for_timeout(200 * notebook.second_s)
        if cell.count():
            cell.locator(".cm-content").click()
            notebook.page.keyboard.press("Control+Enter")
            return
    raise AssertionError(f"no cell has “{source}”")


def saved(notebook: NotebookPage, place: Path) -> tuple[str, list[Any]]:
    """Save the notebook; return the file's text and all outputs."""
    deadline_s = time.monotonic() + 20 * notebook.second_s
    while time.monotonic() < deadline_s:
        notebook.page.keyboard.press("Control+s")
        notebook.page.wait_for_timeout(500)
        text = place.read_text("utf-8")
        outputs = [out for cell in nbformat.reads(text, 4).cells for out in cell.get("outputs", [])]
        if outputs:
            return text, outputs
    raise AssertionError("it was not saved")
