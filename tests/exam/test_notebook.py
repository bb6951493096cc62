"""The exam's page inside a notebook, in a real JupyterLab and a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.bench.jupyter import JupyterLab, NotebookPage, jupyter_lab, write_notebook
from tests.exam.seeing import moves
from tests.timing import SECOND

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("livekit_binary")]

SHOW = """from labkit.exam import judge, report_text, take_exam
own = await take_exam("data/exam-page.run", seconds=120)
own.page()"""

JUDGE = """run = await own.end()
print(report_text(judge(run), run))"""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[JupyterLab]:
    with jupyter_lab(tmp_path, within_s=60 * SECOND) as running:
        yield running


def test_both_pictures_in_the_notebook(lab: JupyterLab, page: Any, tmp_path: Path) -> None:
    write_notebook(tmp_path / "exam.ipynb", [SHOW, JUDGE])
    notebook = NotebookPage(lab, page, second_s=SECOND)
    notebook.open("exam.ipynb")
    notebook.run_cell(0)
    frame = page.frame_locator(".jp-OutputArea-output iframe")
    frame.locator("#join").click()
    inside = page.locator(".jp-OutputArea-output iframe").element_handle().content_frame()
    inside.wait_for_function("() => document.getElementById('state').dataset.state === 'joined'")
    moves(inside, "#mine")
    moves(inside, "#theirs")
    inside.wait_for_timeout(2000 * SECOND)
    page.screenshot(path=tmp_path / "both-pictures.png")
    frame.locator("#leave").click()
    inside.wait_for_function("() => document.getElementById('state').dataset.state === 'left'")
    notebook.run_cell(1)
    notebook.wait_for_prompt(1)
    assert "Passed: 5 of 5" in notebook.text_of(1)
    assert notebook.complaints == [] and notebook.outside() == []
    saved = (tmp_path / "exam.ipynb").read_text(encoding="utf-8")
    assert "eyJ" not in saved
