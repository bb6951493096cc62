"""Build the notebooks from their sources, and name the ones that are out of date.

python tools/notebooks.py build            write notebooks/**/*.ipynb
python tools/notebooks.py check            fail and name each notebook that is stale
python tools/notebooks.py solutions DIR    write the solved exercises (for tests, never committed)

A source is a jupytext py:percent file: ``notebooks/src/deeper/x.py`` makes
``notebooks/deeper/x.ipynb``. How to write one is told in ``notebooks/src/README.md``.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import re
import shutil
import sys
from collections import Counter
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

__all__ = ["SourceError", "build", "build_all", "cell_id", "solve_all", "stale", "without_solution"]

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
STUB = ["# YOUR CODE HERE", "raise NotImplementedError()"]
UNFINISHED, NEEDS_SOLUTION, RAISES = "unfinished", "needs-solution", "raises-exception"
KEPT_METADATA = {"tags", "slideshow", "nbgrader", "editable"}
LAYOUT_METADATA = {"lines_to_next_cell", "lines_to_end_of_cell_marker"}  # jupytext's own notes
NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
_ALMOST_MARKER = re.compile(r"(begin|end)[ _-]*solution", re.IGNORECASE)


class SourceError(Exception):
    """A source cannot become a notebook; the message names the place and the cure."""


def without_solution(source: str) -> str:
    """Return a cell as the student gets it: each solution replaced by an unfinished stub.

    Args:
        source: The text of a code cell, solutions between the two markers.

    Raises:
        SourceError: A marker is nested, unclosed, unopened or misspelt.
    """
    lines: list[str] = []
    inside = False
    for line in source.split("\n"):
        marker = _marker(line)
        if marker == BEGIN:
            if inside:
                raise SourceError(f"“{BEGIN}” inside a solution: close the first one before it")
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + stub for stub in STUB]
        elif marker == END and not inside:
            raise SourceError(f"“{END}” without “{BEGIN}” before it")
        elif not inside:
            lines.append(line)
        inside = marker == BEGIN or (inside and marker != END)
    if inside:
        raise SourceError(f"“{BEGIN}” without “{END}” after it in the same cell")
    return "\n".join(lines)


def cell_id(name: str, cell: NotebookNode, earlier: int) -> str:
    """Return an id that another cell's coming, going or change does not touch.

    Args:
        name: The notebook, for instance ``deeper/06-jitter-buffer``.
        cell: The cell as its source has it.
        earlier: How many cells of the same type and text come before it.
    """
    text = "\n".join((name, cell.cell_type, str(earlier), cell.source))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def build(text: str, name: str, *, solved: bool = False) -> NotebookNode:
    """Make a notebook from a source.

    Args:
        text: The py:percent text.
        name: The notebook, for instance ``deeper/06-jitter-buffer``.
        solved: Keep the solutions, so that every cell must run.

    Raises:
        SourceError: The source breaks a rule; the message names the cell.
    """
    cells = jupytext.reads(text, fmt="py:percent").cells
    seen: Counter[tuple[str, str]] = Counter()
    for number, cell in enumerate(cells, start=1):
        key = (cell.cell_type, cell.source)
        cell.id = cell_id(name, cell, seen[key])
        seen[key] += 1
        try:
            _finish(cell, solved)
        except SourceError as error:
            raise SourceError(f"{name}, cell {number}: {error}") from None
    notebook: NotebookNode = nbformat.from_dict(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": NOTEBOOK_METADATA, "cells": cells}
    )
    nbformat.validate(notebook)
    return notebook


def stale(folder: Path = NOTEBOOKS) -> list[str]:
    """Return one sentence for each notebook that is not what its source makes."""
    wanted = {folder / f"{name}.ipynb": text for name, text in _texts(folder).items()}
    found = {
        path
        for path in folder.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in path.parts and path not in wanted
    }
    problems = [f"{_show(path, folder)} has no source in {folder.name}/src" for path in found]
    for path, text in wanted.items():
        if not path.exists():
            problems.append(f"{_show(path, folder)} is not built yet")
        elif path.read_text(encoding="utf-8") != text:
            problems.append(f"{_show(path, folder)} is not what its source makes")
    return sorted(problems)


def build_all(folder: Path = NOTEBOOKS) -> list[Path]:
    """Write the notebook of every source under ``folder/src``; return those that changed."""
    changed = []
    for name, text in _texts(folder).items():
        path = folder / f"{name}.ipynb"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            _write(path, text)
            changed.append(path)
    return changed


def solve_all(target: Path, folder: Path = NOTEBOOKS) -> list[Path]:
    """Write each exercise with its solution, and the data it reads, below ``target``.

    Raises:
        SourceError: ``target`` lies among the notebooks, where it could be committed.
    """
    if target.resolve().is_relative_to(folder.resolve()):
        raise SourceError(f"{target} lies in {folder}: solutions stay out of the repository")
    written = []
    for name, source in _sources(folder).items():
        if BEGIN in source:
            path = target / f"{name}.ipynb"
            _write(path, _as_text(build(source, name, solved=True)))
            written.append(path)
    if written and (folder / "data").is_dir():
        shutil.copytree(folder / "data", target / "data", dirs_exist_ok=True)
    return written


def main(arguments: list[str] | None = None) -> int:
    """Run one command of this tool and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "check":
            return _report(stale())
        written = build_all() if options.command == "build" else solve_all(options.folder)
    except SourceError as error:
        print(f"notebooks: {error}", file=sys.stderr)
        return 1
    for path in written:
        print(f"wrote {path}")
    print(f"{len(_sources(NOTEBOOKS))} sources, {len(written)} notebooks written")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="write the notebooks")
    commands.add_parser("check", help="fail and name each stale notebook")
    solutions = commands.add_parser("solutions", help="write the solved exercises")
    solutions.add_argument("folder", type=Path)
    return parser


