"""What the LiveKit SDK delivers of a subscribed track, as rows of a Run."""

from __future__ import annotations

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import av
import numpy as np
from livekit import rtc

from labkit.media.audio import BLOCK, SAMPLE_RATE
from labkit.media.stamp import read_stamp
from labkit.peers.chirplistener import ChirpListener
from labkit.peers.clock import Clock
from labkit.peers.receiveprobe import level_dbfs
from labkit.peers.sdkchirps import ChirpBook
from labkit.run.tap import Tap

__all__ = ["SdkAudioReceiver", "SdkPicture", "SdkReceiver", "SdkVideoReceiver", "layer_of"]

CAPACITY = 2
"""Pictures that may wait for Python; older ones are dropped, so that memory does not grow."""

AUDIO_CAPACITY = 50
"""The same for blocks of sound: one second."""

CLOSE_S = 2.0

Decoded = Callable[[str, Any, "int | None", float], None]


class SdkPicture:
    """A decoded picture that becomes an ``av.VideoFrame`` only where somebody looks at it."""

    def __init__(self, frame: rtc.VideoFrame) -> None:
        self.width: int = frame.width
        self.height: int = frame.height
        self._data = frame.data

    def luma(self) -> Any:
        """Return the brightness, shape (height, width), uint8; it shares the picture's memory."""
        size = self.width * self.height
        return np.frombuffer(self._data, np.uint8, size).reshape(self.height, self.width)

    def to_av(self) -> av.VideoFrame:
        """Return the picture as a yuv420p frame."""
        planes = np.frombuffer(self._data, np.uint8)
        if self.width % 2 or self.height % 2:  # PyAV takes even sizes alone
            return av.VideoFrame.from_ndarray(self.luma(), format="gray")
        rows = planes.reshape(self.height * 3 // 2, self.width)
        return av.VideoFrame.from_ndarray(rows, format="yuv420p")

    def reformat(self, **wanted: Any) -> av.VideoFrame:
        """Return the picture in another size or format, as ``av.VideoFrame.reformat``."""
        return self.to_av().reformat(**wanted)


class SdkReceiver:
    """Reads one track after the other under one name: a reconnection brings a new track.

    Args:
        peer: Name of the receiving peer.
        track: Name of what arrives, for instance ``alice:video``.
        on_decoded: As a ``Peer`` takes it.
    """

    waiting_to_decode: int | None = None
    "The SDK decodes where nobody can look."

    def __init__(
        self, peer: str, track: str, *, tap: Tap, clock: Clock, on_decoded: Decoded
    ) -> None:
        self.track = track
        self.delivered = 0
        "Frames that came to Python: to compare with the SDK's frames_decoded."
        self.native: Any = None
        "The ``RemoteTrack`` that is read, None between two."
        self._peer = peer
        self._tap = tap
        self._clock = clock
        self._on_decoded = on_decoded
        self._reading: tuple[Any, asyncio.Task[None]] | None = None

    async def switch(self, native: Any) -> None:
        """Read another track from now on; None stops."""
        await self.stop()
        if native is not None:
            self.native = native
            stream = self._open(native)
            task = asyncio.create_task(self._read(stream), name=f"{self._peer} {self.track}")
            self._reading = (stream, task)

    async def stop(self) -> None:
        """Stop reading; the task goes before its stream, which would never wake it up."""
        self.native = None
        reading, self._reading = self._reading, None
        if reading is None:
            return
        stream, task = reading
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stream.aclose(), CLOSE_S)

    def sweep(self, older_than_s: float = 2.0) -> None:
        """Write down what waits for more than that."""

    async def _read(self, stream: Any) -> None:
        async for event in stream:
            self.delivered += 1
            self._take(event, self._clock.now())

    def _open(self, native: Any) -> Any:
        raise NotImplementedError

    def _take(self, event: Any, at_s: float) -> None:
        raise NotImplementedError


