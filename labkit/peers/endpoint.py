"""The lab's own peer: an aiortc endpoint with a probe at every step of a frame's way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpTransceiver,
    RTCSessionDescription,
)

from labkit.errors import LabError
from labkit.media.tracks import AudioSourceTrack, SourceTrack
from labkit.peers import private
from labkit.peers.clock import Clock
from labkit.peers.codecs import prefer_codec
from labkit.peers.consent import be_patient
from labkit.peers.datagrams import DatagramCounter
from labkit.peers.jitterbuffers import jitter_buffer_class, new_jitter_buffer
from labkit.peers.packetbook import PacketBook, noting
from labkit.peers.receiveprobe import ReceiveProbe
from labkit.peers.sendprobe import SendProbe
from labkit.peers.states import Connected, watch_states
from labkit.run.tap import Tap

__all__ = ["Peer"]

Decoded = Callable[[str, Any, "int | None", float], None]


class Peer(Connected):
    """One endpoint of a call; an async context manager that belongs to the loop it is opened on.

    Args:
        name: How the peer is called in the Run.
        other: Name of the peer at the far end.
        video: Video source to send, or None.
        audio: Audio source to send, or None.
        receives: Kinds of media that are expected from the other side.
        stamped: Whether the pictures from there carry a stamp.
        codec: ``vp8`` or ``h264``.
        jitter_buffer: ``marker``, ``stock`` or a class (see ``JitterBufferLike``).
        tap: Where the probes' rows go.
        clock: The call's clock.
        book: Plain RTP packets of this process.
        place: ``worker`` or ``kernel``, for the Run's table of peers.
        first_number: Of its frames; more than 0 for a name that has been here before.
        on_decoded: Called with track, frame, frame number and second of every decoded frame.
        on_failure: Called with an error that happens while the call runs.

    Raises:
        BadValue: An argument is not one of those above.
        MediaError: The codec or the media file cannot be used.
    """

    engine = "labkit"

    def __init__(
        self,
        name: str = "alice",
        *,
        other: str = "bob",
        video: Any = None,
        audio: Any = None,
        receives: tuple[str, ...] = (),
        stamped: bool = True,
        codec: str = "vp8",
        jitter_buffer: str | type[Any] = "marker",
        tap: Tap | None = None,
        clock: Clock | None = None,
        book: PacketBook | None = None,
        place: str = "kernel",
        first_number: int = 0,
        on_decoded: Decoded | None = None,
        on_failure: Callable[[LabError], None] | None = None,
    ) -> None:
        self.name = name
        self.other = other
        self.clock = clock or Clock(time.perf_counter())
        self.tap = tap or Tap()
        self.senders: list[SendProbe] = []
        self.receivers: list[ReceiveProbe] = []
        self._counter = DatagramCounter()
        self._sources = {"audio": audio, "video": video}
        self._receives, self._stamped, self._codec = receives, stamped, codec
        self._buffer_class = jitter_buffer_class(jitter_buffer)
        self._book = book or PacketBook(self.tap, self.clock)
        self._place, self._first_number = place, first_number
        self._on_decoded = on_decoded or (lambda *_ignored: None)
        self._on_failure = on_failure or (lambda error: None)
        self._tracks: dict[str, Any] = {}
        self._consumers: list[asyncio.Task[None]] = []
        self._consumed: set[str] = set()

    async def __aenter__(self) -> Peer:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def pc(self) -> RTCPeerConnection:
        """The aiortc peer connection, for ``getStats()``, SDP and states."""
        if self._pc is None:
            raise RuntimeError(f"peer {self.name} is not open")
        return self._pc

    @property
    def connection_state(self) -> str:
        """State of the connection, as W3C names it; closed where there is none."""
        return "closed" if self._pc is None else self._pc.connectionState

    @property
    def datagrams(self) -> dict[str, int]:
        """UDP datagrams ``sent`` and ``received`` at this end: to compare with the relay's."""
        return self._counter.datagrams

    @property
    def received_bytes(self) -> int:
        """Bytes received on the wire, 28 header bytes a datagram included."""
        return self._counter.received_bytes

    async def open(self) -> None:
        """Make the peer connection; nothing is sent yet."""
        self._pc = RTCPeerConnection(
            # Never a STUN server of somebody on the internet, which is aiortc's default.
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._watch_connection(self._pc)
        self._introduce()

    def _introduce(self) -> None:
        self.tap.add("peers", peer=self.name, engine=self.engine, place=self._place,
                     clock_offset_s=0.0, clock_error_s=0.0)  # fmt: skip

    async def create_offer(self) -> str:
        """Return an SDP offer with all candidates in it."""
        for kind, source in self._sources.items():
            if source is not None or kind in self._receives:
                self._add_transceiver(kind, source)
        return await self._describe(await self.pc.createOffer(), "offer")

    async def create_answer(self, offer: str) -> str:
        """Take an SDP offer and return the SDP answer, with all candidates in it."""
        await self.pc.setRemoteDescription(RTCSessionDescription(offer, "offer"))
        self.event("remote_offer_set")
        for kind, source in self._sources.items():
            if source is not None:
                self.pc.addTrack(self._make_track(kind, source))
        return await self._describe(await self.pc.createAnswer(), "answer")

    async def set_answer(self, answer: str) -> None:
        """Take the SDP answer to this side's offer."""
        self._attach_probes()
        await self.pc.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        self._consume_new_tracks()
        self.event("remote_answer_set")

    def event(self, name: str, detail: Any = "") -> None:
        """Write down a state change or a step of the set-up."""
        text = detail if isinstance(detail, str) else json.dumps(detail)
        self.tap.add("events", at_s=self.clock.now(), peer=self.name, name=name, detail=text)

    def sweep(self, older_than_s: float | None = None) -> None:
        """Write down frames and packets that will not come any more."""
        for receiver in self.receivers:
            receiver.sweep() if older_than_s is None else receiver.sweep(older_than_s)

    def nominated_pair(self) -> dict[str, str] | None:
        """Return the addresses that ICE has agreed on, as this side sees them."""
        return private.nominated_pair(self.pc)

    async def close(self) -> None:
        """Stop everything that this peer has opened."""
        pc, self._pc = self._pc, None
        for track in self._tracks.values():
            track.stop()
        if pc is not None:
            await pc.close()
        for task in self._consumers:
            task.cancel()
        await asyncio.gather(*self._consumers, return_exceptions=True)
        self._consumers.clear()

    def _add_transceiver(self, kind: str, source: Any) -> None:
        receives = kind in self._receives
        direction = "sendrecv" if receives and source else "sendonly" if source else "recvonly"
        what = kind if source is None else self._make_track(kind, source)
        transceiver = self.pc.addTransceiver(what, direction=direction)
        if kind == "video":
            prefer_codec(transceiver, self._codec)

    def _make_track(self, kind: str, source: Any) -> Any:
        name = f"{self.name}:{kind}"

        def on_captured(frame: int, reading: float) -> None:
            for sender in self.senders:
                if sender.track == name:
                    sender.captured(frame, reading)

        make = SourceTrack if kind == "video" else AudioSourceTrack
        track = self._tracks[kind] = make(source, on_captured=on_captured, first=self._first_number)
        codec = self._codec.upper() if kind == "video" else "opus"
        self.tap.add("tracks", track=name, peer=self.name, kind=kind, source=source.describe(),
                     codec=codec)  # fmt: skip
        return track

    async def _describe(self, description: RTCSessionDescription, kind: str) -> str:
        self.event(f"{kind}_created")
        for connection in private.ice_connections(self.pc):
            private.stay_on_loopback(connection)
            be_patient(connection)
        if kind == "answer":  # media can flow as soon as the answer is set
            self._attach_probes()
        await self.pc.setLocalDescription(description)
        for connection in private.ice_connections(self.pc):
            self._counter.watch(connection)
        self._consume_new_tracks()
        self.event("gathering_complete")
        return self.pc.localDescription.sdp

    def _attach_probes(self) -> None:
        for transceiver in self.pc.getTransceivers():
            self._probe_sender(transceiver)
            self._probe_receiver(transceiver)
        for dtls in private.transports_of(self.pc):
            if not hasattr(dtls, "lab_watched"):
                dtls.lab_watched = True
                private.wrap(
                    dtls,
                    "_send_rtp",
                    lambda send: noting(send, self._book, (self.name, self.other), self.senders),
                )
                watch_states(self, dtls)

    def _probe_sender(self, transceiver: RTCRtpTransceiver) -> None:
        kind, name = transceiver.kind, f"{self.name}:{transceiver.kind}"
        source = self._sources[kind]
        if transceiver.sender.track is None or any(p.track == name for p in self.senders):
            return
        size = (source.width, source.height) if kind == "video" else None
        codec = self._codec.upper() if kind == "video" else "opus"
        probe = SendProbe(transceiver.sender, name, tap=self.tap, clock=self.clock,
                          size=size, codec=codec)  # fmt: skip
        self.senders.append(probe)
        self.tap.add("streams", ssrc=probe.ssrc, track=name, role="media")
        if kind == "video":
            self.tap.add("streams", ssrc=probe.rtx_ssrc, track=name, role="rtx")

    def incoming_track(self, transceiver: RTCRtpTransceiver) -> str | None:
        """Return the name of the track that arrives there, None where none is expected."""
        kind = transceiver.kind
        return f"{self.other}:{kind}" if kind in self._receives else None

    def _is_stamped(self, track: str) -> bool:
        """Return whether the pictures of a track that arrives carry a stamp."""
        return self._stamped

    def _probe_receiver(self, transceiver: RTCRtpTransceiver) -> None:
        name = self.incoming_track(transceiver)
        if name is None or any(probe.track == name for probe in self.receivers):
            return
        if transceiver.kind == "video":
            private.replace_jitter_buffer(
                transceiver.receiver, lambda present: new_jitter_buffer(self._buffer_class, present)
            )
        self.receivers.append(
            ReceiveProbe(
                transceiver.receiver,
                self.name,
                name,
                tap=self.tap,
                clock=self.clock,
                book=self._book,
                stamped=self._is_stamped(name),
                on_decoded=lambda frame, number, at: self._on_decoded(name, frame, number, at),
                on_first=lambda what: self.event(what, name),
                on_failure=self._on_failure,
            )
        )

    def _consume_new_tracks(self) -> None:
        for transceiver in self.pc.getTransceivers():
            track, name = transceiver.receiver.track, self.incoming_track(transceiver)
            if track is None or name is None or name in self._consumed:
                continue
            for probe in self.receivers:
                if probe.track == name:
                    self._consumed.add(name)
                    task = asyncio.create_task(probe.consume(track), name=f"{self.name} {name}")
                    self._consumers.append(task)
