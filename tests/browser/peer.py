"""The browser peer's widget as a person finds it on the page."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from labkit.bench.jupyter import CHROMIUM_FLAGS, JupyterLab, NotebookPage, write_notebook
from labkit.browser import find_chromium
from tests.browser.panel import helpers
from tests.timing import SECOND

FAKE_CAMERA = "--use-fake-device-for-media-stream"
NOBODY_ASKED = "--use-fake-ui-for-media-stream"
CAMERA, TEST = "Use camera and microphone", "Use a test picture"

MAKE = """import json, time
import labkit as lab
cam = lab.browser_call(back_video=lab.TestPattern(320, 240, fps=30))
cam"""

PLAYED = "video => video.getVideoPlaybackQuality().totalVideoFrames"


class Widget:
    """Finds things by their role and name, as a screen reader does."""

    def __init__(self, notebook: NotebookPage, number: int = 0) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.node = notebook.page.locator(".lab-browser").nth(number)

    def button(self, name: str) -> Any:
        return self.node.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        self.button(name).focus()
        self.page.keyboard.press("Enter")

    @property
    def state(self) -> str:
        return str(self.node.get_by_role("status").first.inner_text())

    def video(self, side: str) -> Any:
        return self.node.locator(f"figure[data-side='{side}'] video")

    def played(self, side: str) -> int:
        return int(self.video(side).evaluate(PLAYED))

    def frame(self) -> int:
        """The number of the newest frame from the lab, -1 for none."""
        found = self.node.locator("figure[data-side='theirs']").get_attribute("data-frame")
        return int(found or -1)

    def until(self, what: Callable[[], bool], within_s: float = 25.0) -> None:
        waited_s = 0.0
        while not what():
            assert waited_s < within_s * SECOND, f"not within {within_s} s; state: {self.state}"
            self.page.wait_for_timeout(100)
            waited_s += 0.1

    def running(self) -> None:
        self.until(lambda: self.state.startswith("Running"))
        self.running_picture()

    def running_picture(self) -> None:
        before = self.frame()
        self.until(lambda: self.frame() > before)

    def printed(self, cell: int, within_s: float = 40.0) -> Any:
        self.notebook.run_cell(cell)
        self.notebook.wait_for_prompt(cell, within_s)
        text = self.notebook.text_of(cell)
        print(text)
        return json.loads(next(line for line in text.splitlines() if line.startswith("{")))


def shown(notebook: NotebookPage, *later_cells: str, make: str = MAKE) -> Widget:
    write_notebook(notebook.lab.folder / "peer.ipynb", [make, *later_cells])
    notebook.open("peer.ipynb")
    notebook.run_cell(0)
    widget = Widget(notebook)
    widget.button("Stop").wait_for()
    return widget


def only_the_next(lab: JupyterLab) -> bool:
    """Whether no call runs any more; a worker and a relay may be ready for the next one."""
    return len(helpers(lab)) <= 2


def without(browser: Any, flag: str) -> Any:
    """Start a second Chromium that lacks one of the usual flags."""
    assert flag in CHROMIUM_FLAGS
    return with_flags(browser, [one for one in CHROMIUM_FLAGS if one != flag])


def with_flags(browser: Any, flags: list[str]) -> Any:
    """Start a second Chromium."""
    return browser.browser_type.launch(executable_path=find_chromium(), args=flags)


def end_kernels(lab: JupyterLab) -> None:
    for kernel in lab.ask("kernels"):
        lab.ask(f"kernels/{kernel['id']}", "DELETE", timeout=20 * SECOND)
