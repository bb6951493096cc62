"""The exams that the chapter ships, with rows taken out or put in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from labkit.run import Run, load_run
from labkit.run.run import TABLES

__all__ = ["changed", "exam_run", "row", "without"]

DATA = Path(__file__).parents[2] / "notebooks" / "data"


def exam_run(name: str) -> Run:
    """``exam-app`` or ``exam-page``."""
    return load_run(DATA / f"{name}.run")


def changed(run: Run, **tables: pd.DataFrame) -> Run:
    """The same run with other tables."""
    same = {table: run.table(table) for table in TABLES}
    told = {key: value for key, value in run.meta.items() if key != "digest"}
    return Run.from_tables(told, **{**same, **tables})


def without(run: Run, table: str, **wanted: Any) -> Run:
    """The same run without the rows that have these values."""
    rows = run.table(table)
    match = pd.Series(True, index=rows.index)
    for column, value in wanted.items():
        match &= rows[column].isin(value if isinstance(value, list) else [value])
    assert match.any(), f"no row of {table} is so: {wanted}"
    return changed(run, **{table: rows[~match]})


def row(run: Run, table: str, **values: Any) -> Run:
    """The same run with one row more; a dict becomes JSON."""
    text = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in values.items()}
    more = pd.DataFrame([text]).astype({"at_s": float})
    return changed(run, **{table: pd.concat([run.table(table), more], ignore_index=True)})
