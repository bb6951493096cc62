"""The tables of a Run: names, columns and kinds, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["APPLICATION_ID", "Batch", "COLUMNS", "KINDS", "SCHEMA_VERSION", "row"]

APPLICATION_ID = 0x57524C42
"""``WRLB``: marks a SQLite file as a run of the lab."""

SCHEMA_VERSION = 1
"""Raised by one with every change that an older lab could not read."""

Batch = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rows by table; each row is as wide as its table, in the order of ``COLUMNS``."""

_TABLES = {
    "meta": "key text, value text",
    "peers": "peer text, engine text, place text, clock_offset_s real, clock_error_s real",
    "tracks": "track text, peer text, kind text, source text, codec text",
    "streams": "ssrc integer, track text, role text, rid text",
    "frames": "track text, frame integer, receiver text, layer text, width integer, "
    "height integer, size_bytes integer, packets integer, key_frame bool, "
    "rtp_timestamp integer, captured_s real, encoded_s real, first_sent_s real, "
    "last_sent_s real, first_arrived_s real, last_arrived_s real, released_s real, "
    "decoded_s real, shown_s real, latency_ms real, fate text",
    "audio": "track text, frame integer, receiver text, size_bytes integer, "
    "rtp_timestamp integer, captured_s real, encoded_s real, sent_s real, arrived_s real, "
    "released_s real, decoded_s real, latency_ms real, level_dbfs real, marker integer, "
    "concealed bool, fate text",
    "packets": "sender text, receiver text, layer text, kind text, number integer, "
    "copy integer, sent_s real, due_s real, arrived_s real, size_bytes integer, "
    "ssrc integer, sequence integer, rtp_timestamp integer, fate text, data blob",
    "messages": "at_s real, sender text, receiver text, channel text, name text, "
    "size_bytes integer, body text",
    "samples": "at_s real, peer text, track text, name text, value real",
    "events": "at_s real, peer text, name text, detail text",
}

KINDS: dict[str, dict[str, str]] = {
    table: dict(column.split() for column in columns.split(", "))
    for table, columns in _TABLES.items()
}
"""Kind of each column (text, integer, real, bool or blob), by table and column."""

COLUMNS: dict[str, tuple[str, ...]] = {table: tuple(kinds) for table, kinds in KINDS.items()}
"""Column names in their order, by table."""


def row(table: str, **values: Any) -> tuple[Any, ...]:
    """Return one row of ``table``; columns that are not named are missing (None).

    Args:
        table: Name of a table of the schema.
        values: Column values, in the units that the column names say.

    Raises:
        KeyError: A name is not a column of the table.
    """
    unknown = values.keys() - KINDS[table].keys()
    if unknown:
        raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
    return tuple(values.get(column) for column in COLUMNS[table])
