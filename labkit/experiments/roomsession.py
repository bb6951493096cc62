"""One room as it runs: participants of this process, a link each way for each, and the server.

The server is a peer called ``sfu`` in the Run, though it lives in a process of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from labkit.errors import LabError
from labkit.experiments.comings import Comings
from labkit.experiments.pageseat import SessionWithPages
from labkit.experiments.processors import own_cpu_s, sample_processors
from labkit.experiments.roombreaks import taken_error
from labkit.experiments.roomlosses import Losses
from labkit.experiments.roomreturn import Return
from labkit.experiments.roomsampling import sample_room_forever
from labkit.experiments.roomspec import SFU, Participant, RoomAccess, RoomSpec, second_ear
from labkit.experiments.seating import Seating, all_leave, all_of
from labkit.experiments.seats import LabSeat, SdkSeat, Seat, Surroundings, seat_for
from labkit.experiments.serverwatch import watch_server
from labkit.net import Link
from labkit.net.relay_handle import Relay
from labkit.peers.clock import Clock
from labkit.peers.codecs import check_codec
from labkit.peers.packetbook import PacketBook
from labkit.run.join import FORWARDER
from labkit.run.tap import Tap

__all__ = ["RoomSession"]

OTHERS_S = 3.0
"""How long a recording waits, after the first frame, for the first one of each other track."""

NUMBERS_APART = 200
"""Numbers of a second visit begin at a multiple of this: four seconds of sound, so that chirps
keep their shapes."""


class RoomSession(SessionWithPages):
    """A running room; ``start`` lets everybody join, ``close`` leaves nothing behind.

    Publishers join first, one after the other, then everybody else at once: a participant who
    joins by WHIP receives what is there when it comes. Whoever joins or leaves later does so one
    after the other.

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
        self._around = Surroundings(
            spec=spec, relay=relay, tap=tap, clock=clock, book=book, note=self._note,
            on_decoded=self._decoded, on_failure=lambda error: notify("failed", error),
            tell=notify, is_full=lambda who: self._seating.is_full(who),
            all_lost=lambda: self._seating.all_lost(),
        )  # fmt: skip
        self._seating = Seating(self._around, self._opened, self._gone)
        self._seats = self._seating.seats
        self._seats.update({one.name: seat_for(one, self._around) for one in spec.in_order})
        self._numbered = {f"{one.name}:video" for one in spec.participants if one.stamped}
        self._next_numbers: dict[str, int] = {}
        self._comings = Comings(self._see_off)
        self._return = Return(self._seating, self._comings.door, notify)
        self._losses = Losses(self._seating, lambda: self._return.is_away, notify)

    @property
    def spec(self) -> RoomSpec:
        """The room as it is now."""
        return self._around.spec

    async def start(self) -> None:
        """Let everybody join; media flows when this returns.

        Raises:
            CallError: Somebody could not join; the text says who and why.
            WaitTimeout: Somebody did not connect in time.
        """
        for one in self.spec.participants:
            _check(one)
        self._begin(self.spec.seed)
        self.tap.add("peers", peer=SFU, engine=FORWARDER, place="server",
                     clock_offset_s=0.0, clock_error_s=0.0)  # fmt: skip
        seating = self._seating
        await seating.check_limit()
        for seat in self._seats.values():
            await seating.open(seat)
        self._tasks.append(asyncio.create_task(sample_room_forever(self), name="sample the room"))
        readings = {self.spec.place: own_cpu_s, "relay": self._relay.cpu_s}
        self._tasks.append(asyncio.create_task(sample_processors(self.tap, self.clock, readings)))
        watching = watch_server(self.spec.access.http_url, self._server_changed)
        self._tasks.append(asyncio.create_task(watching, name="watch the server"))
        publishing = [seat for seat in self._seats.values() if seat.participant.sends]
        for seat in publishing:
            await seating.join(seat)
        others = [seating.join(seat) for seat in self._seats.values() if seat not in publishing]
        ears = [seating.open_ear(one.name, second_ear(one.name)) for one in self.spec.second_ears]
        await all_of([*others, *ears])

    async def join(self, participant: Participant, access: RoomAccess, visit: int) -> None:
        """Let somebody in while the room runs; media flows when this returns.

        Args:
            participant: Who comes; one of the same name who is on the way in was given up.
            access: A token for everybody there, for the newcomer, and for ears to hear it by.
            visit: Number of this visit.

        Raises:
            BadValue: The name or the codec cannot be.
            CallError: It could not join; the text says why.
            WaitTimeout: It did not connect in time.
        """
        let_in = partial(self._let_in, participant, access)
        await self._comings.join(participant.name, visit, let_in)

    async def leave(self, name: str, visit: int | None = None) -> None:
        """Let somebody go; whoever is not there has left already.

        Args:
            name: Who.
            visit: The visit that is meant, where a new one may have begun.
        """
        await self._comings.leave(name, visit)

    def come_back(self, access: RoomAccess) -> None:
        """Let those join anew whose server was away.

        Args:
            access: Tokens as they are now.
        """
        self._take(self.spec, access)
        self._return.begin()

    async def change_link(self, direction: str, link: Link) -> None:
        """Bend one direction of one participant's link while the room runs."""
        self._around.spec = self.spec.with_links({direction: link})
        for seat in self._seating.connections:
            if direction in seat.participant.directions and seat.peer is not None:
                with contextlib.suppress(LabError):  # it has left meanwhile
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
            "subscribed": {name: self._seating.receives(name) for name in self._seats},
            **self._browsers(),
        }

    async def counts(self) -> dict[str, Any]:
        """Return the relay's counters by direction."""
        return await self._seating.counts()

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
        self._comings.stop_all()
        await asyncio.gather(self._return.close(), self._losses.close())
        # One after the other: the SDK's native part has crashed when many left at once.
        async with self._comings.door:
            seats = self._seating.connections
            for seat in seats:
                if isinstance(seat, SdkSeat):
                    await asyncio.gather(seat.close(), return_exceptions=True)
            others = (seat.close() for seat in seats if not isinstance(seat, SdkSeat))
            await asyncio.gather(*others, return_exceptions=True)

    def _expected(self) -> Iterable[tuple[str, str]]:
        return [
            (name, track)
            for name in self._seats
            for track in self._seating.receives(name)
            if track in self._numbered
        ]

    def _server_changed(self, there: bool) -> None:
        self._event(SFU, "server_back" if there else "server_gone")
        self._return.server_changed(there)
        self._notify("server", there)  # whoever has the secret answers with new tokens

    def _note_event(self, name: str, detail: Any = "") -> None:
        self._event(self.spec.names[0], name, detail)

    async def _let_in(self, one: Participant, access: RoomAccess) -> None:
        _check(one)
        if one.name in self._seats:
            raise taken_error(one.name)
        self._take(self.spec.with_participant(one), access)
        seat = self._seats[one.name] = seat_for(one, self._around)
        seat.first_number = self._next_numbers.get(one.name, 0)
        if one.stamped:
            self._numbered.add(f"{one.name}:video")
        try:
            self._event(one.name, "comes_later", {**one.describe(), **_links(one)})
            await self._seating.open(seat)
            await self._seating.join(seat)
            if one.sends:
                await self._seating.lend_ears(one.name)
        except BaseException:
            await self._see_off(one.name, "did_not_join")
            raise

    async def _see_off(self, name: str, said: str = "left") -> None:
        seat = self._seats.pop(name, None)
        if seat is None:
            return
        self._event(name, said)
        going = [self._seating.ears.pop(ear) for ear in self._seating.ears_without(name)] + [seat]
        for one in going:
            self.peers.pop(one.identity, None)
        self.sides.pop(name, None)
        for one in self._seating.connections:
            one.forget(name)
        self._forget_frames(name, seat)
        self._take(self.spec.without(name), self.spec.access)
        await all_leave(going)

    def _forget_frames(self, name: str, seat: Seat) -> None:
        track = f"{name}:video"
        self._numbered.discard(track)
        for key in [key for key in self._last_shown if name == key[0] or track == key[1]]:
            del self._last_shown[key]
        newest = [probe.newest for probe in getattr(seat.peer, "senders", ())]
        used = [number for number in newest if number is not None]
        if used:
            self._next_numbers[name] = (max(used) // NUMBERS_APART + 1) * NUMBERS_APART

    def _take(self, spec: RoomSpec, access: RoomAccess) -> None:
        tokens = {**self.spec.access.tokens, **access.tokens}
        self._around.spec = spec.with_access(replace(access, tokens=tokens))

    def _opened(self, seat: Seat) -> None:
        self.peers[seat.identity] = seat.peer
        if isinstance(seat, LabSeat):
            seat.peer.on_lost = partial(self._losses.begin, seat)
        if seat.identity == seat.name:
            self.sides[seat.name] = seat.peer

    def _gone(self, ear: Seat) -> None:
        self.peers.pop(ear.identity, None)

    def _event(self, peer: str, name: str, detail: Any = "") -> None:
        text = detail if isinstance(detail, str) else json.dumps(detail)
        self.tap.add("events", at_s=self.clock.now(), peer=peer, name=name, detail=text)


def _check(one: Participant) -> None:
    if one.engine == "labkit":
        check_codec(one.codec)


def _links(one: Participant) -> dict[str, Any]:
    return {"uplink": one.uplink.to_dict(), "downlink": one.downlink.to_dict()}
