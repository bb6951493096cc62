"""The seat of a participant in a browser: the lab speaks WHIP for a page, over the page's links."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from labkit.errors import CallError, LabError
from labkit.experiments.basesession import BaseSession
from labkit.experiments.breaks import failed_error, no_media_path_error, not_connected_error
from labkit.experiments.roomspec import SFU
from labkit.experiments.seats import EarSeat, WhipSeat
from labkit.experiments.session import PAGE_TIMEOUT_S, UDP_CANDIDATE
from labkit.net.sdp import Address
from labkit.peers.pageroom import PageEar, PageInRoom
from labkit.peers.whip import PublishedTrack
from labkit.rooms.listing import list_room
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.seating import Seating

__all__ = ["PageEarSeat", "PageSeat", "SessionWithPages"]

LOOK_S = 0.5
"""How often a seat looks whether its page is still there."""

MISSED = 4
"""In so many looks in a row it must be missing: a server that is back is joined anew first."""


class PageSeat(WhipSeat):
    """A web page: its descriptions come and go by the notebook, its media by the relay.

    The token stays in the lab, and the page asks nobody but the notebook.
    """

    needs_ears = True
    must_hear = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Open the links; the page opens nothing before it is asked for an offer."""
        await self._open_bridge(roaming=self.name)
        self.peer = self._make_peer()
        await self.peer.open()

    def ear(self, identity: str) -> PageEarSeat:
        """Return one more connection of this page, over links as they are now."""
        one = self._around.spec.participant(self.name)
        return PageEarSeat(one, self._around, identity, self)

    async def join(
        self, wanted: Sequence[PublishedTrack], besides: Sequence[PublishedTrack] = ()
    ) -> None:
        """Join the room, and wait until the page's media reach the server.

        Raises:
            CallError: The room is full, the server refused, or the page cannot do its part.
            WaitTimeout: Somebody did not answer in time.
        """
        await super().join(wanted, besides)
        await self._reached()
        if self._around.tap.recording:  # one that began before the page was there
            self.settle_clock()
        one, opened = self.participant, self.peer.opened
        video, audio = (getattr(one, k) if k in opened else None for k in ("video", "audio"))
        self.participant = replace(one, video=video, audio=audio)
        self._looking = asyncio.create_task(self._look(), name=f"look for {self.name}'s page")

    def settle_clock(self) -> None:
        """Let what is known of the page's clock hold; who comes again is in the Run already."""
        if not self.peer.clock_is_known:  # on its way in: once it is there
            return
        known = self._around.introduced
        self.peer.settle_clock(introduce=self.name not in known)
        known.add(self.name)

    def server_away(self) -> None:
        """Do not miss the page while the server misses everybody."""
        super().server_away()
        if self._looking is not None:
            self._looking.cancel()

    async def reopen(self) -> None:
        """Let the connection go, and be ready to ask the page for another one."""
        await self._look_no_more()
        await self.peer.reopen()

    async def close(self) -> None:
        """Leave the room, and let the page end its connection."""
        await self._look_no_more()
        self._around.tell("page_out", {"who": self.name})
        await super().close()

    def _make_peer(self) -> PageInRoom:
        return PageInRoom(self.name, **self._of_page())

    def _of_page(self) -> dict[str, Any]:
        one, around = self.participant, self._around
        return {
            "sends": {"video": one.video, "audio": one.audio},
            "codec": one.codec,
            "ask": lambda asked: around.tell("describe", {"who": one.name, "question": asked}),
            "tap": around.tap,
            "clock": around.clock,
            "on_decoded": self._decoded,
        }

    async def _look_no_more(self) -> None:
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _rewrite(self, sender: str, receiver: str, sdp: str) -> str:
        if sender == self.name and not UDP_CANDIDATE.search(sdp):
            raise no_media_path_error()
        return await super()._rewrite(sender, receiver, sdp)

    async def _hear_addresses(self, sender: str, addresses: list[Address]) -> None:
        if sender == SFU:  # a page may speak from other addresses than the ones it names
            await super()._hear_addresses(sender, addresses)

    async def _reached(self) -> None:
        peer = self.peer
        try:
            async with asyncio.timeout(PAGE_TIMEOUT_S):
                while peer.connection_state != "connected" or not peer.clock_is_known:
                    if peer.connection_state in ("failed", "closed"):
                        raise failed_error(self.name)
                    await asyncio.sleep(0.005)
        except (TimeoutError, LabError) as error:
            way_up = self.participant.directions[0]
            if not (await self.bridge.counts())[way_up]["received"]:
                raise no_media_path_error() from None
            if isinstance(error, LabError):
                raise
            raise not_connected_error(PAGE_TIMEOUT_S, page=True) from None

    async def _look(self) -> None:
        """Tell when the page has gone: nobody else would."""
        missed = 0
        while missed < MISSED:
            await asyncio.sleep(LOOK_S)
            missed = missed + 1 if await self._has_gone() else 0
        error = _page_left_error(self.name)
        self.peer.lost = error.why
        self.peer.event("page_gone", error.why)
        if self._around.all_lost():
            self._around.on_failure(error)
        else:
            self._around.tell("page_gone", {"who": self.name, "why": str(error)})

    async def _has_gone(self) -> bool:
        # A kernel without threads for messages hears its page late; the server knows better.
        over = self.peer.is_silent or self.peer.connection_state in ("failed", "closed")
        return over and not await self._is_listed()

    async def _is_listed(self) -> bool:
        spec = self._around.spec
        try:
            listed = await list_room(spec.access.http_url, spec.access.watcher, spec.room)
        except CallError:  # the server is away, and so is what it knows
            return True
        return any(one.identity == self.identity for one in listed)


