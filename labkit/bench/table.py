"""The benchmark as a table: for a terminal, and for ``docs/benchmarks.md``."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from labkit.bench.kept import Kept
from labkit.bench.row import Row
from labkit.experiments.about import versions

__all__ = ["about_machine", "markdown", "rich_table"]

SIGNS = {True: "yes", False: "no", None: "–"}


def about_machine() -> dict[str, Any]:
    """Return when and where this was measured, with what, and how fast the machine was just then.

    ``loop_ms`` is the shortest and the longest time of a fixed loop in Python: on a virtual machine
    with neighbours it tells a slow minute from a slow lab.
    """
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": os.cpu_count(),
        "load_before": _load(),
        "loop_ms": _loop_ms(),
        "versions": versions(),
    }


def markdown(kept: Sequence[Kept]) -> str:
    """Return the page ``docs/benchmarks.md``; nothing in it is typed by hand."""
    head = [
        "# Benchmarks",
        "",
        "Written by `make bench`; nothing here is typed by hand. Where a row compares two sides, "
        "both were measured in one run, taking turns.",
        "",
        "| what | reach | measured | met |",
        "|---|---|---|---|",
    ]
    rows = [one.row for one in kept]
    body = [f"| {row.what} | {row.reach} | {row.measured} | {SIGNS[row.met]} |" for row in rows]
    notes = ["", "## How each was measured", ""]
    notes += [f"- **{one.row.what}**: {one.row.note} ({_occasion(one)})" for one in kept]
    return "\n".join([*head, *body, *notes, *_machines(kept), ""])


def _occasion(one: Kept) -> str:
    machine = one.machine
    fastest, slowest = machine["loop_ms"]
    return (
        f"{machine['date']}, {one.seconds:g} s a measurement; load before "
        f"{machine['load_before']}, a fixed loop took {fastest:.0f} to {slowest:.0f} ms"
    )


def _machines(kept: Sequence[Kept]) -> list[str]:
    """Name each machine, with its versions, once."""
    lines = dict.fromkeys(_machine(one.machine) for one in kept)
    return ["", "## Measured on", "", *(f"- {line}" for line in lines)]


def _machine(machine: dict[str, Any]) -> str:
    used = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return f"{machine['system']}, {machine['cores']} cores · {used}"


def rich_table(rows: Sequence[Row]) -> Any:
    """Return the rows as a Rich table."""
    from rich.table import Table

    table = Table(show_lines=True)
    for column in ("what", "reach", "measured", "met"):
        table.add_column(column)
    for row in rows:
        table.add_row(row.what, row.reach, row.measured, SIGNS[row.met])
    return table


def _loop_ms() -> list[float]:
    taken = []
    for _turn in range(20):
        begin = time.perf_counter()
        total = 0
        for number in range(200_000):
            total += number * number
        taken.append((time.perf_counter() - begin) * 1000)
    return [min(taken), max(taken)]


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
