"""The lab's own peer as a participant of a room: it joins by WHIP, to send and to receive.

WHIP is for sending (RFC 9725). LiveKit answers an offer that also receives, and a header names
the tracks that it waits for before it does; without that header the offer is plain WHIP.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from aiortc import MediaStreamTrack, RTCRtpTransceiver

from labkit.peers.endpoint import Peer
from labkit.signaling.base import Note, Rewrite
from labkit.signaling.whip import WhipClient

__all__ = [
    "SFU",
    "PublishedTrack",
    "SecondEar",
    "WhipPeer",
    "between",
    "sid_of",
    "tell_joined",
    "tracks_by_mid",
    "wish_header",
]

SFU = "sfu"
"""How the server is called in a Run."""

_HEADER = "X-LiveKit-ClientInfo"


@dataclass(frozen=True)
class PublishedTrack:
    """A track of somebody in the room, for whoever wants to receive it."""

    publisher: str
    sid: str
    "The server's own name for the track: it is in the answer."
    name: str
    kind: str
    stamped: bool = True
    "Whether its pictures carry a stamp; a camera's do not."

    @property
    def track(self) -> str:
        """Its name in a Run, for instance ``alice:video``."""
        return f"{self.publisher}:{self.kind}"


class WhipPeer(Peer):
    """A ``Peer`` whose far end is an SFU that several others are behind.

    Args:
        name: How the peer is called in the Run, and in the room.
        options: As ``Peer`` takes them.
    """

    def __init__(self, name: str, **options: Any) -> None:
        super().__init__(name, other=SFU, **options)
        self.sid = ""
        "The server's own name for this participant."
        self._wanted: Sequence[PublishedTrack] = ()
        self._besides: Sequence[PublishedTrack] = ()
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
        """Send an offer to the room and take its answer; media flows soon after.

        Args:
            url: The WHIP endpoint.
            token: The participant's own.
            wanted: What to receive; whoever sends it has to be there already.
            besides: What else is in the room: the server sends everything as long as there is
                a section for it, in an order of its own.
            rewrite: Sees both descriptions on their way.
            note: Writes down the messages.

        Raises:
            WhipError: The server refused.
            CallError: Nobody answers.
            WaitTimeout: It took too long.
        """

        self.event("joining")
        self._wanted, self._besides = wanted, besides
        self._whip = WhipClient(
            url, token, headers=wish_header(wanted), note=between(self.name, note)
        )
        offer = await rewrite(self.name, SFU, await self.create_offer())
        answer = await self._whip.offer(offer)
        self.sid = sid_of(self._whip)
        self._by_mid = tracks_by_mid(answer, wanted)
        tell_joined(self, wanted)
        await self.set_answer(await rewrite(SFU, self.name, answer))

    async def create_offer(self) -> str:
        """Return an offer: a section for each track to receive, and one for each own source."""
        # In this order: the server uses no codec that the first section of a kind does not name.
        for one in (*self._wanted, *self._besides):
            self.pc.addTransceiver(one.kind, direction="recvonly")
        for kind, source in self._sources.items():
            if source is not None:
                self._add_transceiver(kind, source)
        if not self.pc.getTransceivers():  # an offer needs a section; this one carries no media
            self.pc.createDataChannel("silent")
        return await self._describe(await self.pc.createOffer(), "offer")

    def is_forgotten(self) -> None:
        """Take it that the server knows nothing of this session: nobody needs to end it.

        LiveKit takes two seconds to say that there is no such session.
        """
        if self._whip is not None:
            self._whip.location = None

    async def reopen(self) -> None:
        """Let the connection go, as ``close`` does, and be ready to join anew.

        The sources go on meanwhile: no frame number is used twice.
        """
        tracks, self._tracks = self._tracks, {}
        try:
            await self.close()
        finally:
            self._tracks = tracks
        self.sweep(0.0)
        for what in (self.senders, self.receivers, self._consumed, self._by_mid):
            what.clear()
        await self.open()

    def forget(self, publisher: str) -> None:
        """Expect nothing more of somebody who has left; who comes back has other tracks."""
        tracks = {name for name in self.receives if name.partition(":")[0] == publisher}
        self._by_mid = {mid: name for mid, name in self._by_mid.items() if name not in tracks}
        self.receivers[:] = [probe for probe in self.receivers if probe.track not in tracks]
        for task in self._consumers:
            if task.get_name() in {f"{self.name} {name}" for name in tracks}:
                task.cancel()

    async def close(self) -> None:
        """Leave the room, and stop everything that this peer has opened."""
        whip, self._whip = self._whip, None
        leaving = whip.close() if whip is not None else asyncio.sleep(0)
        await asyncio.gather(leaving, super().close())

    def incoming_track(self, transceiver: RTCRtpTransceiver) -> str | None:
        """Return the name of the track that arrives there, None where none is expected.

        Args:
            transceiver: Where it arrives; the offer said which track its section is for.
        """
        return self._by_mid.get(transceiver.mid or "")

    def _make_track(self, kind: str, source: Any) -> Any:
        return _Lent(self._tracks.get(kind) or super()._make_track(kind, source))

    def _is_stamped(self, track: str) -> bool:
        return any(one.stamped for one in self._wanted if one.track == track)

    @property
    def receives(self) -> list[str]:
        """Names of the tracks that it has subscribed to."""
        return sorted(self._by_mid.values())


class _Lent(MediaStreamTrack):
    """A source as one connection has it: aiortc stops what it sends with the connection."""

    def __init__(self, track: MediaStreamTrack) -> None:
        super().__init__()
        self.kind = track.kind
        self._track = track

    async def recv(self) -> Any:
        return await self._track.recv()


class SecondEar(WhipPeer):
    """A second connection of somebody who is there already, for those who came later.

    WHIP has one offer and one answer, so the first connection cannot take their tracks.
    """

    def _introduce(self) -> None:
        """The peer is in the Run already."""


class InRoom(Protocol):
    """What both kinds of peers behind an SFU have: aiortc's, and a web page."""

    sid: str

    @property
    def receives(self) -> list[str]:
        """Names of the tracks that it has subscribed to."""
        ...

    def event(self, name: str, detail: Any = "") -> None:
        """Write down that something happened."""
        ...


