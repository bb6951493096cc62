"""What a room is made of, as plain data that travels to the worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue, CallError
from labkit.experiments.choices import PLACES, check_choice, check_seed
from labkit.experiments.roomchecks import BROWSER, ENGINES, SFU, check_participant
from labkit.net import Link
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.roomsession import RoomSession
    from labkit.media.film import Film
    from labkit.net.relay_handle import Relay
    from labkit.peers.clock import Clock

__all__ = [
    "BROWSER",
    "ENGINES",
    "SFU",
    "Participant",
    "RoomAccess",
    "RoomSpec",
    "ear_for",
    "second_ear",
]

CLEAN = Link()


@dataclass(frozen=True)
class Participant:
    """Somebody in a room, described and checked, not yet there; made by ``lab.participant``."""

    name: str
    engine: str = "labkit"
    video: Any = None
    audio: Any = None
    uplink: Link = CLEAN
    downlink: Link = CLEAN
    codec: str = "vp8"
    jitter_buffer: str | type[Any] = "marker"
    subscribe: bool = True
    grants: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    film: Film | None = None

    def __post_init__(self) -> None:
        check_participant(self)

    @property
    def stamped(self) -> bool:
        """Whether it publishes pictures that carry a stamp; those of a camera do not."""
        return self.video is not None and getattr(self.video, "stamped", True)

    @property
    def receives(self) -> bool:
        """Whether it is to receive what others publish, and has the right to."""
        return self.subscribe and bool(self.grants.get("can_subscribe", True))

    @property
    def by_whip(self) -> bool:
        """Whether it has one offer and one answer: who comes later needs one more connection."""
        return self.engine != "livekit"

    @property
    def relay_only(self) -> bool:
        """Whether its media may go through a TURN server alone."""
        return bool(self.options.get("relay_only"))

    @property
    def directions(self) -> tuple[str, str]:
        """Names of the way up and the way down."""
        return f"{self.name}->{SFU}", f"{SFU}->{self.name}"

    @property
    def sends(self) -> tuple[str, ...]:
        """Kinds of media that it publishes."""
        return tuple(kind for kind in ("video", "audio") if getattr(self, kind) is not None)

    @property
    def tracks(self) -> tuple[str, ...]:
        """Names of the tracks that it publishes."""
        return tuple(f"{self.name}:{kind}" for kind in self.sends)

    def describe(self) -> dict[str, Any]:
        """Return what is asked for, for the Run's ``meta``."""
        buffer = self.jitter_buffer
        return {
            "engine": self.engine,
            "video": None if self.video is None else self.video.describe(),
            "fps": getattr(self.video, "fps", None),
            "audio": None if self.audio is None else self.audio.describe(),
            "codec": self.codec,
            "jitter_buffer": buffer if isinstance(buffer, str) else buffer.__name__,
            "subscribe": self.subscribe,
            "grants": dict(self.grants),
            "options": {name: _shown(name, value) for name, value in self.options.items()},
            **({} if self.film is None else {"film": self.film.describe()}),
        }


def _shown(name: str, value: Any) -> str:
    return "(hidden)" if name == "encryption_key" else str(value)


@dataclass(frozen=True)
class RoomAccess:
    """Where the room is, and a token for each; never the secret that made them."""

    url: str = ""
    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    watcher: str = field(default="", repr=False)
    "A token that may look after the room, and list the rooms of its server; nobody joins by it."
    metrics_url: str = ""
    metrics_login: str = field(default="", repr=False)

    @property
    def http_url(self) -> str:
        """The server's address for HTTP."""
        return "http" + self.url.removeprefix("ws") if self.url.startswith("ws") else self.url


