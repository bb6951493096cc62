"""Something made once for many connections: a camera's picture, or what an MCU has encoded.

Every connection has a sender of its own, and every sender pulls. So one task makes items, and
each connection's track takes the newest one (pictures) or one after the other (encoded ones).
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import av
from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from labkit.errors import CallError, LabError
from labkit.media.stamp import planes
from labkit.media.tracks import OnCaptured, SourceTrack
from labkit.words import _

__all__ = ["Capture", "Fanout", "FanoutTrack", "Item"]

Failed = Callable[[LabError], None]


@dataclass(frozen=True)
class Item:
    """One picture, or one encoded picture."""

    data: Any
    "An ``av.VideoFrame`` or an ``av.Packet``."
    number: int
    "The frame's number."
    reading: float
    "``time.perf_counter()`` at its capture."
    alone: bool = True
    "Whether it can be understood without the ones before it."


class Fanout(ABC):
    """Makes items as long as somebody takes them, and gives each to every track.

    Args:
        on_made: Called once for every item, with its number and its moment of capture.
        on_failure: Called with what ended the making.
    """

    depth = 1
    "How many items a track may be behind; after that it goes on with one that stands alone."

    width: int
    height: int
    fps: int

    def __init__(self, on_made: OnCaptured, on_failure: Failed) -> None:
        self.newest: int | None = None
        self._on_made = on_made
        self._on_failure = on_failure
        self._tracks: list[FanoutTrack] = []
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def make(self) -> Item:
        """Return the next item, at its tick."""

    @abstractmethod
    def describe(self) -> str:
        """Return in a few words what is made, for the tracks of a Run."""

    def want_key_frame(self) -> None:  # noqa: B027  (pictures all stand alone)
        """Make the next item one that stands alone."""

    def track(self, on_captured: OnCaptured) -> FanoutTrack:
        """Return a track for one more connection.

        Args:
            on_captured: Called with number and moment of capture of what the track hands out.
        """
        track = FanoutTrack(self, on_captured)
        self._tracks.append(track)
        return track

    def begin(self) -> None:
        """Start making; the first track that is asked for an item does this."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=self.describe())

    async def close(self) -> None:
        """End the making; the tracks end with their connections."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while True:
                item = await self.make()
                self.newest = item.number
                self._on_made(item.number, item.reading)
                for track in self._tracks:
                    track.put(item)
        except LabError as error:
            self._on_failure(error)
        except Exception as error:
            self._on_failure(_broken(self.describe(), error))


class FanoutTrack(MediaStreamTrack):
    """What one connection sends of a fan-out; made by ``Fanout.track``."""

    kind = "video"

    def __init__(self, fanout: Fanout, on_captured: OnCaptured) -> None:
        super().__init__()
        self._fanout = fanout
        self._on_captured = on_captured
        self._items: deque[Item] = deque()
        self._news = asyncio.Event()
        self._asked = self._must_stand_alone = False

    def put(self, item: Item) -> None:
        """Take an item for the connection; a slow one loses those that it is behind."""
        if not self._asked or self.readyState != "live":
            return
        if len(self._items) >= self._fanout.depth:
            self._items.clear()
            self._start_anew()
        if item.alone or not self._must_stand_alone:
            self._must_stand_alone = False
            self._items.append(item)
            self._news.set()

    async def recv(self) -> Any:
        """Return the next item as aiortc takes it: a picture, or a packet that is encoded.

        Raises:
            MediaStreamError: The track was stopped.
        """
        if not self._asked:
            self._asked = True
            self._start_anew()
            self._fanout.begin()
        while not self._items:
            if self.readyState != "live":
                raise MediaStreamError
            self._news.clear()
            await self._news.wait()
        item = self._items.popleft()
        self._on_captured(item.number, item.reading)
        return _copy(item.data) if isinstance(item.data, av.VideoFrame) else item.data

    def stop(self) -> None:
        """End the track; the others go on."""
        super().stop()
        self._news.set()

    def _start_anew(self) -> None:
        self._must_stand_alone = True
        self._fanout.want_key_frame()


class Capture(Fanout):
    """One camera for all connections of a participant; each of them encodes its pictures itself.

    That is what browsers do too: an encoder belongs to one connection and follows its bitrate.

    Args:
        source: What the camera sees.
        on_made: As for ``Fanout``.
        on_failure: As for ``Fanout``.
    """

    def __init__(self, source: Any, on_made: OnCaptured, on_failure: Failed) -> None:
        super().__init__(on_made, on_failure)
        self.width, self.height, self.fps = source.width, source.height, source.fps
        self._source = source
        self._captured = (0, 0.0)
        self._camera = SourceTrack(source, on_captured=self._note)

    def describe(self) -> str:
        """Return what the source says of itself."""
        return str(self._source.describe())

    async def make(self) -> Item:
        """Return the next picture, at its tick."""
        frame = await self._camera.recv()
        return Item(frame, *self._captured)

    async def close(self) -> None:
        """End the capture and close the source."""
        await super().close()
        self._camera.stop()

    def _note(self, number: int, reading: float) -> None:
        self._captured = number, reading


def _copy(frame: av.VideoFrame) -> av.VideoFrame:
    """Return a picture of its own: encoders mark theirs as a key frame, in place."""
    copy = av.VideoFrame(frame.width, frame.height, "yuv420p")
    for mine, theirs in zip(planes(copy), planes(frame), strict=True):
        mine[:] = theirs
    copy.pts, copy.time_base = frame.pts, frame.time_base
    return copy


def _broken(what: str, error: Exception) -> CallError:
    return CallError(
        _("“{what}” has ended: {kind}: {error}.").format(
            what=what, kind=type(error).__name__, error=error
        ),
        next_step=_("Start again; if it happens twice, run “labkit doctor”."),
    )