def between(name: str, note: Note) -> Callable[[str, str], None]:
    """Return what notes a WHIP client's messages: answers, which begin with a code, come back."""

    def noted(what: str, body: str) -> None:
        ways = (SFU, name) if what[:1].isdigit() else (name, SFU)
        note(*ways, what, body)

    return noted


def sid_of(whip: WhipClient) -> str:
    """Return the server's own name for a participant, which ends its session's address."""
    return (whip.location or "").rpartition("/")[2]


def tell_joined(peer: InRoom, wanted: Sequence[PublishedTrack]) -> None:
    """Write down that somebody has joined, what it receives, and what it wanted besides."""
    peer.event("joined", {"sid": peer.sid, "receives": peer.receives})
    if missing := {one.track for one in wanted} - set(peer.receives):
        peer.event("not_subscribed", sorted(missing))


def wish_header(wanted: Sequence[PublishedTrack]) -> dict[str, str]:
    """Return the header that names the tracks which the server waits for before it answers."""
    names: dict[str, list[str]] = {}
    for one in wanted:
        names.setdefault(one.publisher, []).append(one.name)
    return {_HEADER: json.dumps({"subscribedParticipantTrackNames": names})} if names else {}


def tracks_by_mid(answer: str, wanted: Sequence[PublishedTrack]) -> dict[str, str]:
    """Return the tracks by the section that carries them (a=msid: RFC 8830)."""
    names = {one.sid: one.track for one in wanted}
    found = {}
    for section in re.split(r"(?m)^(?=m=)", answer)[1:]:
        mid = re.search(r"(?m)^a=mid:(\S+)", section)
        msid = re.search(r"(?m)^a=msid:\S+ (\S+)", section)
        if mid and msid and msid[1] in names:
            found[mid[1]] = names[msid[1]]
    return found
