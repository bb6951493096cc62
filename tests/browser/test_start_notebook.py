from __future__ import annotations

import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.chapter import run_chapter
from tests.browser.panel import Panel

pytestmark = pytest.mark.browser

THERE = "alice->bob"


def test_run_all_of_the_first_notebook_then_a_call_by_hand(notebook: NotebookPage) -> None:
    run_chapter(notebook, "00-start.ipynb")
    assert notebook.page.locator(".jp-OutputArea-output img").count() >= 6

    panel = Panel(notebook)
    panel.node.scroll_into_view_if_needed()
    panel.press("Start")
    panel.until(lambda: panel.frame(THERE) > 0)
    frame, pixels = panel.frame(THERE), panel.pixels(THERE)
    panel.until(lambda: panel.frame(THERE) > frame + 10)
    assert panel.pixels(THERE) != pixels
    points = panel.points()
    panel.until(lambda: panel.points() > points + 4)
    panel.press("Stop")
    panel.until(lambda: panel.state.startswith("Ended"))
