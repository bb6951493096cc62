"""Every chapter runs, keeps the rules, and is what its source makes."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest

from tests.notebooks.nbval import copy, failure, run_nbval
from tools.notebook_rules import notebook_lines, problems, uses
from tools.notebooks import BEGIN, NOTEBOOKS, solve_all, stale

ROOT = NOTEBOOKS.parent
CHAPTERS = [
    path for path in sorted(NOTEBOOKS.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts
]
FIRST = "00-start"
"""The chapter that the foundation has."""

FILLS_THE_MACHINE = ("deeper/10-broadcast",)

EXERCISES = [
    path.relative_to(NOTEBOOKS / "src").with_suffix("").as_posix()
    for path in sorted((NOTEBOOKS / "src").rglob("*.py"))
    if BEGIN in path.read_text("utf-8")
]


def name_of(path: Path) -> str:
    return path.relative_to(NOTEBOOKS).with_suffix("").as_posix()


def marks_of(name: str) -> list[pytest.MarkDecorator]:
    """Return what a chapter's runs are marked with."""
    marks = [pytest.mark.later] if name != FIRST else []
    return [*marks, pytest.mark.alone] if name in FILLS_THE_MACHINE else marks


TO_RUN = [pytest.param(path, id=name_of(path), marks=marks_of(name_of(path))) for path in CHAPTERS]
SOLUTIONS = [pytest.param(name, marks=marks_of(name)) for name in EXERCISES]


def test_notebooks_are_what_their_sources_make() -> None:
    assert stale() == [], "run “python tools/notebooks.py build”"


@pytest.mark.parametrize("path", CHAPTERS, ids=name_of)
def test_a_chapter_keeps_the_rules(path: Path) -> None:
    notebook = nbformat.read(path, 4)
    assert problems(notebook, path, core=path.parent == NOTEBOOKS) == []


@pytest.mark.parametrize("path", TO_RUN)
def test_a_chapter_runs_from_top_to_bottom(path: Path, tmp_path: Path) -> None:
    place = copy(path, NOTEBOOKS, tmp_path / "notebooks")
    result = run_nbval(place, home=tmp_path)
    assert failure(result) == ""


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_solution_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    solve_all(tmp_path / "solved")
    result = run_nbval(tmp_path / "solved" / f"{name}.ipynb", home=tmp_path)
    assert failure(result) == ""


def test_a_notebook_line_in_a_docstring_leads_to_a_notebook_that_uses_the_name() -> None:
    wrong = []
    for name, notebook in notebook_lines(ROOT / "labkit"):
        path = ROOT / notebook
        if not path.exists():
            wrong.append(f"{name}: {notebook} does not exist")
        elif not uses(nbformat.read(path, 4), name):
            wrong.append(f"{name}: {notebook} does not use it")
    assert wrong == []