def _report(problems: list[str]) -> int:
    for problem in problems:
        print(problem, file=sys.stderr)
    if problems:
        print("Run “python tools/notebooks.py build” and commit the result.", file=sys.stderr)
        return 1
    print(f"{len(_sources(NOTEBOOKS))} notebooks are what their sources make")
    return 0


def _sources(folder: Path) -> dict[str, str]:
    paths = sorted((folder / "src").rglob("*.py"))
    return {
        path.relative_to(folder / "src").with_suffix("").as_posix(): path.read_text("utf-8")
        for path in paths
    }


def _texts(folder: Path) -> dict[str, str]:
    return {name: _as_text(build(text, name)) for name, text in _sources(folder).items()}


def _as_text(notebook: NotebookNode) -> str:
    text: str = nbformat.writes(notebook)
    return text.rstrip() + "\n"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _show(path: Path, folder: Path) -> str:
    return path.relative_to(folder.parent).as_posix()


def _marker(line: str) -> str | None:
    text = line.strip()
    if text in (BEGIN, END):
        return text
    # A misspelt marker would hand the solution to the student.
    if _ALMOST_MARKER.search(text):
        raise SourceError(f"“{text}” is not a marker: write “{BEGIN}” or “{END}” alone on its line")
    return None


def _finish(cell: NotebookNode, solved: bool) -> None:
    for key in LAYOUT_METADATA & set(cell.metadata):
        del cell.metadata[key]
    unknown = set(cell.metadata) - KEPT_METADATA
    if unknown:
        raise SourceError(f"metadata {sorted(unknown)}: only {sorted(KEPT_METADATA)} are kept")
    student = without_solution(cell.source)
    exercise = student != cell.source
    if exercise and cell.cell_type != "code":
        raise SourceError("a solution belongs into a code cell")
    tags = list(cell.metadata.get("tags", []))
    if {UNFINISHED, RAISES} & set(tags):
        raise SourceError(f"the tags “{UNFINISHED}” and “{RAISES}” are set by the build")
    if solved or not (exercise or NEEDS_SOLUTION in tags):
        return
    cell.metadata["tags"] = tags + ([UNFINISHED] if exercise else []) + [RAISES]
    cell.source = student
    if exercise:
        _must_compile(student)


def _must_compile(source: str) -> None:
    # The cell may raise, so no run of the notebook would notice that it is no Python.
    try:
        compile(source, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        raise SourceError(f"without its solution the cell is no Python: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
