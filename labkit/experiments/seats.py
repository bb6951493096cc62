"""Where a participant sits: a bridge of its own to the server, and how its engine joins."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.experiments.roombreaks import full_error, seen_as_full
from labkit.experiments.roomspec import SFU, Participant, RoomSpec, second_ear
from labkit.net.relay_handle import Bridge, Relay
from labkit.net.sdp import replace_candidates
from labkit.peers.clock import Clock
from labkit.peers.packetbook import PacketBook
from labkit.peers.whip import PublishedTrack, SecondEar, WhipPeer
from labkit.run.tap import Tap
from labkit.signaling.base import Note
from labkit.signaling.whip import WhipError

if TYPE_CHECKING:
    from labkit.peers.filming import Filming

__all__ = ["SdkSeat", "SecondEarSeat", "Surroundings", "WhipSeat", "seat_for"]


@dataclass(frozen=True)
class Surroundings:
    """What every seat of one room shares."""

    spec: RoomSpec
    relay: Relay
    tap: Tap
    clock: Clock
    book: PacketBook
    note: Callable[[str, str, str, str, str], None]
    "Takes sender, receiver, channel, name and body of a message."
    on_decoded: Callable[..., None]
    on_failure: Callable[[LabError], None]
    is_full: Callable[[], Awaitable[bool]]
    chirps: Any
    "The ``ChirpBook`` of this process, None where nobody uses the SDK."


def seat_for(participant: Participant, around: Surroundings) -> WhipSeat | SdkSeat:
    """Return the seat that a participant's engine needs."""
    return (WhipSeat if participant.engine == "labkit" else SdkSeat)(participant, around)


class _Seat:
    """What both seats share.

    Args:
        participant: Who sits there.
        around: The room.
    """

    def __init__(self, participant: Participant, around: Surroundings) -> None:
        self.participant = participant
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
    def bridge(self) -> Bridge:
        """The two links of this participant."""
        assert self._bridge is not None, "open first"
        return self._bridge

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


class WhipSeat(_Seat):
    """Aiortc by WHIP: it swaps the addresses in offer and answer itself."""

    peer_class = WhipPeer

    async def open(self) -> None:
        """Open the links and the peer; nothing is sent yet."""
        await self._open_bridge()
        if self.participant.film is not None:
            from labkit.peers.filming import Filming

            self._filming = Filming(self.participant.film, on_failure=self._around.on_failure)
        buffer, book = self.participant.jitter_buffer, self._around.book
        self.peer = self.peer_class(self.name, jitter_buffer=buffer, book=book, **self._common())
        await self.peer.open()

    async def join(
        self, wanted: Sequence[PublishedTrack], besides: Sequence[PublishedTrack] = ()
    ) -> None:
        """Join the room.

        Raises:
            CallError: The room is full, or the server refused.
            WaitTimeout: It did not answer in time.
        """
        access = self._around.spec.access
        try:
            await self.peer.join(
                f"{access.http_url}/whip/v1", access.tokens[self.identity], wanted, besides,
                rewrite=self._rewrite, note=self._noted("signaling (WHIP)"),
            )  # fmt: skip
        except WhipError as error:
            raise (self._full() if seen_as_full(error) else error) from None

    def receives(self) -> list[str]:
        """Return the names of the tracks that it has subscribed to."""
        return [] if self.peer is None else list(self.peer.receives)

    async def close(self) -> None:
        """Leave the room, then finish what was filmed of it."""
        try:
            if self.peer is not None:
                await self.peer.close()
        finally:
            if self._filming is not None:
                await self._filming.close()

    async def _rewrite(self, sender: str, receiver: str, sdp: str) -> str:
        host, port = self.bridge.address_for[receiver]
        changed, far = replace_candidates(sdp, host, port)
        await self.bridge.set_far(sender, far)
        told = {"instead_of": sender, "is": f"{host}:{port}", "to": receiver}
        self.peer.event("relay_address", told)
        return changed


class SecondEarSeat(WhipSeat):
    """A second connection of a participant, over links like its first one's.

    Each connection has a bridge, so a rate limit holds for each; media flow up by the first and
    down by the second or the first, and the rest is RTCP.
    """

    peer_class = SecondEar

    def __init__(self, participant: Participant, around: Surroundings) -> None:
        super().__init__(replace(participant, video=None, audio=None), around)

    @property
    def identity(self) -> str:
        """Who this connection is for the server."""
        return second_ear(self.name)


class SdkSeat(_Seat):
    """LiveKit's SDK: it joins a proxy of its own, which swaps the addresses."""

    def __init__(self, participant: Participant, around: Surroundings) -> None:
        super().__init__(participant, around)
        self._open_things = AsyncExitStack()

    async def open(self) -> None:
        """Open the links, the proxy and the peer; nothing is sent yet."""
        from labkit.peers.sdk import SdkPeer

        await self._open_bridge(roaming=self.name)
        access = self._around.spec.access
        relayed = self.participant.relay_only  # the proxy would cut the TURN servers out
        self.peer = SdkPeer(
            self.name,
            url=access.url if relayed else await self._open_proxy(access.url),
            token=access.tokens[self.name],
            options=dict(self.participant.options),
            chirps=self._around.chirps,
            **self._common(),
        )
        await self.peer.open()

    async def _open_proxy(self, url: str) -> str:
        from labkit.rooms.access import AccessProxy

        proxy = AccessProxy(
            self.name,
            url,
            relay_address=self.bridge.address_for[self.name],
            note=self._noted("signaling (WebSocket)"),
            on_server_candidate=partial(self.bridge.set_far, SFU),
        )
        await self._open_things.enter_async_context(proxy)
        return proxy.url

    async def join(
        self, wanted: Sequence[PublishedTrack], besides: Sequence[PublishedTrack] = ()
    ) -> None:
        """Join the room; the SDK subscribes to everything by itself.

        Raises:
            CallError: The room is full, or the server refused.
            WaitTimeout: It did not answer in time.
        """
        try:
            await self.peer.join()
        except LabError:
            if await self._around.is_full():
                raise self._full() from None
            raise

    def receives(self) -> list[str]:
        """Return the names of the tracks that it has subscribed to."""
        return [] if self.peer is None else sorted(probe.track for probe in self.peer.receivers)

    async def close(self) -> None:
        """Leave the room, then close the proxy that said so."""
        try:
            if self.peer is not None:
                await self.peer.close()
        finally:
            await asyncio.shield(self._open_things.aclose())
