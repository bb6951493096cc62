"""The benchmark as a table: for a terminal, and for ``docs/benchmarks.md``."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from labkit.bench.row import Row
from labkit.experiments.about import versions

__all__ = ["about_machine", "markdown", "rich_table"]

SIGNS = {True: "yes", False: "no", None: "–"}


def about_machine() -> dict[str, Any]:
    """Return when and where this was measured, and with what."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_before": _load(),
        "versions": versions(),
    }


def markdown(rows: Sequence[Row], machine: dict[str, Any], seconds: float) -> str:
    """Return the page ``docs/benchmarks.md``; nothing in it is typed by hand."""
    used = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    head = [
        "# Benchmarks",
        "",
        "Written by `make bench`; nothing here is typed by hand. Where a row compares two sides, "
        "both were measured in this one run, taking turns.",
        "",
        f"{machine['date']} · {machine['system']}, {machine['cores']} cores, load before "
        f"{machine['load_before']} · {used} · {seconds:g} s a measurement",
        "",
        "| what | reach | measured | met |",
        "|---|---|---|---|",
    ]
    body = [f"| {row.what} | {row.reach} | {row.measured} | {SIGNS[row.met]} |" for row in rows]
    notes = ["", "## How each was measured", ""]
    notes += [f"- **{row.what}**: {row.note}" for row in rows if row.note]
    return "\n".join([*head, *body, *notes, ""])


def rich_table(rows: Sequence[Row]) -> Any:
    """Return the rows as a Rich table."""
    from rich.table import Table

    table = Table(show_lines=True)
    for column in ("what", "reach", "measured", "met"):
        table.add_column(column)
    for row in rows:
        table.add_row(row.what, row.reach, row.measured, SIGNS[row.met])
    return table


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
