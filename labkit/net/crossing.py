"""What has entered a link and still waits at its bottleneck, so that it can be let go earlier."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Crossing", "Key"]

Key = tuple[int, int]
"""Number of a datagram, and which copy of it."""


class _Waiting(NamedTuple):
    key: Key
    out_s: float
    due_s: float


class Crossing:
    """Due times of one direction: in order, also after those that wait were let go earlier."""

    def __init__(self) -> None:
        self.last_due_s = -math.inf
        """Latest time at which anything so far is due."""
        self._passed_due_s = -math.inf
        self._waiting: deque[_Waiting] = deque()

    def add(self, key: Key, now_s: float, out_s: float, due_s: float) -> None:
        """Note a datagram that leaves the bottleneck at ``out_s`` and the link at ``due_s``."""
        self._let_pass(now_s)
        self._waiting.append(_Waiting(key, out_s, due_s))
        self.last_due_s = max(due_s, self.last_due_s)

    def hurry(
        self, now_s: float, earlier: Mapping[float, float], *, reorder: bool
    ) -> dict[Key, float]:
        """Return the new due times of those that leave the bottleneck earlier.

        Args:
            now_s: Present time.
            earlier: When something leaves the bottleneck now, by when it was to leave.
            reorder: Whether one may overtake another.
        """
        self._let_pass(now_s)
        moved: dict[Key, float] = {}
        last_due_s = self._passed_due_s
        for place, (key, out_s, due_s) in enumerate(self._waiting):
            new_out_s = earlier.get(out_s, out_s)
            new_due_s = due_s - (out_s - new_out_s)
            if not reorder:
                new_due_s = max(new_due_s, last_due_s)
            last_due_s = max(new_due_s, last_due_s)
            self._waiting[place] = _Waiting(key, new_out_s, new_due_s)
            if new_due_s != due_s:
                moved[key] = new_due_s
        self.last_due_s = last_due_s
        return moved

    def _let_pass(self, now_s: float) -> None:
        while self._waiting and self._waiting[0].out_s <= now_s:
            self._passed_due_s = max(self._passed_due_s, self._waiting.popleft().due_s)
