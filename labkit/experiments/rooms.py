"""A room on a real LiveKit server, as a notebook or the command line holds it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue
from labkit.experiments.loop import lab_loop, on_lab_loop
from labkit.experiments.participants import described, participant
from labkit.experiments.roomaccess import room_access
from labkit.experiments.roombreaks import (
    RoomErrors,
    last_error,
    late_error,
    nobody_error,
    taken_error,
)
from labkit.experiments.roompages import PagesInRoom
from labkit.experiments.roomspec import Participant, RoomSpec
from labkit.experiments.visits import Visit
from labkit.words import _

if TYPE_CHECKING:
    from labkit.live.roompanel import RoomPanel
    from labkit.rooms.base import Server

__all__ = ["Room", "participant", "room"]

JOIN_WITHIN_S = 90.0
"""How long somebody may take to come in; what it waits for has shorter limits of its own."""

LEAVE_WITHIN_S = 30.0

MAY_COME_LATER = ("labkit", "livekit", "browser")
"""Engines of those who need nothing but the room, and of a page that is there."""


class Room(PagesInRoom):
    """Participants around a LiveKit server, each with a Link up and a Link down.

    Made by ``lab.room(...)``; an async context manager. The server is one of the room's own
    unless it is given one.

    Args:
        spec: Who takes part, and how.
        server: Where; without one the room starts its own, and ends it.
    """

    errors = RoomErrors()
    start_within_s = 90.0

    def __init__(self, spec: RoomSpec, server: Server | None = None) -> None:
        super().__init__(spec)
        self._given = server
        self._own: Server | None = None
        self._at_start = spec.participants
        self._visits: dict[str, Visit] = {}
        self._visit_number = 0

    def __repr__(self) -> str:
        names = ", ".join(self.spec.names)
        return f"<Room {self.spec.room!r}: {names}; {self._told_state()}, seed {self.spec.seed}>"

    @property
    def name(self) -> str:
        """The room's name on the server."""
        return self.spec.room

    @property
    def server(self) -> Server:
        """The server that it runs on.

        Raises:
            CallError: There is none yet: the room's own starts with the room.
        """
        server = self._given or self._own
        if server is None:
            raise self.errors.not_running()
        return server

    def set_link(self, direction: str | None = None, **changes: Any) -> None:
        """Bend links while the room runs (or before it starts).

        Args:
            direction: A participant (both ways), ``alice->sfu``, ``sfu->alice``, or None for all.
            changes: Fields of ``Link``, for instance ``delay_ms=80, loss=0.02``; with a
                participant also ``uplink=Link(…)`` and ``downlink=Link(…)``.

        Raises:
            BadValue: There is no such participant or direction, or a value is not allowed; the
                links stay as they were.
        """
        if direction not in self.spec.names:
            super().set_link(direction, **changes)
            return
        assert direction is not None
        whole = {name: changes.pop(name, None) for name in ("uplink", "downlink")}
        ways = dict(zip(whole, self._ways_of(direction), strict=True))
        if changes and any(whole.values()):
            raise BadValue(
                _("Either whole links or fields of them can change, not both at once."),
                next_step=_("Use for instance uplink=Link(delay_ms=50)."),
            )
        if changes:
            self._bend(ways.values(), changes)
        else:
            self._put_links({ways[name]: link for name, link in whole.items() if link is not None})

    def join(self, one: str | Participant) -> Visit:
        """Let somebody come while the room runs: ``async with room.join("carol") as carol:``.

        Or ``carol = await room.join("carol")`` for one who stays until ``await carol.leave()``.
        Whoever leaves may come back. When the room is closed, its visitors are forgotten.

        Args:
            one: What ``lab.participant`` returns, or a name for somebody who only receives.

        Raises:
            BadValue: The name is taken, or a participant cannot be like that.
            CallError: The room is not running, is full, or the server refused.
            WaitTimeout: It did not connect in time.
        """
        return Visit(self, one if isinstance(one, Participant) else participant(one))

    async def leave(self, name: str) -> None:
        """Let somebody leave; the others go on.

        Args:
            name: Somebody who is in the room, from the start or since later.

        Raises:
            BadValue: Nobody there has this name.
            CallError: The room is not running, or nobody else is left in it.
        """
        carrier = self._must_run()
        if name not in self.spec.names:
            raise nobody_error(name, self.spec.names)
        if len(self.spec.names) == 1:
            raise last_error(name)
        await on_lab_loop(carrier.ask("leave", timeout=LEAVE_WITHIN_S, name=name))
        self._forget(name)
        self._tell_people(name, there=False)

    async def enter(self, visit: Visit) -> None:
        """Let a visit begin; ``join`` is what calls this."""
        carrier, one = self._must_run(), visit.participant
        if one.engine not in MAY_COME_LATER:
            raise late_error(one.engine)
        if one.name in self.spec.names:
            raise taken_error(one.name)
        one = await self.with_page(one)
        self.spec = self.spec.with_participant(one)
        self._visits[one.name] = visit
        number = self._visit_number = self._visit_number + 1
        try:
            access = room_access(self.spec, self.server, [one.name] if one.sends else [])
            told = {"participant": one, "access": access, "visit": number}
            await on_lab_loop(carrier.ask("join", timeout=JOIN_WITHIN_S, **told))
        except BaseException:
            lab_loop.call_soon(self._send_away, one.name, number)
            self._forget(one.name)
            raise
        for way, link in zip(one.directions, (one.uplink, one.downlink), strict=True):
            if self.spec.links.get(way, link) != link:  # it was bent meanwhile
                lab_loop.call_soon(self._send_link, way, self.spec.links[way])
        self._tell_people(one.name, there=True)

    def has(self, visit: Visit) -> bool:
        """Return whether a visitor is in the room, or on the way in."""
        return self.state == "running" and self._visits.get(visit.name) is visit

    def show(self) -> RoomPanel:
        """Return the live panel: what one participant sees, charts, everybody's links."""
        from labkit.live.roompanel import RoomPanel

        return self._shown_in(RoomPanel)

    def _ways_of(self, name: str) -> tuple[str, str]:
        return next(one.directions for one in self.spec.participants if one.name == name)

    def _forget(self, name: str) -> None:
        self._visits.pop(name, None)
        if name in self.spec.names and len(self.spec.names) > 1:
            self.spec = self.spec.without(name)

    def _tell_people(self, name: str, *, there: bool) -> None:
        lab_loop.call_soon(self._tell_listeners, "people", {"name": name, "there": there})

    def _forget_visits(self) -> None:
        """Have those in the room who were in it at its start, over the links of now."""
        self._visits.clear()
        there = {one.name: one for one in self.spec.participants}
        people = tuple(there.get(one.name, one) for one in self._at_start)
        self.spec = replace(self.spec, participants=people)

    # What follows runs on the lab's loop.

    def _send_away(self, name: str, visit: int) -> None:
        if self._carrier is not None and self.state == "running":
            self._carrier.tell("leave", name=name, visit=visit)

    def _tell_listeners(self, name: str, payload: Any) -> None:
        if name == "server" and payload and self.state == "running" and self._carrier is not None:
            access = room_access(self.spec, self.server, self.spec.publishers)
            self._carrier.tell("come_back", access=access)
        super()._tell_listeners(name, payload)

    async def _prepare(self) -> None:
        await super()._prepare()
        self._at_start = self.spec.participants
        if self._given is None:
            from labkit.rooms.server import livekit

            self._own = livekit()
            await self._own.start()
        self.spec = self.spec.with_access(room_access(self.spec, self.server))

    async def _close_carrier(self) -> None:
        own, self._own = self._own, None
        self._forget_visits()
        try:
            await super()._close_carrier()
        finally:
            if own is not None:
                await own.close()


