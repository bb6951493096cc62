"""How participants by WHIP come back when the server was away; the SDK's do it by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from labkit.errors import LabError
from labkit.experiments.roombreaks import not_back_error, server_gone_error
from labkit.experiments.saying import CallErrors
from labkit.experiments.seating import Seating, all_of, uninterrupted
from labkit.experiments.seats import Seat

__all__ = ["Return"]

T = TypeVar("T")

BACK_WITHIN_S = 15.0
"""How long a server may be away before the room is given up."""

PAUSES_S = (0.0, 0.3, 0.6, 1.2, 2.4)
"""Before each try to join again."""

PUBLISHED_WITHIN_S = 15.0
"""How long those by WHIP wait for what others published before."""

LOOK_S = 0.05


class Return:
    """Lets those join anew whose connection ended with the server.

    They do so as at a start: publishers first, one after the other, then everybody else, each for
    what is there by then. What is published later, as by the SDK's, is heard by one more ear;
    ears of before are not kept, since a first connection may have taken their tracks.

    Args:
        seating: The room's seats.
        door: Held while somebody comes or goes.
        notify: Called with ``failed`` and an error when somebody does not get back.
    """

    def __init__(
        self, seating: Seating, door: asyncio.Lock, notify: Callable[[str, Any], None]
    ) -> None:
        self._seating = seating
        self._door = door
        self._notify = notify
        self._there = asyncio.Event()
        self._there.set()
        self._asked = asyncio.Event()
        self._patience: asyncio.Task[None] | None = None
        self._work: asyncio.Task[None] | None = None

    @property
    def is_away(self) -> bool:
        """Whether the server has gone, and is not back yet."""
        return not self._there.is_set()

    def server_changed(self, there: bool) -> None:
        """Take it that the server has gone, or is back."""
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.cancel()
        if there:
            self._there.set()
            return
        self._there.clear()
        waiting = [seat for seat in self._seating.seats.values() if seat.comes_back]
        for seat in waiting:
            seat.server_away()
        if waiting:
            self._patience = asyncio.create_task(self._give_up_late(), name="wait for the server")

    def begin(self) -> None:
        """Let those join anew who have to; the server is there, and there are tokens for all."""
        self._asked.set()
        if self._work is None:
            self._work = asyncio.create_task(self._bring_back_forever(), name="join again")

    async def close(self) -> None:
        """Bring nobody back any more."""
        tasks = [task for task in (self._patience, self._work) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _give_up_late(self) -> None:
        await asyncio.sleep(BACK_WITHIN_S)
        url = self._seating.around.spec.access.url
        self._notify("failed", server_gone_error(url, BACK_WITHIN_S))

    async def _bring_back_forever(self) -> None:
        while True:
            await self._asked.wait()
            self._asked.clear()
            try:
                async with self._door:
                    await self._bring_back()
            except LabError as error:
                self._notify("failed", error)
            except Exception as error:  # nobody waits for this task: the room has to tell
                self._notify("failed", CallErrors().did_not_start(error))

    async def _bring_back(self) -> None:
        seating = self._seating
        names = ", ".join(seating.seats)
        there = {one.sid for one in await self._tried(names, seating.listed)}
        away = [s for s in seating.connections if s.comes_back and s.peer.sid not in there]
        if not away:
            return
        for ear in seating.ears.values():
            if ear in away:
                ear.is_forgotten()
        await uninterrupted(seating.close_ears(list(seating.ears)))
        seats = [seating.seats[one.name] for one in seating.around.spec.in_order]
        for seat in seats:
            if seat in away and seat.participant.sends:
                await self._join_again(seat)
        silent = [seat for seat in seats if seat in away and not seat.participant.sends]
        await all_of(self._join_again(seat) for seat in silent)
        for seat in seats:
            if seat.participant.sends and not seat.comes_back:
                await self._published_again(seat)
        await self._tried(names, seating.complete)

    async def _join_again(self, seat: Seat) -> None:
        async def join() -> None:
            await uninterrupted(seat.reopen())
            await self._seating.join(seat)

        seat.is_forgotten()
        await self._tried(seat.name, join)
        seat.peer.event("reconnected", {"receives": seat.receives()})

    async def _published_again(self, seat: Seat) -> None:
        """Wait until somebody publishes again, or for so long that it may never be."""
        clock, tracks = self._seating.around.clock, seat.participant.tracks
        deadline_s = clock.now() + PUBLISHED_WITHIN_S
        while clock.now() < deadline_s:
            there = {one.track for one in await self._tried(seat.name, self._seating.tracks)}
            if there >= set(tracks):
                return
            await asyncio.sleep(LOOK_S)

    async def _tried(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """Do something that may fail while a server comes up, a few times."""
        failure: LabError | None = None
        for pause_s in PAUSES_S:
            await asyncio.sleep(pause_s)
            await self._there.wait()
            try:
                return await work()
            except LabError as error:
                failure = error
        assert failure is not None
        raise not_back_error(name, failure)
