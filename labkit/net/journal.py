"""The wire of a relay on its way to a recorder."""

from __future__ import annotations

from collections import deque
from typing import Any

from labkit.net.bridge import Flight, Way
from labkit.net.wire import packet_row
from labkit.run.feed import Feed

__all__ = ["KEPT_ROWS", "Journal", "MODES"]

KEPT_ROWS = 2_000
"""How much of the set-up is kept for a recorder that comes later."""

MODES = ("full", "headers")
"""What a recorder gets: everything, or everything but the datagrams' bytes."""

_PART_ROWS = 40
"""Rows handed over at a time: about a quarter of a millisecond of work."""

_FULL_ROWS = 5_000
"""Rows that wait at most for a quiet moment."""

_EVERY_S = 0.05


class Journal:
    """Notes what becomes of each datagram, and hands it over when there is time.

    Rows until the first recorder attaches are kept (`KEPT_ROWS` of them) and go to each
    recorder; later ones exist only while a recorder is attached.
    """

    def __init__(self) -> None:
        self._feed: Feed | None = None
        self._with_data = True
        self._early: list[dict[str, Any]] | None = []
        self._kept: list[dict[str, Any]] = []
        self._waiting: deque[dict[str, Any]] = deque()
        self._next_s = 0.0

    @property
    def recording(self) -> bool:
        """Whether a recorder is attached that still listens."""
        return self._feed is not None and not self._feed.broken

    @property
    def next_s(self) -> float | None:
        """When it wants to hand over rows (seconds of the call); None when it has none."""
        return self._next_s if self._waiting else None

    @property
    def overdue(self) -> bool:
        """Whether it cannot wait for a quiet moment any longer."""
        return len(self._waiting) > _FULL_ROWS

    def note(self, flight: Flight, fate: str, arrived_s: float | None = None) -> None:
        """Note the end of a datagram that was due at some time."""
        self._note(
            flight.way, flight.data, number=flight.number, copy=flight.copy,
            sent_s=flight.entered_s, due_s=flight.due_s, arrived_s=arrived_s, fate=fate,
        )  # fmt: skip

    def note_dropped(
        self, way: Way, number: int, copy: int, entered_s: float, data: bytes, fate: str
    ) -> None:
        """Note a datagram that the link itself dropped."""
        self._note(way, data, number=number, copy=copy, sent_s=entered_s, fate=fate)

    def attach(self, feed: Feed, mode: str) -> None:
        """Hand every row from now on to ``feed``, and those of the set-up first."""
        if self._early is not None:
            self._kept, self._early = self._early, None
        self._feed = feed
        self._with_data = mode == "full"
        self._waiting = deque(self._kept)

    def detach(self) -> Feed | None:
        """Hand over the rest; return the feed, which still has to be flushed and closed."""
        while self._feed is not None and self._waiting:
            self.flush(0.0)
        feed, self._feed = self._feed, None
        return feed

    def flush(self, now_s: float) -> None:
        """Hand over some of the rows."""
        self._next_s = now_s + _EVERY_S
        part = [self._waiting.popleft() for _k in range(min(_PART_ROWS, len(self._waiting)))]
        rows = [packet_row(with_data=self._with_data, **values) for values in part]
        if self._feed is not None:
            self._feed.send({"packets": rows})
        if self._waiting:
            self._next_s = now_s

    def _note(self, way: Way, data: bytes, **values: Any) -> None:
        values.update(sender=way.sender.name, receiver=way.receiver.name, data=data)
        if self._feed is not None:
            self._waiting.append(values)
        elif self._early is not None and len(self._early) < KEPT_ROWS:
            self._early.append(values)
