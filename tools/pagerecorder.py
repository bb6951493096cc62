"""Record what a web page takes part in, as the cells of a chapter make it, in a real JupyterLab.

It needs Playwright and Chromium, and no person: the fake camera asks nobody.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import labkit as lab
from labkit.bench.jupyter import NotebookPage, chromium, jupyter_lab, write_notebook

__all__ = ["record_camera", "record_in_room"]

CAMERA = """import labkit as lab
asked = {"width": 1280, "height": 720, "frameRate": 30}
made = lab.browser_call(video=asked, back_video=lab.TestPattern(320, 240), seed=1)
made"""

ROOM = """import labkit as lab
alice = lab.participant("alice", video=lab.TestPattern())
made = lab.room(alice, lab.participant("me", engine="browser"), seed=1)
made.page()"""

RECORD = """run = await made.record(SECONDS, progress=False)
await made.close()
run.save("page.run")"""


def record_camera(seconds: float) -> lab.Run:
    """Return the Run of a page that sends Chromium's fake camera to the lab.

    Raises:
        MissingPart: Playwright or Chromium is not installed.
        RunFileError: The page could not be recorded.
    """
    return _record([CAMERA, 'await made.start("camera")', _recording(seconds)])


def record_in_room(seconds: float) -> lab.Run:
    """Return the Run of a page that receives alice's test pattern in a room.

    Raises:
        MissingPart: Playwright or Chromium is not installed.
        RunFileError: The page could not be recorded, for instance without a LiveKit server.
    """
    return _record([ROOM, "await made.start()", _recording(seconds)])


def _recording(seconds: float) -> str:
    return RECORD.replace("SECONDS", f"{seconds:g}")


def _record(cells: list[str]) -> lab.Run:
    with tempfile.TemporaryDirectory() as name, jupyter_lab(Path(name)) as running:
        write_notebook(Path(name) / "page.ipynb", cells)
        with chromium() as browser:
            page = NotebookPage(running, browser.new_page())
            page.open("page.ipynb")
            for number in range(len(cells)):
                page.run_cell(number)
                page.wait_for_prompt(number)
        return lab.load_run(Path(name) / "page.run")
