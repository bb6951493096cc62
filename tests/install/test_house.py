"""The house's book (docs/design.md) and the map in README.md say what is really there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from labkit.run.schema import COLUMNS
from tests.install.reading import ROOT

PACKAGE = ROOT / "labkit"
BOOK = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
NO_PART = {"__pycache__", "__main__.py", "py.typed"}


def rows(text: str, heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its head."""
    lines = text.split(heading, 1)[1].splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("|---"))
    last = next(n for n, line in enumerate(lines) if n > first and not line.startswith("|"))
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in lines[first + 1 : last]
    ]


def named(cell: str) -> list[str]:
    return [name.removeprefix("labkit/").rstrip("/") for name in re.findall(r"`([^`]+)`", cell)]


HOUSE = rows(BOOK, "## Modules")
MAY_IMPORT = {part: named(cells[2]) for cells in HOUSE for part in named(cells[0])}
EVERYWHERE = {part.removesuffix(".py") for part in MAY_IMPORT if part.endswith(".py")}


def imported(path: Path) -> Iterator[str]:
    """The lab's own modules that a file imports, wherever in it, as ``run.schema``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("labkit"):
            names = [f"{node.module}.{one.name}" for one in node.names]
        elif isinstance(node, ast.Import):
            names = [one.name for one in node.names if one.name.startswith("labkit.")]
        else:
            continue
        yield from (name.removeprefix("labkit.") for name in names)


def test_every_part_of_the_house_has_its_place_in_the_book() -> None:
    there = {path.name for path in PACKAGE.iterdir()} - NO_PART
    assert there == set(MAY_IMPORT)


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_a_part_imports_what_the_book_allows(part: str) -> None:
    cell = next(cells[2] for cells in HOUSE if part in named(cells[0]))
    if cell == "everything":
        return
    allowed = {*MAY_IMPORT[part], *EVERYWHERE, part.removesuffix(".py"), "__version__"}
    files = [PACKAGE / part] if part.endswith(".py") else sorted((PACKAGE / part).rglob("*.py"))
    wrong = [
        f"{path.name} imports {name}"
        for path in files
        for name in imported(path)
        if not any(name == one or name.startswith(f"{one}.") for one in allowed)
    ]
    assert wrong == []


def test_the_book_has_the_tables_of_the_schema() -> None:
    told = {}
    for table, columns in rows(BOOK, "## The Run"):
        told[table] = tuple(re.sub(r" ?\([^)]*\)", "", columns).split(", "))
    assert told == COLUMNS


def test_what_the_book_names_is_there() -> None:
    for name in set(re.findall(r"\blabkit(?:\.[a-z_]+)+", BOOK)):
        assert find_spec(name), name
    for name in set(re.findall(r"`((?:labkit|docs|notebooks|tools|tests)/[\w./-]+)`", BOOK)):
        assert (ROOT / name).exists(), name


def test_the_map_in_the_readme_is_whole() -> None:
    told = rows(README, "### A map of the house")
    folders = {name for cells in told for name in re.findall(r"`([^`]+)/`", cells[0])}
    assert all((ROOT / name).is_dir() for name in folders)
    packages = {
        f"labkit/{part}" for part in MAY_IMPORT if (PACKAGE / part / "__init__.py").exists()
    }
    assert packages <= folders
