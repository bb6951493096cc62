"""The newest points of a chart's lines, in arrays that are ready to be drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["Points"]


class Points:
    """Times and one row of values a line; the oldest go when there are too many.

    Arrays, not lists: a live chart is drawn several times a second, and making arrays of lists
    was a third of what an update cost.

    Args:
        most: How many points are kept, 2 or more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Twice as long as what is kept: points move to the front once in so many, not each time.
        self._from = self._to = 0
        self._times = np.empty(2 * most)
        self._values = np.empty((0, 2 * most))

    def __len__(self) -> int:
        return self._to - self._from

    @property
    def times(self) -> Any:
        """Seconds, oldest first; shape (points,). Valid until the next change."""
        return self._times[self._from : self._to]

    @property
    def values(self) -> Any:
        """Values, NaN where there was none; shape (lines, points). Valid until the next change."""
        return self._values[:, self._from : self._to]

    def add_line(self) -> None:
        """Begin one more line, which has no values yet."""
        self._values = np.vstack([self._values, np.full(2 * self._most, math.nan)])

    def append(self, at_s: float, values: list[float]) -> None:
        """Take one more point of each line."""
        if self._to == 2 * self._most:
            self._move_to_front()
        self._times[self._to] = at_s
        self._values[:, self._to] = values
        self._to += 1
        self._from = max(self._from, self._to - self._most)

    def largest_since(self, at_s: float) -> float:
        """Return the largest value from a time on; NaN without any."""
        first = int(np.searchsorted(self.times, at_s))
        shown = self.values[:, first:]
        return float(np.fmax.reduce(shown, axis=None)) if shown.size else math.nan

    def clear(self) -> None:
        """Forget the points; the lines stay."""
        self._from = self._to = 0
        self._values[:] = math.nan

    def _move_to_front(self) -> None:
        held = len(self)
        self._times[:held] = self.times
        self._values[:, :held] = self.values
        self._from, self._to = 0, held
