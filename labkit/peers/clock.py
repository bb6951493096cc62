"""The one clock of a call."""

from __future__ import annotations

import time
from dataclasses import dataclass

__all__ = ["Clock"]


@dataclass(frozen=True)
class Clock:
    """Seconds since the start of a call, on the machine's monotonic clock.

    ``time.perf_counter`` is one clock for every process of a machine on Linux, macOS and
    Windows, so processes only have to share ``zero``.
    """

    zero: float
    "Reading of ``time.perf_counter`` that is second 0."

    def now(self) -> float:
        """Return the seconds since ``zero``."""
        return time.perf_counter() - self.zero

    def at(self, reading: float) -> float:
        """Return the second of a ``time.perf_counter`` reading."""
        return reading - self.zero
