from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.panel import Panel

pytestmark = pytest.mark.browser

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
COMPLAINTS = "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type$='.error']"
THERE = "alice->bob"


def test_run_all_of_the_first_notebook_then_a_call_by_hand(notebook: NotebookPage) -> None:
    shutil.copytree(NOTEBOOKS / "data", notebook.lab.folder / "data")
    shutil.copy(NOTEBOOKS / "00-start.ipynb", notebook.lab.folder)
    notebook.open("00-start.ipynb")
    notebook.run_all()
    last = notebook.page.locator(".jp-Notebook .jp-CodeCell").last.locator(".jp-InputPrompt")
    done = last.filter(has_text=re.compile(r"\[\d+\]"))
    complaint = notebook.page.locator(COMPLAINTS)
    done.or_(complaint).first.wait_for(timeout=120_000 * notebook.second_s)
    assert complaint.all_inner_texts() == []
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
