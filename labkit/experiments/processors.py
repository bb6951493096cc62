"""How much of a processor each process of an experiment uses, over time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from labkit.peers.clock import Clock
from labkit.run.tap import Tap

__all__ = ["own_cpu_s", "sample_processors"]

SAMPLE_S = 0.5

Reading = Callable[[], Awaitable[float]]
"""Returns the seconds of processor time that a process has used since it was started."""


async def own_cpu_s() -> float:
    """Return the seconds of processor time that this process has used, of all its threads."""
    return time.process_time()


async def sample_processors(
    tap: Tap, clock: Clock, readings: Mapping[str, Reading], name: str = "cpu_percent"
) -> None:
    """Add a row of ``samples`` for each process twice a second: 100 is one whole core.

    Args:
        tap: Where the rows go.
        clock: The experiment's clock.
        readings: How to read the processor time of each process, by the name it has in the Run.
        name: Name of the sample.
    """
    before: dict[str, tuple[float, float]] = {}
    while True:
        for process, read in readings.items():
            used_s, now_s = await read(), clock.now()
            if tap.recording and process in before:
                passed_s = now_s - before[process][1]
                percent = 100 * (used_s - before[process][0]) / passed_s
                tap.add("samples", at_s=now_s, peer=process, name=name, value=percent)
            before[process] = used_s, now_s
        await asyncio.sleep(SAMPLE_S)
