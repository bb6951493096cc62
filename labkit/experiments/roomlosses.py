"""Connections of a room that end on their own while their server is there: somebody has to tell."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from labkit.experiments.roombreaks import all_lost_error, lost_error
from labkit.experiments.seating import Seating
from labkit.experiments.seats import Seat

__all__ = ["Losses"]

SERVER_MAY_GO_S = 2.5
"""A server that ends closes its connections first: whoever comes back with it is not lost."""

LOOK_S = 0.1


class Losses:
    """Tells who of the lab's own participants has lost the server, and who is back.

    LiveKit's SDK tells of itself, and a page is missed by its seat.

    Args:
        seating: The room's seats.
        is_away: Whether the server is away.
        notify: Called with ``lost`` or ``found`` and ``{"who", "why"}``, or with ``failed`` and
            an error when nobody is left.
    """

    def __init__(
        self, seating: Seating, is_away: Callable[[], bool], notify: Callable[[str, Any], None]
    ) -> None:
        self._seating = seating
        self._is_away = is_away
        self._notify = notify
        self._following: set[asyncio.Task[None]] = set()

    def begin(self, seat: Seat) -> None:
        """Take it that a connection has ended on its own."""
        task = asyncio.create_task(self._follow(seat), name=f"{seat.identity} is lost")
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def close(self) -> None:
        """Follow nobody any more."""
        for task in self._following:
            task.cancel()
        await asyncio.gather(*self._following, return_exceptions=True)

    async def _follow(self, seat: Seat) -> None:
        await asyncio.sleep(SERVER_MAY_GO_S)
        while self._is_away():  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        if not self._is_missing(seat):
            return
        if self._seating.all_lost():
            self._notify("failed", all_lost_error(seat.lost))
            return
        tracks = seat.receives() if seat.identity != seat.name else []
        told = {"who": seat.identity, "why": str(lost_error(seat.name, tracks, seat.lost))}
        self._notify("lost", told)
        while self._is_missing(seat):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
        self._notify("found", told)

    def _is_missing(self, seat: Seat) -> bool:
        return bool(seat.lost) and seat in self._seating.connections
