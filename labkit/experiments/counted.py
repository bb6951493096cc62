"""What a server's own counters say, before and after something."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from labkit.run.topology import SERVER_CPU_S

if TYPE_CHECKING:
    from labkit.rooms.running import LivekitServer

__all__ = ["MEMORY", "PEOPLE", "Counted", "counted_during"]

MEMORY = "process_resident_memory_bytes"
PEOPLE = "livekit_participant_total"

T = TypeVar("T")


@dataclass(frozen=True)
class Counted:
    """A server's counters by name and labels, asked twice; missing is NaN."""

    before: Mapping[str, float]
    after: Mapping[str, float]
    seconds: float
    "How long after one another."

    def grew(self, name: str) -> float:
        """Return by how much a counter grew; one that was not there yet began at 0.

        Args:
            name: As ``server.metrics()`` has it.
        """
        return self.after.get(name, math.nan) - self.before.get(name, 0.0)

    @property
    def cpu_percent(self) -> float:
        """What the server's process used of one core meanwhile: 100 is all of it."""
        return 100 * self.grew(SERVER_CPU_S) / self.seconds

    @property
    def memory_mb(self) -> float:
        """What the server's process held at the end, in 10^6 bytes."""
        return self.after.get(MEMORY, math.nan) / 1e6

    @property
    def people(self) -> float:
        """How many were in all of its rooms at the end; a server without rooms counts nobody."""
        return self.after.get(PEOPLE, 0.0)


async def counted_during(
    server: LivekitServer, work: Callable[[], Awaitable[T]]
) -> tuple[T, Counted]:
    """Return what some work returned, and the server's counters before and after it.

    Args:
        server: A running ``lab.livekit()``.
        work: Makes what is awaited between the two questions.

    Raises:
        CallError: The server does not tell its counters.
    """
    before, from_s = await server.metrics(), time.perf_counter()
    done = await work()
    after, passed_s = await server.metrics(), time.perf_counter() - from_s
    return done, Counted(before, after, passed_s)
