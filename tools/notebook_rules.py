"""The rules of a chapter, as sentences about the notebook that breaks one.

A *core* chapter lies in ``notebooks/``; what lies in ``notebooks/deeper/`` may leave out the
middle of the skeleton.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from nbformat import NotebookNode

SKELETON = (
    "Predict",
    "Run it",
    "Change one thing",
    "Control questions",
    "Food for thought",
    "Troubleshooting",
    "Clean up",
    "Next",
)
DEEPER_SKELETON = ("Predict", "Food for thought", "Troubleshooting", "Clean up", "Next")
SHORT, LONGEST, SHORT_SHARE = 6, 25, 0.8
"""Lines of a short cell, of the longest one, and the share of the cells that must be short."""
KEPT_METADATA = {"tags", "slideshow", "nbgrader", "editable"}
HOSTS = (
    "datatracker.ietf.org",
    "developer.mozilla.org",
    "github.com",
    "www.rfc-editor.org",
    "www.w3.org",
)
"""Where a link may lead: the standards, their explanation, and sources."""
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)[^)]*\)")
ADDRESS = re.compile(r"https?://([^/\s)\"']*)")


def problems(notebook: NotebookNode, path: Path, *, core: bool) -> list[str]:
    """Return one sentence for each rule that a built notebook breaks.

    Args:
        notebook: The notebook as it is committed.
        path: Where it lies; links are looked up from there.
        core: Whether it must have the whole skeleton.
    """
    found = [
        *_frame(notebook),
        *_headings(notebook, SKELETON if core else DEEPER_SKELETON),
        *_lengths(notebook),
    ]
    for number, cell in enumerate(notebook.cells, start=1):
        rules = (_stored, _solution, _addresses) if cell.cell_type == "code" else (_text, _solution)
        found += [f"cell {number}: {problem}" for rule in rules for problem in rule(cell)]
        if cell.cell_type == "markdown":
            found += [f"cell {number}: {problem}" for problem in _links(cell, path)]
    return found


def notebook_lines(package: Path) -> list[tuple[str, str]]:
    """Return (name, notebook) for each docstring of a package with a ``Notebook:`` line."""
    found = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                named = re.findall(r"^\s*Notebook: (\S+)", ast.get_docstring(node) or "", re.M)
                found += [(node.name, notebook) for notebook in named]
    return found


def uses(notebook: NotebookNode, name: str) -> bool:
    """Tell whether the code of a notebook uses a name."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return re.search(rf"\b{re.escape(name)}\b", code) is not None


def _frame(notebook: NotebookNode) -> Iterator[str]:
    if set(notebook.metadata) != {"kernelspec", "language_info"}:
        yield f"the notebook's metadata are {sorted(notebook.metadata)}"
    first = notebook.cells[0] if notebook.cells else None
    if first is None or first.cell_type != "markdown" or not first.source.startswith("# "):
        yield "the first cell is not text that starts with a “# ” title"
    elif not re.search(r"^\*\*You will\*\*", first.source, re.M):
        yield "the first cell does not say what “**You will**” do"
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not codes or "import labkit as lab" not in codes[0].source:
        yield "the first code cell does not “import labkit as lab”"


def _headings(notebook: NotebookNode, skeleton: tuple[str, ...]) -> Iterator[str]:
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    headings = re.findall(r"^## (.+)$", text, re.M)
    places = [
        next((n for n, heading in enumerate(headings) if heading.startswith(part)), None)
        for part in skeleton
    ]
    for part, place in zip(skeleton, places, strict=True):
        if place is None:
            yield f"there is no heading “## {part}”"
    order = [place for place in places if place is not None]
    if order != sorted(order):
        yield f"the headings do not come in the order {', '.join(skeleton)}"


def _lengths(notebook: NotebookNode) -> Iterator[str]:
    lengths = {
        number: sum(1 for line in cell.source.split("\n") if line.strip())
        for number, cell in enumerate(notebook.cells, start=1)
        if cell.cell_type == "code"
    }
    for number, length in lengths.items():
        if length > LONGEST:
            yield f"cell {number}: {length} lines of code, {LONGEST} at most"
    short = sum(length <= SHORT for length in lengths.values())
    if short < SHORT_SHARE * len(lengths):
        yield f"{short} of {len(lengths)} code cells have {SHORT} lines or less, too few"


def _stored(cell: NotebookNode) -> Iterator[str]:
    if cell.outputs or cell.execution_count is not None:
        yield "it has outputs"
    yield from _metadata(cell)


def _text(cell: NotebookNode) -> Iterator[str]:
    if not cell.source.strip():
        yield "it is empty"
    if cell.get("attachments"):
        yield "it has attachments"
    yield from _metadata(cell)


def _metadata(cell: NotebookNode) -> Iterator[str]:
    unknown = set(cell.metadata) - KEPT_METADATA
    if unknown:
        yield f"its metadata have {sorted(unknown)}"


def _solution(cell: NotebookNode) -> Iterator[str]:
    if re.search(r"(begin|end) solution", cell.source, re.IGNORECASE):
        yield "it shows a solution"


def _addresses(cell: NotebookNode) -> Iterator[str]:
    for host in ADDRESS.findall(cell.source):
        if host.split(":")[0] not in ("127.0.0.1", "localhost"):
            yield f"its code names {host}: nothing here calls the internet"


def _links(cell: NotebookNode, path: Path) -> Iterator[str]:
    for picture, words, target in LINK.findall(cell.source):
        if not words.strip():
            yield f"{'the picture' if picture else 'the link'} {target} has no words"
        host = ADDRESS.match(target)
        if host and host[1] not in HOSTS:
            yield f"a link leads to {host[1]}"
        if not host and not target.startswith("#"):
            file = path.parent / target.split("#")[0]
            if not file.exists():
                yield f"a link leads to {target}, which is not there"
    for host in ADDRESS.findall(LINK.sub("", cell.source)):
        yield f"the address at {host} is bare: write [words](address)"
