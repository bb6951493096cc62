"""Rows to pandas tables and back, with the column types that every Run has.

text: pandas' string type (missing is NaN) · integer: ``Int64`` · bool: ``boolean`` (missing is
``<NA>``) · real: ``float64`` (missing is NaN) · blob: Python ``bytes`` or None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from labkit.run.digest import canonical
from labkit.run.schema import COLUMNS, KINDS

__all__ = ["to_frame", "to_rows"]

_DTYPES: dict[str, Any] = {
    "text": pd.StringDtype(na_value=np.nan),
    "integer": "Int64",
    "real": "float64",
    "bool": "boolean",
    "blob": "object",
}


def to_frame(table: str, rows: pd.DataFrame | Iterable[Any]) -> pd.DataFrame:
    """Return a table with exactly the columns and types of the schema.

    Args:
        table: Name of a table of the schema.
        rows: Tuples in the order of the schema, mappings by column (what they leave out is
            missing), or a DataFrame.

    Raises:
        KeyError: A column is not in the schema.
        ValueError: A value is not of its column's kind.
    """
    if isinstance(rows, pd.DataFrame):
        rows = rows.to_dict("records")
    lines = [_line(table, row) for row in rows]
    kinds = KINDS[table]
    columns = list(zip(*lines, strict=True)) or [()] * len(kinds)
    return pd.DataFrame(
        {
            name: pd.Series([_value(v, kind) for v in values], dtype=_DTYPES[kind])
            for (name, kind), values in zip(kinds.items(), columns, strict=True)
        }
    )


def to_rows(table: str, frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Return a table as tuples of plain Python values in the order of the schema.

    Raises:
        KeyError: A column of the schema is gone.
    """
    columns = []
    for name in COLUMNS[table]:
        values = frame[name].astype(object)
        columns.append(values.where(values.notna(), None).tolist())
    return list(zip(*columns, strict=True))


def _line(table: str, row: Any) -> tuple[Any, ...]:
    if not isinstance(row, Mapping):
        return tuple(row)
    unknown = row.keys() - KINDS[table].keys()
    if unknown:
        raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
    return tuple(row.get(column) for column in COLUMNS[table])


def _value(value: Any, kind: str) -> Any:
    return None if value is pd.NA else canonical(value, kind)
