"""The digest of a run: a checksum over every value, so that a copied or edited run is noticed.

It is no signature: who edits a run can compute it again. It finds accidents and plain edits.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from labkit.run.schema import COLUMNS, KINDS

__all__ = ["canonical", "digest_of", "from_json", "to_json"]

_TYPES = {"text": str, "integer": int, "real": float, "bool": bool, "blob": bytes}


def to_json(value: Any) -> str:
    """Return one value of ``meta`` as the text that the file holds."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def from_json(text: str) -> Any:
    """Return the value of ``meta`` that ``to_json`` wrote."""
    return json.loads(text)


def canonical(value: Any, kind: str) -> Any:
    """Return a value as its column's kind holds it; missing in every guise becomes None.

    Args:
        value: What a producer, a file or a table gave.
        kind: Kind of the column: text, integer, real, bool or blob.

    Raises:
        ValueError: The value is not of that kind.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if kind == "integer" and int(value) != value:
        raise ValueError(f"{value!r} is not a whole number")
    typed = _TYPES[kind](value)
    return typed + 0.0 if kind == "real" else typed  # SQLite stores -0.0 as 0.0


def digest_of(meta: Mapping[str, Any], tables: Mapping[str, Iterable[tuple[Any, ...]]]) -> str:
    """Return the digest over ``meta`` (its own ``digest`` left out) and over every table.

    Missing values are left out of each row, so that a column which a later lab adds does not
    change the digest of an older run.

    Args:
        meta: Values by key.
        tables: Rows by table, in the order of the file.

    Returns:
        64 hexadecimal digits of a SHA-256.
    """
    sha = hashlib.sha256()
    encode = json.JSONEncoder(separators=(",", ":"), sort_keys=True, default=str).encode
    values = {key: from_json(to_json(value)) for key, value in meta.items() if key != "digest"}
    sha.update(encode(["meta", values]).encode())
    for table, columns in COLUMNS.items():
        kinds = list(KINDS[table].values())
        for line in tables.get(table, ()) if table != "meta" else ():
            row = [canonical(value, kind) for value, kind in zip(line, kinds, strict=True)]
            sha.update(_row_bytes(encode, table, columns, row))
    return sha.hexdigest()


def _row_bytes(encode: Any, table: str, columns: tuple[str, ...], row: list[Any]) -> bytes:
    data = b"".join(value for value in row if isinstance(value, bytes))
    plain = {
        column: len(value) if isinstance(value, bytes) else value
        for column, value in zip(columns, row, strict=True)
        if value is not None
    }
    return str(encode([table, plain])).encode() + data
