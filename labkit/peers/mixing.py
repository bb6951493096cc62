"""An MCU's sending side: draws the newest pictures beside each other, and encodes once for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import Any

import av
from aiortc import RTCRtpSender
from aiortc.codecs.h264 import H264Encoder
from aiortc.codecs.vpx import Vp8Encoder

from labkit.media.mixer import Tiling
from labkit.media.stamp import NUMBERS, stamp_frame
from labkit.media.tracks import CLOCK, VIDEO_CLOCK_HZ, Clock, OnCaptured, Pacer
from labkit.peers import private
from labkit.peers.fanout import Failed, Fanout, Item

__all__ = ["Mixer", "mixer_rate_hz", "whole_encoder"]

PACKETS_BEHIND = 30
SWEEP_S = 2.0
H264_KEY = 5
H264_START = b"\x00\x00\x00\x01"


class _WholeVp8(Vp8Encoder):
    """aiortc's encoder, with its settings; the frame stays in one piece."""

    @classmethod
    def _packetize(cls, buffer: bytes, picture_id: int) -> list[bytes]:
        return [buffer]

    @staticmethod
    def alone(pieces: list[bytes]) -> bool:
        """RFC 6386 section 9.1: the lowest bit of a frame is 0 in a key frame."""
        return pieces[0][0] & 1 == 0


class _WholeH264(H264Encoder):
    """The same for H.264; the pieces are NAL units."""

    @classmethod
    def _packetize(cls, packages: Iterable[bytes]) -> list[bytes]:
        return [H264_START + package for package in packages]

    @staticmethod
    def alone(pieces: list[bytes]) -> bool:
        """Whether one of them is a slice of an IDR picture (RFC 6184 section 1.3)."""
        return any(piece[len(H264_START)] & 0x1F == H264_KEY for piece in pieces)


def whole_encoder(codec: str) -> Any:
    """Return an encoder of aiortc's own settings that leaves the packets to each sender."""
    return {"vp8": _WholeVp8, "h264": _WholeH264}[codec]()


def mixer_rate_hz(fps: int) -> float:
    """Return how often a mixer draws: a little more often than its cameras take pictures.

    Two clocks in life are never quite alike, so the wait for the mixer's next tick takes every
    length in turn, within an hour or so. Clocks of one machine are alike: the wait would be what
    chance made it at the start. This one is faster by a tick in ``SWEEP_S`` seconds (never by
    more than a thirtieth), so that a short recording has every wait in it.

    Args:
        fps: Pictures a second of the cameras.
    """
    return fps + min(1 / SWEEP_S, fps / 30)


class Mixer(Fanout):
    """Draws a mosaic at every tick of its own clock, encodes it once, and gives it to everybody.

    One encoding has one bitrate: the slowest of all receivers decides it, as the lowest
    estimate that their REMB messages tell.

    Args:
        tiling: Where the pictures lie.
        pictures: Returns the newest picture of each tile, None for one that has not come yet.
        fps: Pictures a second of the cameras; ``mixer_rate_hz`` says how many mosaics that makes.
        codec: ``vp8`` or ``h264``.
        on_made: As for ``Fanout``.
        on_failure: As for ``Fanout``.
        clock: The time to live by; tests bring their own.
    """

    depth = PACKETS_BEHIND

    def __init__(
        self,
        tiling: Tiling,
        pictures: Callable[[], Sequence[av.VideoFrame | None]],
        *,
        fps: int,
        codec: str,
        on_made: OnCaptured,
        on_failure: Failed,
        clock: Clock = CLOCK,
    ) -> None:
        super().__init__(on_made, on_failure)
        self.width, self.height, self.fps = tiling.width, tiling.height, fps
        self._busy_s = 0.0
        self._tiling = tiling
        self._pictures = pictures
        self._encoder = whole_encoder(codec)
        self._rate_hz = mixer_rate_hz(fps)
        self._clock = clock
        self._pacer = Pacer(self._rate_hz, clock)
        self._senders: list[RTCRtpSender] = []
        self._key_frame_wanted = False

    def describe(self) -> str:
        """Return the mosaic in a few words."""
        return f"mosaic of {self._tiling.count} {self.width}x{self.height}@{self.fps}"

    @property
    def target_kbps(self) -> float:
        """The encoder's target: the lowest that a receiver can take."""
        return float(self._encoder.target_bitrate) / 1000

    async def busy(self) -> float:
        """Return the seconds that drawing and encoding have taken so far."""
        return self._busy_s

    def want_key_frame(self) -> None:
        """Make the next mosaic a key frame, for everybody."""
        self._key_frame_wanted = True

    def listen_to(self, sender: RTCRtpSender) -> None:
        """Heed what the receiver of this sender asks for: key frames (PLI, FIR), less bitrate."""
        self._senders.append(sender)

        def around(original: Callable[[], None]) -> Callable[[], None]:
            def send_key_frame() -> None:
                original()
                self.want_key_frame()

            return send_key_frame

        private.wrap(sender, "_send_keyframe", around)

    async def make(self) -> Item:
        """Draw, stamp and encode the next mosaic."""
        while True:
            number = await self._pacer.wait(self._pacer.next()) % NUMBERS
            reading, began_s = self._clock.now(), time.perf_counter()
            frame = self._tiling.draw(self._pictures())
            stamp_frame(frame, number)
            frame.pts = int(number * VIDEO_CLOCK_HZ / self._rate_hz)
            frame.time_base = Fraction(1, VIDEO_CLOCK_HZ)
            pieces, pts = await self._encode(frame)
            self._busy_s += time.perf_counter() - began_s
            if pieces:
                packet = av.Packet(b"".join(pieces))
                packet.pts, packet.time_base = pts, Fraction(1, VIDEO_CLOCK_HZ)
                return Item(packet, number, reading, self._encoder.alone(pieces))

    async def _encode(self, frame: av.VideoFrame) -> tuple[list[bytes], int]:
        targets = [e.target_bitrate for e in map(private.encoder_of, self._senders) if e]
        if targets:
            self._encoder.target_bitrate = min(targets)
        key_frame, self._key_frame_wanted = self._key_frame_wanted, False
        loop = asyncio.get_running_loop()
        encoded: tuple[list[bytes], int] = await loop.run_in_executor(
            None, self._encoder.encode, frame, key_frame
        )
        return encoded
