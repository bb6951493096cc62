"""The narrow place of a link: it sends at a rate, and lets a bounded queue wait."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from labkit.net.trace import Opportunities, Trace

if TYPE_CHECKING:
    from labkit.net.link import Link

__all__ = ["Bottleneck", "HEADER_BYTES"]

HEADER_BYTES = 28
"""IPv4 and UDP headers: they take their share of a rate and of a queue."""

HURRY_KBPS = 20_000
"""How fast a queue goes whose limit was taken away: all at once, a receiver would lose some."""


class Bottleneck:
    """First in, first out; what does not fit into the queue is dropped at its tail.

    A datagram's time of leaving is settled when it enters. A lower rate holds for those that
    enter after it; a higher one also lets those go that wait (``hurry``).
    """

    def __init__(self) -> None:
        self.queued_bytes = 0
        """Bytes that had not left when the last datagram entered, headers included."""
        self._waiting: deque[tuple[float, int]] = deque()
        self._free_s = 0.0
        self._opportunities: Opportunities | None = None

    def enter(self, now_s: float, size_bytes: int, link: Link) -> float | None:
        """Return when a datagram that enters at ``now_s`` has left (s), None if it is dropped."""
        self._let_go(now_s)
        from_s = max(now_s, self._free_s)
        if link.rate_kbps is None and link.trace is None:
            return from_s
        size = size_bytes + HEADER_BYTES
        if self.queued_bytes + size > link.queue_bytes:
            return None
        self._free_s = self._leave_s(from_s, size, link)
        self._waiting.append((self._free_s, size))
        self.queued_bytes += size
        return self._free_s

    def hurry(self, now_s: float, link: Link) -> dict[float, float]:
        """Let those that wait leave at the rate of ``link`` where that is earlier.

        Returns when each of them leaves now, by when it was to leave. A trace changes nothing
        for them.
        """
        self._let_go(now_s)
        if link.trace is not None or not self._waiting:
            return {}
        earlier: dict[float, float] = {}
        free_s, rate_kbps = now_s, min(link.rate_kbps or HURRY_KBPS, HURRY_KBPS)
        for leave_s, size in self._waiting:
            free_s = min(leave_s, free_s + size * 8 / (rate_kbps * 1000))
            earlier[leave_s] = free_s
        self._waiting = deque((earlier[leave_s], size) for leave_s, size in self._waiting)
        self._free_s = free_s
        return earlier

    def _let_go(self, now_s: float) -> None:
        while self._waiting and self._waiting[0][0] <= now_s:
            self.queued_bytes -= self._waiting.popleft()[1]

    def _leave_s(self, from_s: float, size: int, link: Link) -> float:
        if link.trace is not None:
            return self._opportunities_of(link.trace).take(from_s, size)
        assert link.rate_kbps is not None
        return from_s + size * 8 / (link.rate_kbps * 1000)

    def _opportunities_of(self, trace: Trace) -> Opportunities:
        current = self._opportunities
        if current is None or (current.trace is not trace and current.trace != trace):
            current = self._opportunities = Opportunities(trace)
        current.trace = trace
        return current
