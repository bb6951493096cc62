"""A web page as a participant of a room: the lab speaks WHIP for it, so the page sees no token."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from labkit.peers.remote import ANSWER_S, VERSION, RemoteSide
from labkit.peers.whip import (
    SFU,
    PublishedTrack,
    between,
    sid_of,
    tell_joined,
    tracks_by_mid,
    wish_header,
)
from labkit.signaling.base import Note, Rewrite
from labkit.signaling.whip import WhipClient

__all__ = ["PageEar", "PageInRoom", "PageTrack"]


class PageTrack:
    """A track that the page receives; what is known of it the page tells."""

    def __init__(self, track: str) -> None:
        self.track = track


class PageInRoom(RemoteSide):
    """A ``RemoteSide`` whose far end is an SFU that several others are behind.

    WHIP has one offer and one answer (LiveKit's server takes a PATCH for candidates and a restart
    of ICE alone): this connection receives what is there when it comes, a ``PageEar`` what comes
    later.

    Args:
        name: How the peer is called in the Run, and in the room.
        options: As ``RemoteSide`` takes them.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, other=SFU, **options)
        self.sid = ""
        "The server's own name for this participant."
        self.opened: tuple[str, ...] = ()
        "Kinds of media that the page could open: a computer may lack a microphone."
        self._wanted: Sequence[PublishedTrack] = ()
        self._by_mid: dict[str, str] = {}
        self._whip: WhipClient | None = None

    async def join(
        self,
        url: str,
        token: str,
        wanted: Sequence[PublishedTrack],
        besides: Sequence[PublishedTrack] = (),
        *,
        rewrite: Rewrite,
        note: Note,
    ) -> None:
        """Ask the page for an offer, send it to the room, and give the page the answer.

        Args:
            url: The WHIP endpoint.
            token: The participant's own.
            wanted: What to receive; whoever sends it has to be there already.
            besides: What else is in the room, as for ``WhipPeer``.
            rewrite: Sees both descriptions on their way.
            note: Writes down the messages.

        Raises:
            WhipError: The server refused.
            CallError: Nobody answers, or the page may not or cannot do what was asked for.
            WaitTimeout: It took too long.
        """

        self.event("joining")
        self._wanted = wanted
        kinds = [one.kind for one in (*wanted, *besides)]
        offer = await rewrite(self.name, SFU, await self.create_offer(receive=kinds))
        self._whip = WhipClient(
            url, token, headers=wish_header(wanted), note=between(self.name, note)
        )
        answer = await self._whip.offer(offer)
        self.sid = sid_of(self._whip)
        self._by_mid = tracks_by_mid(answer, wanted)
        tell_joined(self, wanted)
        names = {mid: track.partition(":")[0] for mid, track in self._by_mid.items()}
        await self.set_answer(await rewrite(SFU, self.name, answer), names=names)

    def is_forgotten(self) -> None:
        """Take it that the server knows nothing of this session: nobody needs to end it."""
        if self._whip is not None:
            self._whip.location = None

    async def reopen(self) -> None:
        """Let the connection go, and be ready to ask the page for another one."""
        await self.close()
        self._by_mid.clear()
        self.connection_state = "new"

    def forget(self, publisher: str) -> None:
        """Expect nothing more of somebody who has left; who comes back has other tracks."""
        left = {mid for mid, track in self._by_mid.items() if track.startswith(f"{publisher}:")}
        self._by_mid = {mid: t for mid, t in self._by_mid.items() if mid not in left}
        if left:
            self._tell_page("forget", publisher=publisher)

    async def close(self) -> None:
        """Leave the room, and wait for nothing any more."""
        whip, self._whip = self._whip, None
        leaving = whip.close() if whip is not None else asyncio.sleep(0)
        await asyncio.gather(leaving, super().close())

    @property
    def receives(self) -> list[str]:
        """Names of the tracks that it has subscribed to."""
        return sorted(self._by_mid.values())

    @property
    def receivers(self) -> list[PageTrack]:  # type: ignore[override]
        """What is received, for whoever shows figures while it runs."""
        return [PageTrack(track) for track in self.receives]

    @property
    def is_silent(self) -> bool:
        """Whether the page has said nothing for ``ANSWER_S``."""
        return time.monotonic() - self._heard_at > ANSWER_S

    def sample(self, now_s: float) -> None:
        """Nothing to ask: the page tells its statistics once a second."""

    def _tell_page(self, what: str, **details: Any) -> None:
        """Tell the page something that it has no answer to."""
        self._ask_page({"v": VERSION, "number": 0, "what": what, **details})

    def _note_media(self, answer: dict[str, Any]) -> None:
        super()._note_media(answer)
        self.opened = tuple(media["kind"] for media in answer.get("media", ()))

    def _incoming(self, mid: str | None, kind: str) -> str | None:
        if mid is not None:
            return self._by_mid.get(mid)
        same = [track for track in self.receives if track.endswith(f":{kind}")]
        return same[0] if len(same) == 1 else None

    def _is_stamped(self, track: str) -> bool:
        return any(one.stamped for one in self._wanted if one.track == track)


class PageEar(PageInRoom):
    """One more connection of a page, for those who came after it, as ``SecondEar`` is for a peer.

    Args:
        first: The page's first connection, which compares the clocks.
        ear: What page and lab call this connection; it is in all messages about it.
        options: As ``PageInRoom`` takes them.
    """

    def __init__(
        self,
        first: PageInRoom,
        ear: str,
        *,
        ask: Callable[[dict[str, Any]], None],
        **options: Any,
    ) -> None:
        super().__init__(
            first.name,
            ask=lambda question: ask({**question, "ear": ear}),
            page_clock=first._page,
            **options,
        )

    async def close(self) -> None:
        """Leave the room, and let the page close this connection."""
        self._tell_page("hang_up")
        await super().close()