def room(
    *participants: str | Participant,
    server: Server | None = None,
    name: str | None = None,
    max_participants: int | None = None,
    place: str = "worker",
    seed: int = 1,
) -> Room:
    """Make a room on a LiveKit server of this machine; nothing starts before it is asked to.

    Args:
        participants: Names, or what ``lab.participant`` returns. The first one that is just a
            name publishes a ``TestPattern`` where nobody else publishes anything; all receive.
        server: A running ``lab.livekit()``; None for one of the room's own.
        name: The room's name; None for one that nobody else has.
        max_participants: How many may be in it; None for no limit. A room that is there already
            keeps its own limit, so starting with another one is an error.
        place: ``worker`` (a process of its own) or ``kernel`` (a thread beside the cells).
        seed: Seed of every random stream.

    Raises:
        BadValue: An argument is not allowed.
    """
    if max_participants is not None and (
        isinstance(max_participants, bool)
        or not isinstance(max_participants, int)
        or max_participants < 1
    ):
        raise BadValue(
            _("max_participants={count!r} is no limit.").format(count=max_participants),
            next_step=_("Use 1 or more, or None for no limit."),
        )
    if server is not None:
        _check_server(server)
    spec = RoomSpec(
        participants=described(participants),
        room=name or f"lab-{secrets.token_hex(4)}",
        max_participants=max_participants,
        place=place,
        seed=seed,
    )
    return Room(spec, server)


def _check_server(server: object) -> None:
    from labkit.rooms.base import Server

    if not isinstance(server, Server):
        raise BadValue(
            _("server={server!r} is not a LiveKit server of the lab.").format(server=server),
            next_step=_(
                "Give it what “async with lab.livekit() as server” makes; for the server at an "
                "address set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET before that."
            ),
        )
