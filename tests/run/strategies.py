"""Hypothesis strategies for a run's rows."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from labkit.run.schema import KINDS

__all__ = ["rows", "tables"]

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "text": _TEXT,
    "integer": st.integers(-(2**63), 2**63 - 1),
    "real": st.floats(allow_nan=False),
    "bool": st.booleans(),
    "blob": st.binary(max_size=20),
}


def rows(table: str, max_size: int = 4) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Rows of one table, every value of its column's kind or missing."""
    cells = [st.none() | _VALUES[kind] for kind in KINDS[table].values()]
    return st.lists(st.tuples(*cells), max_size=max_size)


def tables() -> st.SearchStrategy[dict[str, list[tuple[Any, ...]]]]:
    """Rows of every table but ``meta``."""
    return st.fixed_dictionaries({table: rows(table) for table in KINDS if table != "meta"})
