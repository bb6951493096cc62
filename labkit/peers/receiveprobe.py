"""What a receiver sees of each frame: first and last packet in, released, decoded."""

from __future__ import annotations

import math
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from aiortc import RTCRtpReceiver
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from labkit.errors import CallError, LabError
from labkit.media.stamp import read_frame
from labkit.peers import private
from labkit.peers.chirplistener import ChirpListener, mono
from labkit.peers.clock import Clock
from labkit.peers.jitterbuffers import JITTER_BUFFERS
from labkit.peers.packetbook import PacketBook
from labkit.peers.watchdog import NeverReturned, Watchdog
from labkit.run.tap import Tap
from labkit.words import _

__all__ = ["ReceiveProbe", "level_dbfs"]

FORGET_AFTER_S = 2.0
"""A frame that was not decoded this long after its first packet is written down as it is."""

MINUTE_OF_FRAMES = 4096
"""How many releases may wait for their decoded frame."""


@dataclass
class _Arrival:
    first_arrived_s: float
    last_arrived_s: float
    packets: int = 1
    released_s: float | None = None


class _WatchedBuffer:
    """A jitter buffer that tells when it lets a frame go, and when it fails or never returns."""

    def __init__(
        self, inner: Any, on_release: Callable[[int], None], on_failure: Callable[[LabError], None]
    ) -> None:
        self._inner = inner
        self._on_release = on_release
        self._on_failure = on_failure
        self._stuck = False
        ours = type(inner) in JITTER_BUFFERS.values()
        self._call = _just_call if ours else Watchdog().call

    def add(self, packet: Any) -> tuple[bool, Any]:
        if self._stuck:  # it would be again
            return False, None
        try:
            pli, frame = self._call(self._inner.add, packet)
            if frame is not None:
                self._on_release(frame.timestamp)
        except Exception as error:  # it may be a student's own class
            self._stuck = isinstance(error, NeverReturned)
            self._on_failure(_buffer_error(self._inner, error))
            return False, None
        return pli, frame

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class ReceiveProbe:
    """Follows the frames of one receiver and writes its half of each row.

    Args:
        receiver: The aiortc receiver; hooks are set on this instance.
        peer: Name of the receiving peer.
        track: Name of the track that arrives, for instance ``alice:video``.
        stamped: Whether its pictures carry a stamp; a camera's do not.
        on_decoded: Called with each decoded frame, its number (None: unreadable, or audio)
            and the second at which it was in Python's hands.
        on_first: Called with ``first_packet`` and ``first_frame``, once each.
        on_failure: Called with what a jitter buffer raised.
    """

    def __init__(
        self,
        receiver: RTCRtpReceiver,
        peer: str,
        track: str,
        *,
        tap: Tap,
        clock: Clock,
        book: PacketBook,
        stamped: bool = True,
        on_decoded: Callable[[Any, int | None, float], None],
        on_first: Callable[[str], None],
        on_failure: Callable[[LabError], None],
    ) -> None:
        self.track = track
        self._peer = peer
        self._receiver = receiver
        self._tap = tap
        self._clock = clock
        self._book = book
        self._stamped = stamped
        self._on_decoded = on_decoded
        self._on_first = on_first
        self._firsts: set[str] = set()
        self._arrivals: dict[int, _Arrival] = {}
        self._last_released = 0
        self._raw_of: dict[int, int] = {}
        self._chirps = ChirpListener(self._heard)
        private.wrap(receiver, "_handle_rtp_packet", self._around_packet)
        private.replace_jitter_buffer(
            receiver, lambda buffer: _WatchedBuffer(buffer, self._released, on_failure)
        )
        private.wrap(private.decoder_queue(receiver), "put", self._around_put)

    async def consume(self, track: Any) -> None:
        """Take every frame of the remote track as soon as it is decoded."""
        try:
            while True:
                frame = await track.recv()
                self._decoded(frame, self._clock.now())
        except MediaStreamError:
            pass

    @property
    def waiting_to_decode(self) -> int:
        """Complete frames that the decoder has not taken yet."""
        return private.decoder_queue(self._receiver).qsize()

    def sweep(self, older_than_s: float = FORGET_AFTER_S) -> None:
        """Write down what arrived but was never decoded."""
        limit = self._clock.now() - older_than_s
        for timestamp, arrival in list(self._arrivals.items()):
            if arrival.first_arrived_s > limit:
                return
            del self._arrivals[timestamp]
            self._write(timestamp, arrival, None, None, {})

    def _first(self, name: str) -> None:
        if name not in self._firsts:
            self._firsts.add(name)
            self._on_first(name)

    def _around_packet(
        self, original: Callable[..., Awaitable[None]]
    ) -> Callable[..., Awaitable[None]]:
        async def handle_rtp_packet(packet: Any, arrival_time_ms: int) -> None:
            now = self._clock.now()
            self._first("first_packet")
            arrival = self._arrivals.get(packet.timestamp)
            if arrival is None:
                self._arrivals[packet.timestamp] = _Arrival(now, now)
            elif arrival.released_s is None:
                arrival.last_arrived_s = now
                arrival.packets += 1
            self._book.arrived(packet.ssrc, packet.sequence_number, now)
            await original(packet, arrival_time_ms)

        return handle_rtp_packet

    def _released(self, timestamp: int) -> None:
        self._last_released = timestamp
        arrival = self._arrivals.get(timestamp)
        if arrival is not None:
            arrival.released_s = self._clock.now()

    def _around_put(self, original: Callable[[Any], None]) -> Callable[[Any], None]:
        def put(task: Any) -> None:
            if task is not None:  # aiortc counts timestamps from its first frame
                self._raw_of[task[1].timestamp] = self._last_released
                if len(self._raw_of) > MINUTE_OF_FRAMES:
                    del self._raw_of[next(iter(self._raw_of))]
            original(task)

        return put

    def _decoded(self, frame: Any, at_s: float) -> None:
        self._first("first_frame")
        number = read_frame(frame) if self._stamped and isinstance(frame, VideoFrame) else None
        timestamp = self._raw_of.pop(frame.pts, None)
        if self._tap.recording:
            arrival = self._arrivals.pop(timestamp, None) if timestamp is not None else None
            details = _details(frame)
            self._write(timestamp, arrival, number, at_s, details)
            if isinstance(frame, AudioFrame):
                self._chirps.hear(timestamp, frame)
        elif timestamp is not None:
            self._arrivals.pop(timestamp, None)
        self._on_decoded(frame, number, at_s)

    def _heard(self, timestamp: int | None, number: int) -> None:
        if timestamp is not None:  # one more half of the row that it is joined to
            self._tap.add(
                "audio",
                track=self.track,
                receiver=self._peer,
                rtp_timestamp=timestamp,
                marker=number,
            )

    def _write(
        self,
        timestamp: int | None,
        arrival: _Arrival | None,
        number: int | None,
        decoded_s: float | None,
        details: dict[str, Any],
    ) -> None:
        if not self._tap.recording:
            return
        common = {
            "track": self.track,
            "frame": number,
            "receiver": self._peer,
            "rtp_timestamp": timestamp,
            "released_s": None if arrival is None else arrival.released_s,
            "decoded_s": decoded_s,
            **details,
        }
        if self.track.endswith(":audio"):
            arrived = None if arrival is None else arrival.last_arrived_s
            fate = None if decoded_s is None else "shown"
            self._tap.add("audio", **common, arrived_s=arrived, fate=fate)
            return
        self._tap.add(
            "frames",
            **common,
            first_arrived_s=None if arrival is None else arrival.first_arrived_s,
            last_arrived_s=None if arrival is None else arrival.last_arrived_s,
            fate=None if decoded_s is None else self._fate(number),
        )

    def _fate(self, number: int | None) -> str:
        return "unreadable" if self._stamped and number is None else "shown"


def _just_call(add: Callable[[Any], Any], packet: Any) -> Any:
    return add(packet)


def _buffer_error(buffer: Any, error: Exception) -> LabError:
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, NeverReturned):
        said = str(error)
    # The text of a class that was written in a cell is not here, only its line's number.
    place = _("It happened in line {line}.") if not last.line else _(
        "It happened in line {line}: {code}."
    )  # fmt: skip
    return CallError(
        _("The jitter buffer {name} failed in add(): {error}.").format(
            name=type(buffer).__name__, error=said
        ),
        place.format(line=last.lineno, code=last.line),
        _("Mend the class and start the call again."),
    )


def _details(frame: Any) -> dict[str, Any]:
    if isinstance(frame, AudioFrame):
        return {"level_dbfs": level_dbfs(mono(frame)), "concealed": False}
    return {"width": frame.width, "height": frame.height}


def level_dbfs(samples: NDArray[np.float64]) -> float | None:
    """Return the level of samples between -1 and 1 in dBFS; None for digital silence."""
    power = float(np.mean(np.square(samples)))
    return 10 * math.log10(power) if power > 0 else None