@dataclass(frozen=True)
class RoomSpec:
    """A room and its participants, described and checked."""

    participants: tuple[Participant, ...]
    room: str
    max_participants: int | None = None
    place: str = "worker"
    seed: int = 1
    access: RoomAccess = field(default_factory=RoomAccess)

    def __post_init__(self) -> None:
        check_choice("place", self.place, PLACES)
        names = [one.name for one in self.participants]
        twice = {name for name in names if names.count(name) > 1}
        if twice or not names:
            raise BadValue(
                _("Two participants are called {name!r}.").format(name=min(twice))
                if twice
                else _("A room needs a participant."),
                next_step=_('Use for instance lab.room("alice", "bob").'),
            )
        if self.place != "worker" and any(one.engine == "livekit" for one in self.participants):
            raise BadValue(
                _('engine="livekit" needs place="worker".'),
                _("The SDK is native code, and a crash of it must not take the notebook along."),
            )
        check_seed(self.seed)

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody, in the order that they were given in."""
        return tuple(one.name for one in self.participants)

    @property
    def engine(self) -> str:
        """The engines that take part."""
        return ", ".join(sorted({one.engine for one in self.participants}))

    @property
    def directions(self) -> tuple[str, ...]:
        """Names of all ways, up and down by turns."""
        return tuple(way for one in self.participants for way in one.directions)

    @property
    def links(self) -> dict[str, Link]:
        """The links by direction."""
        links = [link for one in self.participants for link in (one.uplink, one.downlink)]
        return dict(zip(self.directions, links, strict=True))

    @property
    def measured(self) -> tuple[str, str]:
        """Sender and receiver that a figure is about unless told otherwise."""
        sender = next((one.name for one in self.participants if one.sends), self.names[0])
        others = [one for one in self.participants if one.name != sender]
        listening = [one.name for one in others if one.receives and not one.sends]
        listening += [one.name for one in others if one.receives]
        return sender, listening[0] if listening else SFU

    @property
    def publishers(self) -> tuple[str, ...]:
        """Names of those who publish something."""
        return tuple(one.name for one in self.participants if one.sends)

    @property
    def in_order(self) -> tuple[Participant, ...]:
        """Everybody as they join: pages last, because they receive only what is there then."""
        return tuple(sorted(self.participants, key=lambda one: one.engine == BROWSER))

    @property
    def second_ears(self) -> tuple[Participant, ...]:
        """Those who need a second connection to receive who publishes after them.

        A participant by WHIP receives what is there when it joins, and publishers join in order.
        """
        publishers = [one for one in self.in_order if one.sends]
        return tuple(one for one in publishers[:-1] if one.receives and one.by_whip)

    def participant(self, name: str) -> Participant:
        """Return one of the participants, by name.

        Raises:
            CallError: Nobody of that name is in the room, or not any more.
        """
        for one in self.participants:
            if one.name == name:
                return one
        raise CallError(_("{name} is not in the room.").format(name=name))

    def with_links(self, links: Mapping[str, Link]) -> RoomSpec:
        """Return the same room over other links."""
        bent = []
        for one in self.participants:
            up, down = (links.get(way, self.links[way]) for way in one.directions)
            bent.append(replace(one, uplink=up, downlink=down))
        return replace(self, participants=tuple(bent))

    def with_participant(self, one: Participant) -> RoomSpec:
        """Return the same room with one more participant.

        Raises:
            BadValue: Its name is taken, or it cannot be in such a room.
        """
        return replace(self, participants=(*self.participants, one))

    def without(self, name: str) -> RoomSpec:
        """Return the same room with one participant less."""
        stay = tuple(one for one in self.participants if one.name != name)
        return replace(self, participants=stay)

    def with_access(self, access: RoomAccess) -> RoomSpec:
        """Return the same room with what is needed to join it."""
        return replace(self, access=access)

    def asked(self) -> dict[str, Any]:
        """Return what is asked for, for the Run's ``meta``."""
        asked: dict[str, Any] = {
            "room": self.room,
            "max_participants": self.max_participants,
            "participants": {one.name: one.describe() for one in self.participants},
            "link": {name: link.to_dict() for name, link in self.links.items()},
        }
        json.dumps(asked)  # it must be plain data
        return asked

    def session(
        self, relay: Relay, clock: Clock, notify: Callable[[str, Any], None]
    ) -> RoomSession:
        """Return the session that runs this room, in the process that is to carry it."""
        from labkit.experiments.roomsession import RoomSession

        return RoomSession(self, relay, clock, notify)


def second_ear(name: str) -> str:
    """Return the identity of somebody's second connection."""
    return f"{name} (second ear)"


def ear_for(name: str, publisher: str) -> str:
    """Return the identity of somebody's connection for one who came while the room ran."""
    return f"{name} (ear for {publisher})"
