"""Where a process gathers its rows before they go to a recorder."""

from __future__ import annotations

from collections import deque
from typing import Any

from labkit.run.feed import Feed
from labkit.run.schema import row

__all__ = ["KEPT_ROWS", "Tap"]

KEPT_TABLES = ("peers", "tracks", "streams", "messages", "events")
"""What belongs to the set-up of a call; a recorder that comes later gets it too."""

SAID_ONCE = ("peers", "tracks")
"""Tables in which somebody who comes back, unchanged, is not written down again."""

KEPT_ROWS = 5_000
"""How much of each of those tables is kept."""


class Tap:
    """Rows of one process on their way to at most one recorder at a time.

    Rows of the set-up are kept for a recorder that attaches later; all others exist only
    while a recorder is attached.
    """

    def __init__(self) -> None:
        self._feed: Feed | None = None
        self._kept: dict[str, deque[tuple[Any, ...]]] = {
            table: deque(maxlen=KEPT_ROWS) for table in KEPT_TABLES
        }
        self._waiting: dict[str, list[tuple[Any, ...]]] = {}

    @property
    def recording(self) -> bool:
        """Whether a recorder is attached; producers may skip costly rows otherwise."""
        return self._feed is not None

    def add(self, table: str, **values: Any) -> None:
        """Add one row, named by columns."""
        self.add_row(table, row(table, **values))

    def add_row(self, table: str, values: tuple[Any, ...]) -> None:
        """Add one row that is as wide as its table."""
        kept = self._kept.get(table)
        if kept is not None:
            if table in SAID_ONCE and values in kept:
                return
            kept.append(values)
        if self._feed is not None:
            self._waiting.setdefault(table, []).append(values)

    def attach(self, feed: Feed) -> None:
        """Send every row from now on to ``feed``, and what was kept of the set-up first."""
        self._feed = feed
        self._waiting = {table: list(rows) for table, rows in self._kept.items() if rows}

    def flush(self) -> None:
        """Hand over what has gathered; cheap when there is nothing."""
        if self._feed is not None and self._waiting:
            self._feed.send(self._waiting)
            self._waiting = {}

    def detach(self) -> int:
        """Hand over the rest, let the recorder go; return how many rows it was too slow to take."""
        self.flush()
        feed, self._feed = self._feed, None
        if feed is None:
            return 0
        complete = feed.flush()
        feed.close()
        return feed.dropped_rows if complete else max(1, feed.dropped_rows)
