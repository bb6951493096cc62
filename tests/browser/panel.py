"""The call panel as a person finds it on the page."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from typing import Any

import psutil

from labkit.bench.jupyter import JupyterLab, NotebookPage
from tests.timing import SECOND

PIXELS = """image => {
    const canvas = document.createElement("canvas");
    canvas.width = 32; canvas.height = 24;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0, 32, 24);
    return Array.from(context.getImageData(0, 0, 32, 24).data);
}"""


def helpers(lab: JupyterLab) -> list[psutil.Process]:
    """The helper processes that the lab's kernels have now: workers, relays, recorders."""
    found = []
    for one in psutil.Process(lab.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it may end while we look
            if "labkit.process" in one.cmdline():
                found.append(one)
    return found


def kernel_of(lab: JupyterLab) -> psutil.Process:
    """The process of the one kernel that runs."""
    (found,) = [
        one
        for one in psutil.Process(lab.process.pid).children(recursive=True)
        if any("ipykernel" in word for word in one.cmdline())
    ]
    return found


class Panel:
    """Finds things by their role and name, as a screen reader does."""

    def __init__(self, notebook: NotebookPage) -> None:
        self.notebook = notebook
        self.page = notebook.page
        self.node = notebook.panel

    def button(self, name: str) -> Any:
        return self.node.get_by_role("button", name=name, exact=True)

    def press(self, name: str) -> None:
        self.button(name).focus()
        self.page.keyboard.press("Enter")

    def slider(self, name: str) -> Any:
        return self.node.get_by_role("slider", name=name)

    def move(self, name: str, key: str, times: int = 1) -> None:
        self.slider(name).focus()
        for _time in range(times):
            self.page.keyboard.press(key)

    @property
    def state(self) -> str:
        return str(self.node.get_by_role("status").first.inner_text())

    def picture(self, direction: str) -> Any:
        return self.node.locator(f"figure[data-direction='{direction}']")

    def frame(self, direction: str) -> int:
        """The number of the frame that is shown, -1 for none."""
        return int(self.picture(direction).get_attribute("data-frame") or -1)

    def pixels(self, direction: str) -> list[int]:
        return list(self.picture(direction).locator("canvas").evaluate(PIXELS))

    def number(self, direction: str, pattern: str) -> float:
        """A number in the words under a picture, -1 before there are any."""
        words = self.picture(direction).locator(".lab-numbers").inner_text()
        found = re.search(pattern, words)
        return float(found[1]) if found else -1.0

    def latency_ms(self, direction: str) -> float:
        return self.number(direction, r"latency ([\d.]+) ms")

    def points(self) -> int:
        """How many points the first line of the first chart is drawn of."""
        path = self.node.locator(".bqplot path.line").first.get_attribute("d") or ""
        return len(re.findall(r"[ML]", path))

    def dashes(self) -> list[str]:
        """How each line of each chart is dashed."""
        lines = self.node.locator(".bqplot path.line")
        script = "all => all.map(line => getComputedStyle(line).strokeDasharray)"
        return list(lines.evaluate_all(script))

    def until(self, what: Callable[[], bool], within_s: float = 20.0) -> None:
        """Wait until something is so."""
        waited_s = 0.0
        while not what():
            assert waited_s < within_s * SECOND, f"not within {within_s} s; state: {self.state}"
            self.page.wait_for_timeout(100)
            waited_s += 0.1