class PageEarSeat(EarSeat, PageSeat):
    """One more connection of a page, for those who came after it."""

    async def join(
        self, wanted: Sequence[PublishedTrack], besides: Sequence[PublishedTrack] = ()
    ) -> None:
        """Receive, and wait until the connection is there; nobody has to look for the page."""
        await WhipSeat.join(self, wanted, besides)
        await self._reached()

    async def close(self) -> None:
        """Let this connection go; the page stays."""
        await WhipSeat.close(self)

    def _make_peer(self) -> PageInRoom:
        return PageEar(self._first.peer, self._identity, **self._of_page())


class SessionWithPages(BaseSession):
    """What a room's session does for those of its participants who are web pages."""

    _seats: dict[str, Any]
    _seating: Seating

    async def attach(self, address: tuple[str, int], token: bytes) -> None:
        """Send rows to a recorder, from now on and of the set-up."""
        for seat in self._page_seats():
            seat.settle_clock()
        await super().attach(address, token)

    def said(self, who: str, message: dict[str, Any]) -> None:
        """Take a message of the page that is somebody here; ``ear`` says of which connection."""
        for seat in _pages(self._seating.connections):
            if (seat.name, seat.identity) == (who, message.get("ear", who)):
                seat.peer.said(message)

    def _has_heard_since(self, asked_s: float) -> bool:
        pages = _pages(self._seating.connections)
        return all(seat.peer.told_until_s >= asked_s for seat in pages)

    def _browsers(self) -> dict[str, Any]:
        """Return which browsers take part, for the Run's ``meta``."""
        agents = {seat.name: seat.peer.agent for seat in self._page_seats()}
        return {"browsers": agents} if agents else {}

    def _page_seats(self) -> list[PageSeat]:
        return _pages(self._seats.values())


def _pages(seats: Iterable[Any]) -> list[PageSeat]:
    return [seat for seat in seats if isinstance(seat, PageSeat) and seat.peer is not None]


def _page_left_error(name: str) -> CallError:
    return CallError(
        _("The page of “{name}” has left the room.").format(name=name),
        _("It was closed or reloaded, or the link was dead for too long."),
        _("Press a button of its widget to come again."),
    )
