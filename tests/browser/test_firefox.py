"""What a person with Firefox sees: the call panel as anywhere, the page as one that looks on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from labkit.bench.jupyter import JupyterLab, write_notebook
from tests.browser.peer import end_kernels
from tests.firefox import FirefoxPage, find_firefox, firefox

pytestmark = pytest.mark.browser

CONTROL, ENTER, RIGHT = "\ue009", "\ue007", "\ue014"
PEER = "import labkit as lab\nlab.browser_call(back_video=lab.TestPattern(320, 240))"
PANEL = "import labkit as lab\nlab.call(video=lab.TestPattern(320, 240)).show()"

STATE = "document.querySelector('.lab-call [role=status]').innerText"
DELAY = "document.querySelector('.lab-call input[data-field=delay_ms]')"


@pytest.fixture
def page(lab: JupyterLab) -> Iterator[FirefoxPage]:
    program = find_firefox()
    if program is None:
        pytest.skip("Firefox is not installed")
    with firefox(program) as opened:
        yield opened
    end_kernels(lab)


def show(page: FirefoxPage, lab: JupyterLab, code: str) -> None:
    write_notebook(lab.folder / "firefox.ipynb", [code])
    page.goto(lab.address("firefox.ipynb"))
    page.until("document.body.innerText.includes('| Idle')", 60)
    page.click("document.querySelector('.jp-CodeCell .cm-content')")
    page.press(CONTROL, ENTER)
    page.until("!!document.querySelector('.lab-call button')")


def press(page: FirefoxPage, name: str) -> None:
    buttons = "[...document.querySelectorAll('.lab-call button')]"
    page.evaluate(f"{buttons}.find(one => one.textContent === '{name}').focus()")
    page.press(ENTER)


def newest(page: FirefoxPage, figure: str, above: int = 0) -> int:
    """Wait for a frame with a higher number, and return it."""
    number = f"Number(document.querySelector('.lab-call {figure}').dataset.frame)"
    page.until(f"{number} > {above}")
    return int(page.evaluate(number))


def test_the_panel(page: FirefoxPage, lab: JupyterLab) -> None:
    show(page, lab, PANEL)
    press(page, "Start")
    seen = newest(page, "figure")
    newest(page, "figure", seen)
    page.evaluate(f"{DELAY}.focus()")
    before = page.evaluate(f"{DELAY}.getAttribute('aria-valuetext')")
    page.press(RIGHT)
    after = page.evaluate(f"{DELAY}.getAttribute('aria-valuetext')")
    assert before != after
    time.sleep(2)  # longer than the panel trusts the hand: now the call's own link is shown
    assert page.evaluate(f"{DELAY}.getAttribute('aria-valuetext')") == after
    press(page, "Stop")
    page.until(f"{STATE}.startsWith('Ended')")


def test_the_page_looks_on_and_says_why(page: FirefoxPage, lab: JupyterLab) -> None:
    show(page, lab, PEER)
    press(page, "Use a test picture")
    page.until(f"{STATE}.startsWith('View only, not measured')")
    assert "127.0.0.1" in page.evaluate("document.querySelector('.lab-call').innerText")
    seen = newest(page, "figure[data-side=theirs]")
    newest(page, "figure[data-side=theirs]", seen)
    press(page, "Stop")
    page.until(f"{STATE}.startsWith('Ended')")
