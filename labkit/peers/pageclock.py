"""How a page's clock stands to the call's."""

from __future__ import annotations

from labkit.peers.clock import Clock

__all__ = ["PageClock"]


class PageClock:
    """Turns a page's ``performance.now()`` into seconds of the call.

    The page asks the kernel for its time now and then; half of the way there and back is the
    most that such a sample can be wrong by. The one with the shortest way counts (as in NTP,
    RFC 5905 section 10), until the clock is settled: rows that are written must not change.

    Args:
        clock: The call's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset_s = 0.0  # perf_counter reading less the page's time
        self.error_s: float | None = None
        self.settled = False

    @property
    def known(self) -> bool:
        """Whether there was a sample."""
        return self.error_s is not None

    @property
    def offset_s(self) -> float | None:
        """The second of the call at which the page's clock was 0."""
        return self._clock.at(self._offset_s) if self.known else None

    def take(self, offset_s: float, rtt_s: float) -> None:
        """Take a sample: reading of ``perf_counter`` less the page's time, and its way."""
        if not self.settled and (self.error_s is None or rtt_s / 2 < self.error_s):
            self._offset_s, self.error_s = offset_s, rtt_s / 2

    def settle(self) -> None:
        """Keep what is known now."""
        self.settled = self.known

    def drift_s(self, offset_s: float) -> float:
        """Return how far another sample is from what counts."""
        return offset_s - self._offset_s

    def at(self, page_ms: float) -> float:
        """Return the second of the call of a time of the page."""
        return self._clock.at(float(page_ms) / 1000 + self._offset_s)
