"""Tracks that aiortc can send, fed by a source and paced by the clock.

A tick that was missed is skipped with its number; nothing is ever sent in a burst.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from fractions import Fraction
from time import perf_counter
from typing import Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from labkit.media.audio import BLOCK, SAMPLE_RATE, AudioSource
from labkit.media.sources import VideoSource
from labkit.media.stamp import NUMBERS, stamp_frame

__all__ = ["AudioSourceTrack", "Clock", "OnCaptured", "Pacer", "SourceTrack", "VIDEO_CLOCK_HZ"]

VIDEO_CLOCK_HZ = 90_000

OnCaptured = Callable[[int, float], None]
"""Takes the number of a frame and ``time.perf_counter()`` at its capture."""


class Clock:
    """The time that tracks live by: ``perf_counter()``, and waiting on the running loop."""

    def now(self) -> float:
        """Return the seconds of one monotonic clock."""
        return perf_counter()

    async def sleep(self, seconds: float) -> None:
        """Wait for some seconds."""
        await asyncio.sleep(seconds)


CLOCK = Clock()


class Pacer:
    """Steady ticks, and which of them comes next.

    Args:
        rate_hz: Ticks per second.
        clock: Where the time comes from.
    """

    def __init__(self, rate_hz: float, clock: Clock) -> None:
        self._rate_hz = rate_hz
        self._clock = clock
        self._start_s: float | None = None
        self._last = -1

    def next(self) -> int:
        """Choose the tick to prepare for: the one that is due, or the one after the last."""
        if self._start_s is None:
            self._start_s = self._clock.now()
        return max(self._last + 1, self._due(self._start_s))

    async def wait(self, k: int) -> int:
        """Wait for tick ``k`` and return the tick that it has become by then."""
        assert self._start_s is not None
        due_s = self._start_s + k / self._rate_hz
        await self._clock.sleep(max(0.0, due_s - self._clock.now()))
        self._last = max(k, self._due(self._start_s))
        return self._last

    def _due(self, start_s: float) -> int:
        return int((self._clock.now() - start_s) * self._rate_hz)


class _PacedTrack(MediaStreamTrack):
    """What the two tracks share: a reader, ticks, and the moment of capture."""

    def __init__(
        self, reader: Any, rate_hz: float, on_captured: OnCaptured | None, clock: Clock, first: int
    ) -> None:
        super().__init__()
        self._first = first
        self._reader = reader
        self._pacer = Pacer(rate_hz, clock)
        self._on_captured = on_captured
        self._clock = clock

    def stop(self) -> None:
        """End the track and close the source's reader."""
        super().stop()
        self._reader.close()

    def _check_live(self) -> None:
        if self.readyState != "live":
            raise MediaStreamError

    async def _tick(self, k: int) -> int:
        self._check_live()
        now = await self._pacer.wait(k)
        self._check_live()
        return now

    def _captured(self, frame: Any, number: int, captured_s: float, pts: int, hz: int) -> None:
        frame.pts = pts
        frame.time_base = Fraction(1, hz)
        if self._on_captured:
            self._on_captured(number, captured_s)


class SourceTrack(_PacedTrack):
    """A video track that shows a source, with the frame number stamped into each picture.

    Pictures are drawn before their tick and stamped after it, so that drawing is not part of
    any latency. Numbers count ticks from ``first`` on, modulo 2**24.

    Args:
        source: What to show.
        on_captured: Called at each tick with the frame's number and ``perf_counter()``.
        stamp: Whether to write the number into the picture.
        clock: The time to live by; tests bring their own.
        first: Number of the first tick; more than 0 where others have been used up.
    """

    kind = "video"

    def __init__(
        self,
        source: VideoSource,
        *,
        on_captured: OnCaptured | None = None,
        stamp: bool = True,
        clock: Clock = CLOCK,
        first: int = 0,
    ) -> None:
        super().__init__(source.open(), source.fps, on_captured, clock, first)
        self.source = source
        self._stamp = stamp

    async def recv(self) -> av.VideoFrame:
        """Return the next picture, at its tick.

        Raises:
            MediaStreamError: The track was stopped.
        """
        self._check_live()
        k = self._pacer.next()
        frame: av.VideoFrame = self._reader.picture(k)
        now = await self._tick(k)
        if now != k:
            frame = self._reader.picture(now)
        captured_s = self._clock.now()
        number = (self._first + now) % NUMBERS
        if self._stamp:
            stamp_frame(frame, number)
        pts = now * VIDEO_CLOCK_HZ // self.source.fps
        self._captured(frame, number, captured_s, pts, VIDEO_CLOCK_HZ)
        return frame


class AudioSourceTrack(_PacedTrack):
    """An audio track that plays a source: 20 ms of 16-bit mono at 48 kHz a frame.

    Args:
        source: What to play.
        on_captured: Called at each tick with the frame's number and ``perf_counter()``;
            the frame's samples end at that moment, as they would from a microphone.
        clock: The time to live by; tests bring their own.
        first: Number of the first tick, as for a ``SourceTrack``.
    """

    kind = "audio"

    def __init__(
        self,
        source: AudioSource,
        *,
        on_captured: OnCaptured | None = None,
        clock: Clock = CLOCK,
        first: int = 0,
    ) -> None:
        super().__init__(source.open_audio(), SAMPLE_RATE / BLOCK, on_captured, clock, first)
        self.source = source

    async def recv(self) -> av.AudioFrame:
        """Return the next 20 ms, at their tick.

        Raises:
            MediaStreamError: The track was stopped.
        """
        self._check_live()
        k = await self._tick(self._pacer.next())
        captured_s = self._clock.now()
        samples = self._reader.block(k).reshape(1, BLOCK)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        self._captured(frame, self._first + k, captured_s, k * BLOCK, SAMPLE_RATE)
        return frame
