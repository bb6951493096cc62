"""Record a call from a web page, as the cells of chapter 01 make it, with a fake camera.

It needs Playwright and Chromium, and no person: the fake camera asks nobody.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import labkit as lab
from labkit.bench.jupyter import NotebookPage, chromium, jupyter_lab, write_notebook

__all__ = ["record_camera"]

MAKE = """import labkit as lab
asked = {"width": 1280, "height": 720, "frameRate": 30}
cam = lab.browser_call(video=asked, back_video=lab.TestPattern(320, 240), seed=1)
cam"""

START = 'await cam.start("camera")'

RECORD = """run = await cam.record(SECONDS, progress=False)
await cam.close()
run.save("camera.run")"""


def record_camera(seconds: float) -> lab.Run:
    """Return the Run of a page that sends Chromium's fake camera to the lab.

    Raises:
        MissingPart: Playwright or Chromium is not installed.
        RunFileError: The page could not be recorded.
    """
    cells = [MAKE, START, RECORD.replace("SECONDS", f"{seconds:g}")]
    with tempfile.TemporaryDirectory() as name, jupyter_lab(Path(name)) as running:
        write_notebook(Path(name) / "camera.ipynb", cells)
        with chromium() as browser:
            page = NotebookPage(running, browser.new_page())
            page.open("camera.ipynb")
            for number in range(len(cells)):
                page.run_cell(number)
                page.wait_for_prompt(number)
        return lab.load_run(Path(name) / "camera.run")
