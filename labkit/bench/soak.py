"""Many calls opened and closed: what is left of them?"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

import labkit
from labkit.bench.row import Row, not_run
from labkit.experiments import call

__all__ = ["RESULT", "left_behind", "leftovers", "soak", "soak_row"]

RESULT = Path("docs/soak.json")
"""Where ``make soak`` keeps its dated result, from the project's folder."""

WARM_UP = 20
"""Calls before the first count: imports and caches are no leak."""

FLAT_MB = 10.0
"""Growth of memory over the second half of the calls that still counts as flat.

The first half is left out: every call starts threads, and the C library fills its arenas (up to
eight a core) before it uses them again.
"""

MEMORY_EVERY = 50
"""Calls between two looks at the memory."""


async def soak(calls: int, on_call: Callable[[int], None] = lambda number: None) -> dict[str, Any]:
    """Open and close calls one after another, in both places in turn.

    Args:
        calls: How many, after ``WARM_UP`` that do not count.
        on_call: Called with the number of each finished call.

    Returns:
        What was counted before and after, and how long a call took (s, p50).
    """
    with _own_temporary_folder():
        for number in range(WARM_UP):
            await _one(number)
        before = leftovers()
        seconds, memory_mb = [], []
        for number in range(calls):
            if number % MEMORY_EVERY == 0:
                memory_mb.append(leftovers()["memory_mb"])
            started = time.perf_counter()
            await _one(number)
            seconds.append(time.perf_counter() - started)
            on_call(number + 1)
        await asyncio.sleep(1.0)
        after = leftovers()
    return {
        "calls": calls,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "labkit": labkit.__version__,
        "before": before,
        "after": after,
        "memory_mb": [*memory_mb, after["memory_mb"]],
        "seconds_p50": sorted(seconds)[len(seconds) // 2],
    }


@contextlib.contextmanager
def _own_temporary_folder() -> Iterator[None]:
    """Send temporary files to a folder of our own, where nobody else's can be miscounted."""
    with tempfile.TemporaryDirectory() as folder:
        usual, os.environ["TMPDIR"] = os.environ.get("TMPDIR"), folder
        tempfile.tempdir = None
        try:
            yield
        finally:
            del os.environ["TMPDIR"]
            if usual is not None:
                os.environ["TMPDIR"] = usual
            tempfile.tempdir = None


async def _one(number: int) -> None:
    async with call(seed=number, place=("worker", "kernel")[number % 2]):
        pass


def leftovers() -> dict[str, float]:
    """Count what this process holds: tasks, threads, children, sockets, files, memory (MB)."""
    gc.collect()
    me = psutil.Process()
    return {
        "tasks": len(asyncio.all_tasks()) - 1,
        "threads": threading.active_count(),
        "processes": len(me.children(recursive=True)),
        "sockets": len(me.net_connections(kind="all")),
        "files": len(me.open_files()) if os.name == "nt" else me.num_fds(),
        "temporary": len(list(Path(tempfile.gettempdir()).iterdir())),
        "memory_mb": me.memory_info().rss / 1e6,
    }


def left_behind(result: dict[str, Any]) -> dict[str, float]:
    """Return what grew; memory counts over the second half, from ``FLAT_MB`` on."""
    grown = {name: result["after"][name] - count for name, count in result["before"].items()}
    grown["memory_mb"] = second_half_mb(result)
    allowed = {"memory_mb": FLAT_MB}
    return {name: by for name, by in grown.items() if by > allowed.get(name, 0)}


def second_half_mb(result: dict[str, Any]) -> float:
    """Return by how much the memory grew over the second half of the calls."""
    memory_mb: list[float] = result["memory_mb"]
    return memory_mb[-1] - memory_mb[len(memory_mb) // 2]


def soak_row(folder: Path) -> Row:
    """Return the dated result of ``make soak`` as a row."""
    what = "1,000 calls opened and closed"
    reach = "no task, thread, process, socket, file or temp folder left; memory flat"
    try:
        result = json.loads((folder / RESULT).read_text())
    except OSError:
        return not_run("soak", what, reach, "run “make soak” first")
    grown = left_behind(result)
    memory = result["after"]["memory_mb"] - result["before"]["memory_mb"]
    return Row(
        "soak",
        what,
        reach,
        f"{result['calls']} calls: left {grown or 'nothing'}; memory "
        f"{second_half_mb(result):+.1f} MB over the second half ({memory:+.1f} MB in all)",
        not grown and result["calls"] >= 1000,
        f"made by “make soak” on {result['date'][:10]} ({result['machine']}, "
        f"Python {result['python']}), p50 {result['seconds_p50']:.2f} s a call, "
        "workers and kernel in turn",
        result,
    )
