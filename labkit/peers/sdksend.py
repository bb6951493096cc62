"""Publishes the lab's sources by the LiveKit SDK: paced by the clock, stamped, checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiortc.mediastreams import MediaStreamError
from livekit import rtc

from labkit.errors import LabError, MediaError
from labkit.media.audio import BLOCK, SAMPLE_RATE
from labkit.media.tracks import AudioSourceTrack, SourceTrack
from labkit.peers.clock import Clock
from labkit.peers.sdkchirps import ChirpBook
from labkit.peers.sendprobe import RECENT_FRAMES
from labkit.run.tap import Tap
from labkit.words import _

__all__ = ["SdkAudioSender", "SdkSender", "SdkVideoSender", "i420_bytes"]

NATIVE_BLOCK = SAMPLE_RATE // 100
"""What the SDK takes at once where it has no queue of its own: 10 ms."""

BLOCKS_A_SECOND = SAMPLE_RATE // BLOCK


class SdkSender:
    """What a sender of either kind has for those who watch a call.

    Args:
        track: Its name in the Run, for instance ``alice:video``.
        on_failure: Called with what ends it before its time.
    """

    def __init__(self, track: str, on_failure: Callable[[LabError], None]) -> None:
        self.track = track
        self.newest: int | None = None
        "Number of the frame captured last."
        self.recent: dict[int, float] = {}
        "When the last frames were captured (seconds of the call), by number."
        self.target_kbps: float | None = None
        "What the encoder aims at, by the SDK's last statistics."
        self._on_failure = on_failure

    def remember(self, number: int, captured_s: float) -> None:
        """Note a captured frame for the live view."""
        self.newest = number
        self.recent[number] = captured_s
        if len(self.recent) > RECENT_FRAMES:
            del self.recent[next(iter(self.recent))]

    async def run(self) -> None:
        """Capture until cancelled; a source that fails is told once."""
        try:
            while True:
                await self._capture()
        except MediaStreamError:
            pass  # stopped
        except LabError as error:
            self._on_failure(error)

    async def _capture(self) -> None:
        raise NotImplementedError


class SdkVideoSender(SdkSender):
    """One video track: each picture carries its number in its pixels and beside them."""

    def __init__(
        self,
        track: str,
        source: Any,
        *,
        tap: Tap,
        clock: Clock,
        first: int = 0,
        on_failure: Callable[[LabError], None],
    ) -> None:
        super().__init__(track, on_failure)
        self._tap = tap
        self._clock = clock
        self._captured = (0, 0.0)
        self._paced = SourceTrack(source, on_captured=self._note, first=first)
        self._native = rtc.VideoSource(source.width, source.height)
        self.local = rtc.LocalVideoTrack.create_video_track(track, self._native)

    async def close(self) -> None:
        """Let the native source go; the track has to be unpublished before."""
        self._paced.stop()
        await self._native.aclose()

    def _note(self, number: int, reading: float) -> None:
        self._captured = (number, reading)

    async def _capture(self) -> None:
        frame = await self._paced.recv()
        number, reading = self._captured
        captured_s = self._clock.at(reading)
        self.remember(number, captured_s)
        picture = rtc.VideoFrame(
            frame.width, frame.height, rtc.VideoBufferType.I420, i420_bytes(frame)
        )
        about = rtc.FrameMetadata(frame_id=number, user_timestamp=int(reading * 1e6))
        self._native.capture_frame(picture, metadata=about)
        if self._tap.recording:
            self._tap.add("frames", track=self.track, frame=number, captured_s=captured_s,
                          width=frame.width, height=frame.height)  # fmt: skip


class SdkAudioSender(SdkSender):
    """One audio track, 20 ms at a time.

    It writes no halves of rows: what arrives cannot be told block by block, and would count as
    lost. Chirps can be told; ``book`` knows when each was captured.
    """

    def __init__(
        self,
        track: str,
        source: Any,
        *,
        clock: Clock,
        book: ChirpBook,
        first: int = 0,
        on_failure: Callable[[LabError], None],
    ) -> None:
        super().__init__(track, on_failure)
        self._clock = clock
        self._book = book
        self._paced = AudioSourceTrack(source, on_captured=self._note, first=first)
        self._native = rtc.AudioSource(SAMPLE_RATE, 1, queue_size_ms=0)  # the clock paces
        self.local = rtc.LocalAudioTrack.create_audio_track(track, self._native)

    async def close(self) -> None:
        """Let the native source go; the track has to be unpublished before."""
        self._paced.stop()
        await self._native.aclose()

    def _note(self, number: int, reading: float) -> None:
        captured_s = self._clock.at(reading)
        self.remember(number, captured_s)
        if number % BLOCKS_A_SECOND == 0:
            self._book.sent(self.track, number, captured_s)

    async def _capture(self) -> None:
        frame = await self._paced.recv()
        samples = frame.to_ndarray().reshape(-1)
        for part in samples.reshape(-1, NATIVE_BLOCK):
            sound = rtc.AudioFrame(part.tobytes(), SAMPLE_RATE, 1, NATIVE_BLOCK)
            await self._native.capture_frame(sound)


def i420_bytes(frame: Any) -> bytes:
    """Return the three planes of a yuv420p frame, one behind the other.

    The SDK reads as many bytes as width and height ask for, and ends the process with a fault
    when there are fewer: so they are counted here.

    Raises:
        MediaError: The frame is of another format, or its size is odd.
    """
    width, height = frame.width, frame.height
    wrong = frame.format.name != "yuv420p" or width % 2 or height % 2
    data = b"" if wrong else frame.to_ndarray().tobytes()
    if len(data) != width * height * 3 // 2:
        raise MediaError(
            _("A picture of {width}x{height} in {format} cannot be published.").format(
                width=width, height=height, format=frame.format.name
            ),
            _("The SDK needs yuv420p of even width and height."),
            _("Let the source make such pictures."),
        )
    return data
