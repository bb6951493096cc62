"""Who sits where in a room, and how a connection gets in."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any, TypeVar

from labkit.errors import CallError, LabError
from labkit.experiments.breaks import failed_error
from labkit.experiments.roombreaks import (
    not_connected_error,
    not_published_error,
    other_limit_error,
)
from labkit.experiments.roomspec import ear_for, second_ear
from labkit.experiments.seats import Seat, Surroundings
from labkit.peers.whip import PublishedTrack
from labkit.rooms.listing import Listed, list_room, room_seats_by_token, unsubscribe
from labkit.rooms.seats import Seats

__all__ = ["Seating", "all_leave", "all_of", "uninterrupted"]

T = TypeVar("T")

CONNECT_WITHIN_S = 15.0
PUBLISH_WITHIN_S = 10.0
ASK_S = 0.03
"""How often the server is asked what it shows while somebody joins."""


class Seating:
    """The seats of a room, and the further ears of those who sit there.

    Args:
        around: The room.
        opened: Called with each seat and ear that has been opened.
        gone: Called with each ear that is not needed any more.
    """

    def __init__(
        self,
        around: Surroundings,
        opened: Callable[[Seat], None],
        gone: Callable[[Seat], None],
    ) -> None:
        self.seats: dict[str, Seat] = {}
        "By name, in the order of coming."
        self.ears: dict[str, Seat] = {}
        "By identity."
        self.around = around
        self._opened, self._gone = opened, gone

    @property
    def connections(self) -> list[Seat]:
        """All seats and ears."""
        return [*self.seats.values(), *self.ears.values()]

    def all_lost(self) -> bool:
        """Return whether nobody has a connection to the server any more."""
        return all(seat.lost for seat in self.seats.values())

    def receives(self, name: str) -> list[str]:
        """Return the tracks that somebody receives, by whatever connection."""
        own = (seat for seat in self.connections if seat.name == name)
        return sorted(track for seat in own for track in seat.receives())

    def ears_without(self, name: str) -> list[str]:
        """Return the ears that nobody needs when somebody leaves: its own, and those for it."""
        return [
            identity
            for identity, ear in self.ears.items()
            if ear.name == name or {track.partition(":")[0] for track in ear.receives()} <= {name}
        ]

    async def open(self, seat: Seat) -> None:
        """Open a seat; nothing is sent yet."""
        await seat.open()
        self._opened(seat)

    async def join(self, seat: Seat, only: Collection[str] | None = None) -> None:
        """Let somebody join; what it publishes is in the room when this returns.

        Args:
            seat: An open one.
            only: Names of the tracks that it may receive; None for all.

        Raises:
            CallError: The room is full, the server refused, or the connection failed.
            WaitTimeout: It took too long.
        """
        await self._enter(seat, only)
        if seat.participant.sends:
            await self._published(seat)

    async def open_ear(self, name: str, identity: str, only: Collection[str] | None = None) -> None:
        """Let somebody receive, by one more connection, what its others do not."""
        before = self.ears.get(identity)
        if before is not None:
            only = None if only is None else {*only, *before.receives()}
            await self.close_ears([identity])
        ear = self.ears[identity] = self.seats[name].ear(identity)
        await self.open(ear)
        await self.join(ear, only)

    async def close_ears(self, identities: Collection[str]) -> None:
        """Let connections go by which somebody received."""
        going = [self.ears.pop(identity) for identity in identities]
        for ear in going:
            self._gone(ear)
        await all_leave(going)

    async def lend_ears(self, publisher: str) -> None:
        """Let everybody by WHIP hear somebody who came after them."""
        there = [one for one in await self.tracks() if one.publisher == publisher]
        await self._lend(there, lambda name: ear_for(name, publisher))

    async def complete(self) -> None:
        """Let everybody by WHIP hear, by one more connection, all whom they do not hear yet."""
        await self._lend(await self.tracks(), second_ear)

    async def counts(self) -> dict[str, Any]:
        """Return the relay's counters by direction, added up over somebody's connections."""
        counts: dict[str, Any] = {}
        for seat in self.connections:
            with contextlib.suppress(LabError):  # it has left meanwhile
                for direction, found in (await seat.bridge.counts()).items():
                    before = counts.get(direction, {})
                    told = {key: n + before.get(key, 0) for key, n in found.items() if _is_count(n)}
                    counts[direction] = {**found, **told}
        return counts

    async def tracks(self) -> list[PublishedTrack]:
        """Return what is published in the room, as its server tells."""
        stamped = {one.name for one in self.around.spec.participants if one.stamped}
        return [
            PublishedTrack(one.identity, t.sid, t.name, t.kind, stamped=one.identity in stamped)
            for one in await self.listed()
            for t in one.tracks
        ]

    async def listed(self) -> list[Listed]:
        """Return who is in the room, as its server tells."""
        spec = self.around.spec
        return await list_room(spec.access.http_url, spec.access.watcher, spec.room)

    async def is_full(self, identity: str) -> bool:
        """Return whether somebody cannot come in any more, as far as the server tells.

        Args:
            identity: Who; one who is there already may always come again.
        """
        try:
            seats = await self._taken()
        except CallError:
            return False
        return seats is not None and seats.full_for(identity)

    async def check_limit(self) -> None:
        """Refuse a limit that the room cannot have, because it was made with another one.

        Raises:
            CallError: It is there already, with another limit or none.
        """
        most = self.around.spec.max_participants
        if most is None:
            return
        seats = await self._taken()
        if seats is not None and seats.limit != most:
            raise other_limit_error(self.around.spec.room, seats.limit, most)

    async def _taken(self) -> Seats | None:
        access = self.around.spec.access
        return await room_seats_by_token(access.http_url, access.watcher, self.around.spec.room)

    async def _enter(self, seat: Seat, only: Collection[str] | None) -> None:
        there = await self.tracks() if seat.participant.receives else []
        there = [one for one in there if one.publisher != seat.identity]
        wanted = [one for one in self._wanted(seat, there) if only is None or one.track in only]
        besides = [one for one in there if one not in wanted]
        await seat.join(wanted, besides)
        await self._connected(seat)
        if seat.participant.subscribe and not seat.participant.receives:
            seat.peer.event("may_not_subscribe", "can_subscribe is False")
        if besides and seat.settled:
            spec, sids = self.around.spec, [one.sid for one in besides]
            access = spec.access
            await unsubscribe(access.http_url, access.watcher, spec.room, seat.identity, sids)

    async def _lend(self, there: list[PublishedTrack], named: Callable[[str], str]) -> None:
        for seat in self.connections:  # they cannot take it as they are: the server must not try
            had = seat.receives()
            new = [one for one in there if one.publisher != seat.name and one.track not in had]
            if seat.settled and new:
                await self._unsubscribe(seat.identity, new)
        lent = {}
        for seat in self.seats.values():
            wanted = self._wanted(seat, there) if seat.participant.receives else []
            if seat.needs_ears and wanted:
                lent[seat.name] = {one.track for one in wanted}
        await all_of(self._lend_to(name, named(name), tracks) for name, tracks in lent.items())

    async def _lend_to(self, name: str, identity: str, tracks: Collection[str]) -> None:
        try:
            await self.open_ear(name, identity, tracks)
        except LabError as error:
            seat = self.seats[name]
            if seat.must_hear:
                raise
            seat.peer.event("cannot_hear", {"tracks": sorted(tracks), "why": str(error)})
            await self.close_ears([identity])

    async def _unsubscribe(self, identity: str, tracks: list[PublishedTrack]) -> None:
        spec, sids = self.around.spec, [one.sid for one in tracks]
        access = spec.access
        with contextlib.suppress(CallError):  # somebody whom the server does not know any more
            await unsubscribe(access.http_url, access.watcher, spec.room, identity, sids)

    async def _connected(self, seat: Seat) -> None:
        deadline_s = self.around.clock.now() + CONNECT_WITHIN_S
        while seat.peer.connection_state != "connected":
            if seat.peer.connection_state == "failed":
                raise failed_error(seat.name)
            if self.around.clock.now() > deadline_s:
                raise not_connected_error(seat.name, CONNECT_WITHIN_S)
            await asyncio.sleep(0.005)

    async def _published(self, seat: Seat) -> None:
        """Wait until the server shows the others what somebody publishes."""
        wanted = set(seat.participant.sends)
        deadline_s = self.around.clock.now() + PUBLISH_WITHIN_S
        while True:
            there = {one.kind for one in await self.tracks() if one.publisher == seat.name}
            if there >= wanted:
                break
            if self.around.clock.now() > deadline_s:
                raise not_published_error(seat.name, sorted(wanted - there), PUBLISH_WITHIN_S)
            await asyncio.sleep(ASK_S)
        seat.peer.event("published", sorted(wanted))

    def _wanted(self, seat: Seat, there: list[PublishedTrack]) -> list[PublishedTrack]:
        """Return one track of a kind of everybody else, without what is received already."""
        had, found = self.receives(seat.name), dict[str, PublishedTrack]()
        for one in there:
            if one.publisher != seat.name and one.track not in had:
                found.setdefault(one.track, one)
        return list(found.values())


async def all_of(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do all at once; the first that fails ends the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def all_leave(seats: Collection[Seat]) -> None:
    """Let some leave while others go on; what failed is told when all are gone."""
    work = asyncio.gather(*(seat.leave() for seat in seats), return_exceptions=True)
    for error in await uninterrupted(work):
        if isinstance(error, LabError):
            raise error


async def uninterrupted(work: Awaitable[T]) -> T:
    """Wait for what must not stop halfway; whoever cancels it waits too."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
