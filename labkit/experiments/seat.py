"""A place in a room: whose it is, its bridge to the server, and what all engines' seats share."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.experiments.roombreaks import full_error
from labkit.experiments.roomspec import SFU, Participant, RoomSpec
from labkit.net.relay_handle import Bridge, Relay
from labkit.peers.clock import Clock
from labkit.peers.packetbook import PacketBook
from labkit.run.tap import Tap
from labkit.signaling.base import Note

if TYPE_CHECKING:
    from labkit.peers.filming import Filming
    from labkit.peers.whip import PublishedTrack

__all__ = ["Seat", "Surroundings"]


@dataclass
class Surroundings:
    """What every seat of one room shares."""

    spec: RoomSpec
    "The room as it is now: people come and go, links bend, tokens are renewed."
    relay: Relay
    tap: Tap
    clock: Clock
    book: PacketBook
    note: Callable[[str, str, str, str, str], None]
    "Takes sender, receiver, channel, name and body of a message."
    on_decoded: Callable[..., None]
    on_failure: Callable[[LabError], None]
    tell: Callable[[str, Any], None]
    "Takes a name and a payload for whoever owns the room."
    is_full: Callable[[str], Awaitable[bool]]
    "Takes who wants to come in."
    all_lost: Callable[[], bool]
    "Whether nobody here has a connection to the server any more."
    introduced: set[str] = field(default_factory=set)
    "Pages whose clock is in the Run."


class Seat:
    """What all seats share.

    Args:
        participant: Who sits there.
        around: The room.
    """

    settled = False
    "Whether what it receives is settled when it joins: WHIP has one offer and one answer."
    needs_ears = False
    "Whether it hears who comes later by one more connection."
    must_hear = True
    "Whether nobody can come whom it cannot hear; a page may be gone and not know it."
    comes_back = False
    "Whether the room has to let it join anew after its server was away."

    def __init__(self, participant: Participant, around: Surroundings) -> None:
        self.participant = participant
        self.first_number = 0
        "Of its frames; more than 0 where somebody of this name was here before."
        self.peer: Any = None
        "None before ``open``."
        self._around = around
        self._bridge: Bridge | None = None
        self._filming: Filming | None = None

    @property
    def name(self) -> str:
        """Who sits there."""
        return self.participant.name

    @property
    def identity(self) -> str:
        """Who this connection is for the server."""
        return self.participant.name

    @property
    def lost(self) -> str:
        """Why its connection has ended on its own, or nothing; the SDK's peer tells by itself."""
        return getattr(self.peer, "lost", "")

    @property
    def bridge(self) -> Bridge:
        """The two links of this participant."""
        assert self._bridge is not None, "open first"
        return self._bridge

    async def open(self) -> None:
        """Open the links and the peer; nothing is sent yet."""
        raise NotImplementedError

    async def join(
        self, wanted: Sequence[PublishedTrack], besides: Sequence[PublishedTrack] = ()
    ) -> None:
        """Join the room.

        Args:
            wanted: What to receive.
            besides: What else is in the room.
        """
        raise NotImplementedError

    def receives(self) -> list[str]:
        """Return the names of the tracks that it has subscribed to."""
        raise NotImplementedError

    async def close(self) -> None:
        """Leave the room; the links end with the relay."""
        raise NotImplementedError

    def ear(self, identity: str) -> Seat:
        """Return one more connection of who sits here, to receive by; not open yet.

        Args:
            identity: Who it is for the server.
        """
        raise NotImplementedError

    def forget(self, publisher: str) -> None:
        """Expect nothing more of somebody who has left; some engines are told by the server."""

    def server_away(self) -> None:
        """Take it that the server has gone, and may come back."""
        self.peer.event("reconnecting")

    def is_forgotten(self) -> None:
        """Take it that the server knows nothing of this connection any more."""

    async def reopen(self) -> None:
        """Let the connection go, and be ready to join again over the same links."""
        raise NotImplementedError

    async def leave(self) -> None:
        """Leave the room and close the links, while others go on."""
        try:
            await self.close()
            if self.peer is not None:
                self.peer.sweep(0.0)  # what it knows of frames that it will never see
        finally:
            if self._bridge is not None:
                with contextlib.suppress(LabError):  # the relay's end is told elsewhere
                    await self._bridge.close()

    async def _open_bridge(self, roaming: str | None = None) -> None:
        one, around = self.participant, self._around
        self._bridge = await around.relay.open(
            one.name, SFU, forward=one.uplink, back=one.downlink,
            seed=around.spec.seed, roaming=roaming,
        )  # fmt: skip

    def _common(self) -> dict[str, Any]:
        one, around = self.participant, self._around
        return {
            "video": one.video,
            "audio": one.audio,
            "codec": one.codec,
            "tap": around.tap,
            "clock": around.clock,
            "place": around.spec.place,
            "first_number": self.first_number,
            "on_decoded": self._decoded,
            "on_failure": around.on_failure,
        }

    def _decoded(self, track: str, frame: Any, number: int | None, at_s: float) -> None:
        if self._filming is not None:
            self._filming.take(track, frame, at_s)
        self._around.on_decoded(self.name, track, frame, number, at_s)

    def _noted(self, channel: str) -> Note:
        def note(sender: str, receiver: str, name: str, body: str) -> None:
            self._around.note(sender, receiver, channel, name, body)

        return note

    def _full(self) -> LabError:
        spec = self._around.spec
        return full_error(self.name, spec.room, spec.max_participants)
