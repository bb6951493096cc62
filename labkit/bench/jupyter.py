"""A real JupyterLab and a real Chromium, for the bench and for the tests.

JupyterLab runs with the lab's own settings in a folder of the caller's. Playwright is a part of
what the tests need (`requirements-test.txt`); without it there is one clear error.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.browser import find_chromium
from labkit.cli.lab import jupyter_arguments, jupyter_environment
from labkit.errors import LabError, MissingPart, WaitTimeout
from labkit.words import _

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page

__all__ = [
    "JupyterLab",
    "NotebookPage",
    "chromium",
    "jupyter_lab",
    "open_notebook",
    "write_notebook",
]

_DONE = re.compile(r"\[\d+\]")

CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@dataclass(frozen=True)
class JupyterLab:
    """A JupyterLab that runs."""

    base: str
    "For instance ``http://127.0.0.1:8888``."
    token: str
    folder: Path
    process: subprocess.Popen[bytes]

    def ask(self, path: str, method: str = "GET", timeout: float = 5.0) -> Any:
        """Return the answer of JupyterLab's own interface, for instance to ``kernels``."""
        request = urllib.request.Request(f"{self.base}/api/{path}", method=method)
        request.add_header("Authorization", f"token {self.token}")
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def address(self, notebook: str) -> str:
        """Return the page of a notebook in the folder, without the file browser beside it."""
        return f"{self.base}/doc/tree/{notebook}?reset&token={self.token}"


@contextmanager
def jupyter_lab(folder: Path, *, within_s: float = 60.0) -> Iterator[JupyterLab]:
    """Start JupyterLab on a free port of this machine; end it, and its kernels, on leaving.

    Args:
        folder: What its file browser shows; its settings go into ``.lab`` there.
        within_s: Seconds it may take until it answers.

    Raises:
        LabError: It ended at once.
        WaitTimeout: It did not answer in time.
    """
    port, token = _any_free_port(), secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        *jupyter_arguments(folder, port=port, browser=False),
        f"--IdentityProvider.token={token}",
    ]
    environment = {**os.environ, **jupyter_environment(folder)}
    # As where pip has compiled what it installed; without bytecode imports take twice as long.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(folder / ".lab" / "bytecode")
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        lab = JupyterLab(f"http://127.0.0.1:{port}", token, folder, process)
        try:
            _wait_for_answer(lab, within_s)
            yield lab
        finally:
            _end(lab)


@contextmanager
def chromium(*, sound: bool = False) -> Iterator[Browser]:
    """Start the Chromium of this machine, headless, with a fake camera and a new profile.

    Args:
        sound: Let pages play sound without a click.

    Raises:
        MissingPart: Playwright or Chromium is not installed.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise MissingPart(
            _("Playwright is not installed."),
            next_step=_("Run “make install-test”, or: pip install playwright."),
        ) from None
    path = find_chromium()
    if path is None:
        raise MissingPart(
            _("Chromium is not installed."),
            next_step=_("Install Chromium or Chrome, or name one in CHROME_PATH."),
        )
    flags = [*CHROMIUM_FLAGS, *(["--autoplay-policy=no-user-gesture-required"] if sound else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


def write_notebook(path: Path, cells: Sequence[str]) -> Path:
    """Write a notebook of code cells and return its path."""
    import nbformat

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    nbformat.write(notebook, path)
    return path


@dataclass
class NotebookPage:
    """A notebook that is open in a page, in JupyterLab's single-document mode.

    Args:
        lab: The JupyterLab.
        page: A page of a browser, still empty.
        second_s: What a second of waiting is multiplied by on a slow machine.
    """

    lab: JupyterLab
    page: Page
    second_s: float = 1.0
    requests: list[str] = field(default_factory=list)
    "Every address that the page has asked for."
    complaints: list[str] = field(default_factory=list)
    "Errors of the page, and of widgets that could not take what the kernel sent."

    def __post_init__(self) -> None:
        self.page.set_default_timeout(30_000 * self.second_s)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._note_console)

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error" and "setting state" in message.text:
            self.complaints.append(message.text)

    def open(self, notebook: str) -> None:
        """Open a notebook and wait until its kernel is ready."""
        self.page.goto(self.lab.address(notebook))
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.wait_for_kernel()

    def wait_for_kernel(self, within_s: float = 60.0) -> None:
        """Wait until no cell runs, as the status bar tells it."""
        # Before that, “Run All” asks which kernel to take.
        self.page.get_by_text("| Idle").wait_for(timeout=within_s * self.second_s * 1000)

    def run_all(self) -> None:
        """Choose “Run All Cells” from the menu; does not wait for the end."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.locator(".lm-Menu-itemLabel", has_text=re.compile("^Run All Cells$")).click()

    def run_cell(self, number: int) -> None:
        """Run the cell with a number, from 0; does not wait for its end."""
        self.page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def text_of(self, number: int) -> str:
        """Return what is under a cell, without waiting."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)
        return "\n".join(cell.locator(".jp-OutputArea-output").all_inner_texts())

    def wait_for_prompt(self, number: int, within_s: float = 30.0) -> None:
        """Wait until a cell has run to its end."""
        prompt = self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)
        done = prompt.locator(".jp-InputPrompt").filter(has_text=_DONE)
        done.wait_for(timeout=within_s * self.second_s * 1000)

    @property
    def panel(self) -> Locator:
        """The first call panel on the page."""
        return self.page.locator(".lab-panel").first

    def outside(self) -> list[str]:
        """Return the addresses asked for that are not on this machine."""
        here = ("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:")
        return [address for address in self.requests if not address.startswith(here)]


@contextmanager
def open_notebook(cells: Sequence[str]) -> Iterator[NotebookPage]:
    """Open a notebook of these cells in a JupyterLab and a Chromium of its own.

    Args:
        cells: Their code; none has run yet.

    Raises:
        MissingPart: Playwright or Chromium is not installed.
        WaitTimeout: JupyterLab does not answer.
    """
    with tempfile.TemporaryDirectory() as folder, jupyter_lab(Path(folder)) as lab:
        write_notebook(Path(folder) / "bench.ipynb", cells)
        with chromium() as browser:
            page = NotebookPage(lab, browser.new_page(viewport={"width": 1600, "height": 1200}))
            page.open("bench.ipynb")
            yield page


def _any_free_port() -> int:
    """Not the first free one: several benches and tests may look for it at once."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for_answer(lab: JupyterLab, within_s: float) -> None:
    end = time.monotonic() + within_s
    while time.monotonic() < end and lab.process.poll() is None:
        try:
            lab.ask("status")
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    next_step = _("Run “labkit lab --no-browser” to see what it says.")
    if lab.process.poll() is not None:
        raise LabError(_("JupyterLab ended while it started."), next_step=next_step)
    raise WaitTimeout(
        _("JupyterLab did not answer within {seconds:g} s.").format(seconds=within_s),
        next_step=next_step,
    )


def _end(lab: JupyterLab) -> None:
    """Ask it to end, so that its kernels end too; by force when it stays."""
    if lab.process.poll() is None:
        try:
            lab.ask("shutdown", method="POST")
        except (urllib.error.URLError, OSError):
            lab.process.terminate()
    try:
        lab.process.wait(10)
    except subprocess.TimeoutExpired:
        lab.process.kill()
