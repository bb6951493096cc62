"""Chapter 01 in a real page: all of it without a click, then with the (fake) camera."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.chapter import NOTEBOOKS, run_chapter

pytestmark = [pytest.mark.browser, pytest.mark.later]

NAME = "01-media.ipynb"


def number_of(words: str) -> int:
    """Return the number of the code cell that holds some words."""
    cells = nbformat.read(NOTEBOOKS / NAME, 4).cells
    codes = [cell.source for cell in cells if cell.cell_type == "code"]
    (found,) = [number for number, source in enumerate(codes) if words in source]
    return found


def cell_with(notebook: NotebookPage, words: str) -> Any:
    return notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(number_of(words))


def output(cell: Any, words: str) -> Any:
    """Return where a cell's output says some words, in sight or not."""
    return cell.locator(".jp-OutputArea-output").filter(has_text=words)


def run_again(notebook: NotebookPage, words: str) -> Any:
    """Run a cell that has run before, wait for its end, and return it."""
    cell = cell_with(notebook, words)
    before = cell.locator(".jp-InputPrompt").inner_text()
    notebook.run_cell(number_of(words))
    done = cell.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[\d+\]"))
    done.filter(has_not_text=before).wait_for(timeout=30_000 * notebook.second_s)
    return cell


def test_all_of_chapter_01_then_the_camera(notebook: NotebookPage) -> None:
    run_chapter(notebook, NAME)
    assert notebook.page.locator(".jp-OutputArea-output img").count() >= 6
    assert notebook.page.locator("audio").count() >= 6
    instead = "Here is our recording instead"
    assert output(cell_with(notebook, "cam.connected"), instead).count() == 1

    run_again(notebook, "lab.browser_call(")
    button = notebook.page.get_by_role("button", name="Use camera and microphone", exact=True)
    button.focus()
    notebook.page.keyboard.press("Enter")
    notebook.page.locator(".lab-browser[data-call='running']").wait_for()
    assert output(run_again(notebook, "cam.connected"), instead).count() == 0
    settings = run_again(notebook, "media_settings")
    output(settings, "'width': 1280, 'height': 720").wait_for(state="attached")
    output(run_again(notebook, 'groupby(["width", "height"])'), "first_s").wait_for(
        state="attached"
    )
    run_again(notebook, "await cam.close()\nrun.save")
    notebook.page.locator(".lab-browser[data-call='closed']").wait_for()
