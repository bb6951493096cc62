"""The seats of the lab's own engines: how each joins a room, and leaves it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib import import_module
from typing import Any

from labkit.errors import LabError
from labkit.experiments.elsewhere import ServerPlace, check_here
from labkit.experiments.roombreaks import seen_as_full
from labkit.experiments.roomspec import BROWSER, SFU, Participant
from labkit.experiments.seat import Seat, Surroundings
from labkit.net.sdp import Address, replace_candidates
from labkit.peers.whip import PublishedTrack, SecondEar, WhipPeer
from labkit.signaling.whip import WhipError

__all__ = [
    "EarSeat",
    "LabSeat",
    "SdkSeat",
    "Seat",
    "SecondEarSeat",
    "Surroundings",
    "WhipSeat",
    "seat_for",
]


def seat_for(participant: Participant, around: Surroundings) -> Seat:
    """Return the seat that a participant's engine needs."""
    if participant.engine == BROWSER:
        from labkit.experiments.pageseat import PageSeat

        return PageSeat(participant, around)
    return (LabSeat if participant.engine == "labkit" else SdkSeat)(participant, around)


class WhipSeat(Seat):
    """Somebody by WHIP: it swaps the addresses in offer and answer itself."""

    peer_class = WhipPeer
    settled = True
    comes_back = True

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

    def is_forgotten(self) -> None:
        """Take it that the server knows nothing of this connection any more."""
        self.peer.is_forgotten()

    def forget(self, publisher: str) -> None:
        """Expect nothing more of somebody who has left."""
        if self.peer is not None:
            self.peer.forget(publisher)

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
        await self._hear_addresses(sender, far)
        told = {"instead_of": sender, "is": f"{host}:{port}", "to": receiver}
        self.peer.event("relay_address", told)
        return changed

    async def _hear_addresses(self, sender: str, addresses: list[Address]) -> None:
        if sender == SFU:
            check_here(addresses)
        await self.bridge.set_far(sender, addresses)


class LabSeat(WhipSeat):
    """The lab's own peer: it hears who comes later, and comes back after its server."""

    needs_ears = True

    def ear(self, identity: str) -> SecondEarSeat:
        """Return one more connection of who sits here, over links as they are now."""
        one = self._around.spec.participant(self.name)
        return SecondEarSeat(one, self._around, identity, self)

    async def reopen(self) -> None:
        """Let the connection go, and be ready to join again over the same links."""
        await self.peer.reopen()
        if self._filming is not None:
            self._filming.begin_anew()


class EarSeat(WhipSeat):
    """One more connection of who sits in a room already: it receives, and has no ears itself.

    Each connection has a bridge, so a rate limit holds for each; media flow up by the first and
    down by the second or the first, and the rest is RTCP.

    Args:
        participant: Whose it is, with links as they are now.
        around: The room.
        identity: Who this connection is for the server.
        first: Its owner's seat.
    """

    needs_ears = False

    def __init__(
        self, participant: Participant, around: Surroundings, identity: str, first: Seat
    ) -> None:
        super().__init__(replace(participant, video=None, audio=None, film=None), around)
        self._identity = identity
        self._first = first

    @property
    def identity(self) -> str:
        """Who this connection is for the server."""
        return self._identity


class SecondEarSeat(EarSeat, LabSeat):
    """A second connection of the lab's own peer: what it shows is its owner's."""

    peer_class = SecondEar

    def _decoded(self, track: str, frame: Any, number: int | None, at_s: float) -> None:
        self._first._decoded(track, frame, number, at_s)


class SdkSeat(Seat):
    """LiveKit's SDK: it joins a proxy of its own, which swaps the addresses."""

    def __init__(self, participant: Participant, around: Surroundings) -> None:
        super().__init__(participant, around)
        self._open_things = AsyncExitStack()
        self._place = ServerPlace()

    async def open(self) -> None:
        """Open the links, the proxy and the peer; nothing is sent yet."""
        # In a thread: it takes half a second, and others may be in the room already.
        await asyncio.to_thread(import_module, "labkit.peers.sdk")
        from labkit.peers.sdk import SdkPeer

        await self._open_bridge(roaming=self.name)
        access = self._around.spec.access
        one = self.participant
        relayed = one.relay_only  # the proxy would cut the TURN servers out
        self.peer = SdkPeer(
            self.name,
            url=access.url if relayed else await self._open_proxy(access.url),
            token=access.tokens[self.name],
            options={"auto_subscribe": one.subscribe, **one.options},
            **self._common(),
        )
        await self.peer.open()

    def _common(self) -> dict[str, Any]:
        sending = [one for one in self._around.spec.participants if one.video is not None]
        cameras = {f"{one.name}:video" for one in sending if not one.stamped}
        return {**super()._common(), "unstamped": cameras}

    async def _open_proxy(self, url: str) -> str:
        from labkit.rooms.access import AccessProxy

        proxy = AccessProxy(
            self.name,
            url,
            relay_address=self.bridge.address_for[self.name],
            note=self._noted("signaling (WebSocket)"),
            on_server_candidate=self._server_is_at,
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
            await self._join_here()
        except LabError:
            if await self._around.is_full(self.identity):
                raise self._full() from None
            raise

    async def _join_here(self) -> None:
        joining = asyncio.create_task(self.peer.join())
        elsewhere = asyncio.create_task(self._place.elsewhere())
        try:
            await asyncio.wait([joining, elsewhere], return_when=asyncio.FIRST_COMPLETED)
            if not joining.done():
                raise elsewhere.result()
            await joining
        finally:
            for task in (joining, elsewhere):
                task.cancel()
            await asyncio.gather(joining, elsewhere, return_exceptions=True)

    async def _server_is_at(self, addresses: list[Address]) -> None:
        self._place.hear(addresses)
        await self.bridge.set_far(SFU, addresses)

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
