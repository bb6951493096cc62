"""A chapter in a real page: all of it is run, and nothing complains."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from labkit.bench.jupyter import NotebookPage

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
COMPLAINTS = "[data-mime-type='application/vnd.jupyter.stderr'], [data-mime-type$='.error']"


def run_chapter(
    notebook: NotebookPage, name: str, *, within_s: float = 120.0, exercises: bool = False
) -> Path:
    """Open a copy of a chapter with its data, choose “Run All”, and wait for its last cell.

    Args:
        notebook: An empty page.
        name: The file's name.
        within_s: Seconds that all of it may take.
        exercises: Some cells raise, because what they need is left to the reader; whoever calls
            looks at the errors.
    """
    shutil.copytree(NOTEBOOKS / "data", notebook.lab.folder / "data", dirs_exist_ok=True)
    place = Path(shutil.copy(NOTEBOOKS / name, notebook.lab.folder))
    notebook.open(place.name)
    notebook.run_all()
    last = notebook.page.locator(".jp-Notebook .jp-CodeCell").last.locator(".jp-InputPrompt")
    done = last.filter(has_text=re.compile(r"\[\d+\]"))
    complaint = notebook.page.locator(COMPLAINTS)
    ended = done if exercises else done.or_(complaint)
    ended.first.wait_for(timeout=within_s * 1000 * notebook.second_s)
    if not exercises:
        said = complaint.all_text_contents()
        assert said == [], said
    return place