class SdkVideoReceiver(SdkReceiver):
    """A video track; frames are joined to the sender's half by their number.

    Args:
        stamped: Whether its pictures carry a stamp; a camera's do not.
        on_number: Called once when the number in the pixels differs from the one beside them.
    """

    def __init__(
        self, peer: str, track: str, *, stamped: bool, on_number: Callable[[str], None], **rest: Any
    ) -> None:
        super().__init__(peer, track, **rest)
        self.unreadable = 0
        "Pictures whose stamp could not be read."
        self.full_width: int | None = None
        "Width that the publisher said, None where there is one size alone."
        self._stamped = stamped
        self._on_number = on_number
        self._disagreed = False

    def _open(self, native: Any) -> Any:
        return rtc.VideoStream(native, capacity=CAPACITY, format=rtc.VideoBufferType.I420)

    def _take(self, event: Any, at_s: float) -> None:
        picture = SdkPicture(event.frame)
        number = self._number(picture, event.metadata)
        if self._tap.recording:
            self._tap.add(
                "frames",
                track=self.track,
                frame=number,
                receiver=self._peer,
                layer=layer_of(picture.width, self.full_width),
                width=picture.width,
                height=picture.height,
                decoded_s=at_s,
                fate="unreadable" if self._stamped and number is None else "shown",
            )
        self._on_decoded(self.track, picture, number, at_s)

    def _number(self, picture: SdkPicture, metadata: Any) -> int | None:
        if not self._stamped:
            return None
        stamp = read_stamp(picture.luma())
        self.unreadable += stamp is None
        beside = metadata.frame_id if metadata is not None else None
        if stamp is None or beside is None:
            return stamp if beside is None else beside
        if stamp != beside and not self._disagreed:
            self._disagreed = True
            self._on_number(f"{stamp} in the picture, {beside} beside it")
        return stamp


class SdkAudioReceiver(SdkReceiver):
    """An audio track: level and time of each block, and which chirp began in it.

    Blocks wait for a moment before they are written, because a chirp is found only after it.
    """

    def __init__(self, peer: str, track: str, *, book: ChirpBook, **rest: Any) -> None:
        super().__init__(peer, track, **rest)
        self._book = book
        self._blocks: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._chirps = ChirpListener(self._heard)

    def sweep(self, older_than_s: float = 2.0) -> None:
        """Write down the blocks that are older than that."""
        until_s = self._clock.now() - older_than_s
        while self._blocks and next(iter(self._blocks.values()))["decoded_s"] <= until_s:
            _key, values = self._blocks.popitem(last=False)
            self._tap.add("audio", **values)

    def _open(self, native: Any) -> Any:
        return rtc.AudioStream(
            native,
            sample_rate=SAMPLE_RATE,
            num_channels=1,
            frame_size_ms=1000 * BLOCK // SAMPLE_RATE,
            capacity=AUDIO_CAPACITY,
        )

    def _take(self, event: Any, at_s: float) -> None:
        samples = np.frombuffer(event.frame.data, np.int16)
        if self._tap.recording:
            key = self.delivered
            self._blocks[key] = {
                "track": self.track,
                "receiver": self._peer,
                "decoded_s": at_s,
                "level_dbfs": level_dbfs(samples.astype(np.float64) / 32768),
                "fate": "shown",
            }
            block = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "s16", "mono")
            block.sample_rate = SAMPLE_RATE
            self._chirps.hear(key, block)
        self._on_decoded(self.track, event.frame, None, at_s)

    def _heard(self, key: int | None, number: int) -> None:
        values = self._blocks.get(key) if key is not None else None
        if values is None:
            return
        values["marker"] = number
        sent = self._book.heard(self.track, number, values["decoded_s"])
        if sent is not None:
            values["frame"], values["captured_s"] = sent
            values["latency_ms"] = (values["decoded_s"] - sent[1]) * 1000


def layer_of(width: int, full_width: int | None) -> str | None:
    """Return the rid of a simulcast layer by its width: ``f``, ``h`` or ``q``; None: no layers.

    The SDK sends three sizes from 960 pixels on, two from 480 on, else one; the smallest is
    always ``q``.

    Args:
        width: Of the picture that arrived, in pixels.
        full_width: Of the publisher's picture; None where it sends one size.
    """
    if not full_width:
        return None
    rids = "q" if full_width < 480 else "qh" if full_width < 960 else "qhf"
    if width >= 0.95 * full_width:
        return rids[-1]
    return "h" if len(rids) == 3 and width >= 0.4 * full_width else "q"
