"""A room on a real LiveKit server, as a notebook or the command line holds it."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue
from labkit.experiments.experiment import Experiment
from labkit.experiments.roombreaks import RoomErrors
from labkit.experiments.roomspec import CLEAN, Participant, RoomAccess, RoomSpec, second_ear
from labkit.net import Link
from labkit.words import _

if TYPE_CHECKING:
    from labkit.live.panel import RoomPanel
    from labkit.media.film import Film
    from labkit.rooms.base import Server

__all__ = ["Room", "participant", "room"]

WATCHER = "lab watcher"


class Room(Experiment[RoomSpec]):
    """Participants around a LiveKit server, each with a Link up and a Link down.

    Made by ``lab.room(...)``; an async context manager. The server is one of the room's own
    unless it is given one.
    """

    errors = RoomErrors()
    start_within_s = 90.0

    def __init__(self, spec: RoomSpec, server: Server | None = None) -> None:
        super().__init__(spec)
        self._given = server
        self._own: Server | None = None

    def __repr__(self) -> str:
        names = ", ".join(self.spec.names)
        return f"<Room {self.spec.room!r}: {names}; {self.state}, seed {self.spec.seed}>"

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

    def show(self) -> RoomPanel:
        """Return the live panel: what one participant sees, charts, everybody's links."""
        from labkit.live.panel import RoomPanel

        return self._shown_in(RoomPanel)

    def _ways_of(self, name: str) -> tuple[str, str]:
        return next(one.directions for one in self.spec.participants if one.name == name)

    # What follows runs on the lab's loop.

    async def _prepare(self) -> None:
        await super()._prepare()
        if self._given is None:
            from labkit.rooms.server import livekit

            self._own = livekit()
            await self._own.start()
        self.spec = self.spec.with_access(_access(self.spec, self.server))

    async def _close_carrier(self) -> None:
        own, self._own = self._own, None
        try:
            await super()._close_carrier()
        finally:
            if own is not None:
                await own.close()


def _access(spec: RoomSpec, server: Server) -> RoomAccess:
    """Mint a token for everybody; the secret stays here."""
    from labkit.rooms.tokens import room_token

    tokens = {
        one.name: room_token(
            server, one.name, spec.room, max_participants=spec.max_participants, **one.grants
        )
        for one in spec.participants
    }
    for one in spec.second_ears:  # of a kind that is no head in a room's limit, and hidden
        identity = second_ear(one.name)
        tokens[identity] = room_token(
            server, identity, spec.room, kind="agent", hidden=True,
            can_publish=False, can_publish_data=False,
        )  # fmt: skip
    watcher = room_token(server, WATCHER, spec.room, room_join=False, room_admin=True)
    url, login = _metrics_of(server)
    return RoomAccess(
        url=server.url, tokens=tokens, watcher=watcher, metrics_url=url, metrics_login=login
    )


def _metrics_of(server: Server) -> tuple[str, str]:
    """Return where a server's counters are and what opens them; empty where nobody knows."""
    from base64 import b64encode

    from labkit.rooms.running import LivekitServer

    if not isinstance(server, LivekitServer):
        return "", ""
    config = server.config
    login = b64encode(f"{config.api_key}:{config.metrics_password}".encode()).decode()
    return config.metrics_url, f"Basic {login}"


def participant(
    name: str,
    *,
    engine: str = "labkit",
    video: Any = None,
    audio: Any = None,
    uplink: Link = CLEAN,
    downlink: Link = CLEAN,
    codec: str = "vp8",
    jitter_buffer: str | type[Any] = "marker",
    subscribe: bool = True,
    grants: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    film: Film | None = None,
) -> Participant:
    """Describe somebody who will be in a room.

    Args:
        name: Its identity in the room, and its name in the Run.
        engine: ``labkit`` (aiortc by WHIP: exact stamps) or ``livekit`` (LiveKit's SDK: what an
            app uses). A labkit participant receives later publishers by a second connection.
        video: Video source to publish.
        audio: Audio source to publish.
        uplink: Link from here to the server.
        downlink: Link from the server to here.
        codec: ``vp8`` or ``h264``; with the SDK also ``vp9``, ``av1``, ``h265``.
        jitter_buffer: ``marker``, ``stock`` or a class; the SDK has its own.
        subscribe: Whether it receives what others publish.
        grants: Rights of its token by their names in ``livekit.api.VideoGrants``, for instance
            ``{"can_publish": False}``.
        options: Options of the SDK, for instance ``{"simulcast": False}``.
        film: Where to write what it receives, until the room is closed; None for nowhere.

    Raises:
        BadValue: An argument is not allowed.
    """
    return Participant(
        name=name,
        engine=engine,
        video=video,
        audio=audio,
        uplink=uplink,
        downlink=downlink,
        codec=codec,
        jitter_buffer=jitter_buffer,
        subscribe=subscribe,
        grants=grants or {},
        options=options or {},
        film=film,
    )


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
        max_participants: How many may be in it; None for no limit.
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
    spec = RoomSpec(
        participants=_described(participants),
        room=name or f"lab-{secrets.token_hex(4)}",
        max_participants=max_participants,
        place=place,
        seed=seed,
    )
    return Room(spec, server)


def _described(given: tuple[str | Participant, ...]) -> tuple[Participant, ...]:
    """Return everybody as a description; somebody publishes where a name can."""
    silent = not any(isinstance(one, Participant) and one.sends for one in given)
    everybody = []
    for one in given:
        if not isinstance(one, Participant):
            from labkit.media import TestPattern

            one = participant(one, video=TestPattern() if silent else None)
            silent = False
        everybody.append(one)
    return tuple(everybody)
