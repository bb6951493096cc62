"""What a sender knows of each frame: captured, encoded, first and last packet out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiortc import RTCRtpSender

from labkit.peers import private
from labkit.peers.clock import Clock
from labkit.peers.packetbook import RtpHeader
from labkit.run.tap import Tap

__all__ = ["SendProbe"]

RECENT_FRAMES = 600
"""Frames whose capture time is remembered for the live view: 20 s at 30 frames a second."""


@dataclass
class _Frame:
    frame: int | None = None
    captured_s: float | None = None
    encoded_s: float | None = None
    first_sent_s: float | None = None
    size_bytes: int = 0
    packets: int = 0
    key_frame: bool | None = None


class SendProbe:
    """Follows the frames of one sender and writes its half of each row.

    A sender works on one frame at a time, so "the present frame" needs no look-up.

    Args:
        sender: The aiortc sender; its methods are wrapped on this instance.
        track: Name of the track, for instance ``alice:video``.
        size: Width and height in pixels, None for audio.
        codec: ``VP8``, ``H264`` or an audio codec.
    """

    def __init__(
        self,
        sender: RTCRtpSender,
        track: str,
        *,
        tap: Tap,
        clock: Clock,
        size: tuple[int, int] | None,
        codec: str,
    ) -> None:
        self.track = track
        self.ssrc: int = sender._ssrc
        self.rtx_ssrc: int = sender._rtx_ssrc
        self.recent: dict[int, float] = {}
        self.newest: int | None = None
        self._sender = sender
        self._tap = tap
        self._clock = clock
        self._size = size
        self._codec = codec
        self._present = _Frame()
        private.wrap(sender, "_next_encoded_frame", self._around_encode)

    @property
    def target_kbps(self) -> float | None:
        """The encoder's target, None before the first frame and for encoders without one."""
        target = getattr(private.encoder_of(self._sender), "target_bitrate", None)
        return None if target is None else target / 1000

    def captured(self, frame: int, reading: float) -> None:
        """Note that the source has captured a frame (a ``perf_counter`` reading)."""
        captured_s = self._clock.at(reading)
        self._present = _Frame(frame, captured_s)
        self.newest = frame
        self.recent[frame] = captured_s
        if len(self.recent) > RECENT_FRAMES:
            del self.recent[next(iter(self.recent))]

    def sent(self, header: RtpHeader) -> None:
        """Note that a packet of the present frame went to the transport."""
        now = self._clock.now()
        present = self._present
        if present.first_sent_s is None:
            present.first_sent_s = now
        present.packets += 1
        if header.marker or self._size is None:
            self._write(present, header.timestamp, now)

    def _around_encode(
        self, original: Callable[[Any], Awaitable[Any]]
    ) -> Callable[[Any], Awaitable[Any]]:
        async def next_encoded_frame(codec: Any) -> Any:
            encoded = await original(codec)
            if encoded is not None:
                present = self._present
                present.encoded_s = self._clock.now()
                present.size_bytes = sum(map(len, encoded.payloads))
                present.key_frame = _is_key_frame(self._codec, encoded.payloads)
            return encoded

        return next_encoded_frame

    def _write(self, present: _Frame, rtp_timestamp: int, last_sent_s: float) -> None:
        if not self._tap.recording:
            return
        common = {
            "track": self.track,
            "frame": present.frame,
            "size_bytes": present.size_bytes,
            "rtp_timestamp": rtp_timestamp,
            "captured_s": present.captured_s,
            "encoded_s": present.encoded_s,
        }
        if self._size is None:
            self._tap.add("audio", **common, sent_s=last_sent_s)
        else:
            self._tap.add(
                "frames",
                **common,
                width=self._size[0],
                height=self._size[1],
                packets=present.packets,
                key_frame=present.key_frame,
                first_sent_s=present.first_sent_s,
                last_sent_s=last_sent_s,
            )


def _is_key_frame(codec: str, payloads: list[bytes]) -> bool | None:
    """Read from the first bytes whether a frame can be decoded alone.

    RFC 7741 section 4.3 (VP8: inverse key frame bit behind the descriptor of aiortc's packets)
    and RFC 6184 section 5.2 (H.264: a frame with an IDR slice or parameter sets).
    """
    if codec == "VP8":
        return _vp8_key_frame(payloads[0])
    if codec == "H264":
        return any(_h264_key_payload(payload) for payload in payloads)
    return None


def _vp8_key_frame(payload: bytes) -> bool:
    position = 1
    if payload[0] & 0x80:  # extension byte, and what it announces
        extension = payload[1]
        position = 2
        if extension & 0x80:
            position += 2 if payload[2] & 0x80 else 1
        if extension & 0x40:
            position += 1
        if extension & 0x30:
            position += 1
    return payload[position] & 0x01 == 0


def _h264_key_payload(payload: bytes) -> bool:
    kind = payload[0] & 0x1F
    if kind == 28 and len(payload) > 1:  # FU-A: the type of the fragmented unit
        kind = payload[1] & 0x1F
    if kind == 24 and len(payload) > 3:  # STAP-A: the type of its first unit
        kind = payload[3] & 0x1F
    return kind in (5, 7, 8)
