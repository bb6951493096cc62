"""One room as it runs: participants of this process, a link each way for each, and the server.

The server is a peer called ``sfu`` in the Run, though it lives in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from labkit.errors import CallError, LabError
from labkit.experiments.basesession import BaseSession
from labkit.experiments.breaks import failed_error
from labkit.experiments.processors import own_cpu_s, sample_processors
from labkit.experiments.roombreaks import (
    not_connected_error,
    not_published_error,
    server_gone_error,
)
from labkit.experiments.roomsampling import sample_room_forever
from labkit.experiments.roomspec import SFU, RoomSpec
from labkit.experiments.seats import (
    SdkSeat,
    SecondEarSeat,
    Surroundings,
    WhipSeat,
    seat_for,
)
from labkit.experiments.serverwatch import watch_server
from labkit.net import Link
from labkit.net.relay_handle import Relay
from labkit.peers.clock import Clock
from labkit.peers.codecs import check_codec
from labkit.peers.packetbook import PacketBook
from labkit.peers.whip import PublishedTrack
from labkit.rooms.listing import Listed, list_room, unsubscribe
from labkit.run.join import FORWARDER
from labkit.run.tap import Tap

__all__ = ["RoomSession"]

CONNECT_WITHIN_S = 15.0
PUBLISH_WITHIN_S = 10.0
ASK_S = 0.03
"""How often the server is asked what it shows while somebody joins."""

OTHERS_S = 3.0
"""How long a recording waits, after the first frame, for the first one of each other track."""


class RoomSession(BaseSession):
    """A running room; ``start`` lets everybody join, ``close`` leaves nothing behind.

    Publishers join first, one after the other, then everybody else at once: a participant who
    joins by WHIP receives what is there when it comes.

    Args:
        spec: What the room is made of.
        relay: The relay process of this room; the session closes it.
        clock: The clock of this room; the relay has the same second 0.
        notify: Called with a name and a payload for whoever watches.
    """

    def __init__(
        self, spec: RoomSpec, relay: Relay, clock: Clock, notify: Callable[[str, Any], None]
    ) -> None:
        tap = Tap()
        book = PacketBook(tap, clock, followed=False)
        super().__init__(relay, clock, notify, tap=tap, book=book)
        self.spec = spec
        around = Surroundings(
            spec=spec, relay=relay, tap=tap, clock=clock, book=book, note=self._note,
            on_decoded=self._decoded, on_failure=lambda error: notify("failed", error),
            is_full=self._is_full, chirps=_chirps(spec),
        )  # fmt: skip
        self._seats = {one.name: seat_for(one, around) for one in spec.participants}
        self._ears = {one.name: SecondEarSeat(one, around) for one in spec.second_ears}
        self._numbered = {f"{one.name}:video" for one in spec.participants if one.video}

    async def start(self) -> None:
        """Let everybody join; media flows when this returns.

        Raises:
            CallError: Somebody could not join; the text says who and why.
            WaitTimeout: Somebody did not connect in time.
        """
        for one in self.spec.participants:
            if one.engine == "labkit":
                check_codec(one.codec)
        self._begin(self.spec.seed)
        self.tap.add("peers", peer=SFU, engine=FORWARDER, place="server",
                     clock_offset_s=0.0, clock_error_s=0.0)  # fmt: skip
        for seat in self._seats.values():
            await seat.open()
            self.sides[seat.name] = self.peers[seat.name] = seat.peer
        self._tasks.append(asyncio.create_task(sample_room_forever(self), name="sample the room"))
        readings = {self.spec.place: own_cpu_s, "relay": self._relay.cpu_s}
        self._tasks.append(asyncio.create_task(sample_processors(self.tap, self.clock, readings)))
        watching = watch_server(self.spec.access.http_url, self._server_changed)
        self._tasks.append(asyncio.create_task(watching, name="watch the server"))
        publishing = [seat for seat in self._seats.values() if seat.participant.sends]
        for seat in publishing:
            await self._join(seat)
        others = [seat for seat in self._seats.values() if seat not in publishing]
        await _all([*map(self._join, others), *map(self._open_ear, self._ears.values())])

    async def change_link(self, direction: str, link: Link) -> None:
        """Bend one direction of one participant's link while the room runs."""
        name = direction.replace(SFU, "").replace("->", "")
        for seat in self._connections():
            if seat.name == name and seat.peer is not None:
                await seat.bridge.change(direction, link)
        self._note_event("link_changed", {"direction": direction, **link.to_dict()})

    async def wait_first_frame(self, within_s: float) -> float:
        """Return the second at which every track that is subscribed to has shown a frame.

        A track that shows none delays this by ``OTHERS_S`` at most.

        Raises:
            WaitTimeout: None at all was decoded in time.
        """
        await super().wait_first_frame(within_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(OTHERS_S):
                while not self._last_shown.keys() >= set(self._expected()):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        return self.clock.now()

    async def facts(self) -> dict[str, Any]:
        """Return what the Run should say of this session, for its ``meta``."""
        return {
            "relay_realtime": self._relay.realtime,
            "server": self.spec.access.url,
            "subscribed": {name: self._receives(name) for name in self._seats},
        }

    async def counts(self) -> dict[str, Any]:
        """Return the relay's counters by direction."""
        counts: dict[str, Any] = {}
        for seat in self._connections():
            for direction, found in (await seat.bridge.counts()).items():
                before = counts.get(direction, {})
                told = {name: n + before.get(name, 0) for name, n in found.items() if _is_count(n)}
                counts[direction] = {**found, **told}
        return counts

    async def received_bytes(self) -> dict[str, int]:
        """Return what came down to everybody: the relay knows it of every engine."""
        try:
            carried = await self._relay.carried_bytes()
        except LabError:  # the relay's end is told elsewhere
            return {}
        return {name: carried.get(f"{SFU}->{name}", 0) for name in self._seats}

    def watched_as(self, receiver: str, track: str) -> str:
        """Return what a watcher calls a track at one of its receivers."""
        return f"{track}->{receiver}"

    async def _close_sides(self) -> None:
        # One after the other: the SDK's native part has crashed when many left at once.
        seats = self._connections()
        for seat in seats:
            if isinstance(seat, SdkSeat):
                await asyncio.gather(seat.close(), return_exceptions=True)
        others = (seat.close() for seat in seats if isinstance(seat, WhipSeat))
        await asyncio.gather(*others, return_exceptions=True)

    def _connections(self) -> list[WhipSeat | SdkSeat]:
        return [*self._seats.values(), *self._ears.values()]

    def _receives(self, name: str) -> list[str]:
        return sorted(t for seat in self._connections() if seat.name == name
                      for t in seat.receives())  # fmt: skip

    def _expected(self) -> Iterable[tuple[str, str]]:
        return [
            (name, track)
            for name in self._seats
            for track in self._receives(name)
            if track in self._numbered
        ]

    def _server_changed(self, there: bool) -> None:
        self._event(SFU, "server_back" if there else "server_gone")
        by_whip = any(isinstance(seat, WhipSeat) for seat in self._seats.values())
        if by_whip and not there:  # the SDK comes back by itself
            self._notify("failed", server_gone_error(self.spec.access.url))

    def _note_event(self, name: str, detail: Any = "") -> None:
        self._event(self.spec.names[0], name, detail)

    async def _join(self, seat: WhipSeat | SdkSeat) -> None:
        await self._enter(seat)
        if seat.participant.sends:
            await self._published(seat)

    async def _open_ear(self, seat: WhipSeat) -> None:
        """Let somebody receive who came later."""
        await seat.open()
        self.peers[seat.identity] = seat.peer
        await self._enter(seat)

    async def _enter(self, seat: WhipSeat | SdkSeat) -> None:
        there = await self._tracks() if seat.participant.subscribe else []
        there = [one for one in there if one.publisher != seat.identity]
        wanted = self._wanted(seat, there)
        besides = [one for one in there if one not in wanted]
        await seat.join(wanted, besides)
        await self._connected(seat)
        if besides and isinstance(seat, WhipSeat):
            access, sids = self.spec.access, [one.sid for one in besides]
            await unsubscribe(access.http_url, access.watcher, self.spec.room, seat.identity, sids)

    async def _connected(self, seat: WhipSeat | SdkSeat) -> None:
        deadline_s = self.clock.now() + CONNECT_WITHIN_S
        while seat.peer.connection_state != "connected":
            if seat.peer.connection_state == "failed":
                raise failed_error(seat.name)
            if self.clock.now() > deadline_s:
                raise not_connected_error(seat.name, CONNECT_WITHIN_S)
            await asyncio.sleep(0.005)

    async def _published(self, seat: WhipSeat | SdkSeat) -> None:
        """Wait until the server shows the others what somebody publishes."""
        wanted = set(seat.participant.sends)
        deadline_s = self.clock.now() + PUBLISH_WITHIN_S
        while True:
            there = {one.kind for one in await self._tracks() if one.publisher == seat.name}
            if there >= wanted:
                break
            if self.clock.now() > deadline_s:
                raise not_published_error(seat.name, sorted(wanted - there), PUBLISH_WITHIN_S)
            await asyncio.sleep(ASK_S)
        self._event(seat.name, "published", sorted(wanted))

    def _wanted(
        self, seat: WhipSeat | SdkSeat, there: list[PublishedTrack]
    ) -> list[PublishedTrack]:
        """Return one track of a kind of everybody else, without what is received already."""
        had, found = self._receives(seat.name), dict[str, PublishedTrack]()
        for one in there:
            if one.publisher != seat.name and one.track not in had:
                found.setdefault(one.track, one)
        return list(found.values())

    async def _tracks(self) -> list[PublishedTrack]:
        ours = set(self.spec.names)
        return [
            PublishedTrack(one.identity, t.sid, t.name, t.kind, stamped=one.identity in ours)
            for one in await self._listed()
            for t in one.tracks
        ]

    async def _listed(self) -> list[Listed]:
        access = self.spec.access
        return await list_room(access.http_url, access.watcher, self.spec.room)

    async def _is_full(self) -> bool:
        most = self.spec.max_participants
        if most is None:
            return False
        try:
            return len(await self._listed()) >= most
        except CallError:
            return False

    def _event(self, peer: str, name: str, detail: Any = "") -> None:
        text = detail if isinstance(detail, str) else json.dumps(detail)
        self.tap.add("events", at_s=self.clock.now(), peer=peer, name=name, detail=text)


def _chirps(spec: RoomSpec) -> Any:
    if all(one.engine != "livekit" for one in spec.participants):
        return None
    from labkit.peers.sdkchirps import ChirpBook

    return ChirpBook()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


async def _all(works: list[Coroutine[Any, Any, None]]) -> None:
    """Do all at once; the first that fails ends the others."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
