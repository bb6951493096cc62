"""Chapter 09 from top to bottom in a real browser, against a real server."""

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

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("livekit_binary")]

SCROLL = """part => {
    const outer = document.querySelector(".jp-WindowedPanel-outer");
    outer.scrollTop = part * (outer.scrollHeight - outer.clientHeight);
}"""
PICTURES = 14


def test_run_all_of_the_rooms(notebook: NotebookPage) -> None:
    place = run_chapter(notebook, "09-rooms.ipynb", within_s=240, exercises=True)

    # JupyterLab draws only the cells in sight, so what is looked at is the saved file.
    text, outputs = saved(notebook, place)
    errors = [one for one in outputs if one.output_type == "error"]
    assert [one.ename for one in errors] == ["NotImplementedError", "NameError"][: len(errors)]
    assert not any(one.get("name") == "stderr" for one in outputs)
    assert hide_tokens(text) == text
    shown = json.dumps(outputs)
    assert "A LiveKit server of your own" in shown and "Recorded on" not in shown
    assert "silently ignored" in shown and "PARTICIPANT_REMOVED" in shown
    assert "remote unmute not enabled" in shown
    figures = [one for one in outputs if "image/png" in one.get("data", {})]
    assert "add_track" in figures[0].data["text/html"]  # in words, for those who cannot see it
    for number in range(PICTURES):
        notebook.page.evaluate(SCROLL, number / (PICTURES - 1))
        notebook.page.wait_for_timeout(300 * notebook.second_s)
        keep(notebook, f"rooms-{number:02}")


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
