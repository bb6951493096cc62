"""How many pictures a browser gets: as many as it shows, and none are queued."""

from __future__ import annotations

import math

__all__ = ["Pacer"]


class Pacer:
    """Counts the pictures under way to the browser; a pure rule without a clock of its own.

    What goes out in one message counts as one.
    Twice a second the browser acknowledges what it has shown. Where it falls behind, pictures
    are dropped. Where acknowledgements stop (the kernel is busy, or the browser is), a few pictures
    still go out, and none once the page is gone.

    Args:
        window: Pictures that may be under way at once.
        trickle_s: Seconds between pictures while none is acknowledged.
        gone_s: Seconds of silence after which the page counts as gone.
    """

    def __init__(self, window: int = 12, trickle_s: float = 0.5, gone_s: float = 12.0) -> None:
        self._window, self._trickle_s, self._gone_s = window, trickle_s, gone_s
        self._sent = self._acknowledged = 0
        self._sent_at = self._heard_at = -math.inf

    @property
    def under_way(self) -> int:
        """Pictures sent and not acknowledged."""
        return self._sent - self._acknowledged

    def present(self, now: float) -> bool:
        """Whether a page has been heard lately (seconds on any steady clock)."""
        return now - self._heard_at <= self._gone_s

    def may_send(self, now: float) -> bool:
        """Whether one more picture may go out."""
        if not self.present(now):
            return False
        return self.under_way < self._window or now - self._sent_at >= self._trickle_s

    def send(self, now: float) -> int:
        """Note a picture that goes out; return its number."""
        self._sent += 1
        self._sent_at = now
        return self._sent

    def here(self, now: float) -> None:
        """Note that a page said it is there."""
        self._heard_at = now

    def acknowledge(self, number: int, now: float) -> None:
        """Note that the browser has shown a picture, and so every one before it."""
        self._heard_at = now
        self._acknowledged = max(self._acknowledged, min(number, self._sent))
