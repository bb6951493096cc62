"""A clip: the pictures that every encoder of a comparison gets, read once."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
from numpy.typing import NDArray

from labkit.errors import BadValue
from labkit.media import MediaFile, VideoSource, check_video_source
from labkit.words import _

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Clip", "read_clip", "to_image"]

MAX_BYTES = 1 << 30
FIRST_PICTURE_S = 30.0

Pictures = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Clip:
    """Pictures in memory.

    Args:
        pictures: Shape (frames, height * 3 / 2, width), uint8: the planes Y, U and V of
            yuv420p below each other.
        fps: Pictures per second.
        about: What they show, in a few words.
    """

    pictures: Pictures
    fps: int
    about: str

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def width(self) -> int:
        """Pixels."""
        return int(self.pictures.shape[2])

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.pictures.shape[1] * 2 // 3)

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return len(self) / self.fps

    def frame(self, k: int) -> av.VideoFrame:
        """Return picture ``k`` as a new frame that is captured at k/fps."""
        frame = av.VideoFrame.from_ndarray(self.pictures[k], format="yuv420p")
        frame.pts, frame.time_base = k, Fraction(1, self.fps)
        return frame

    def image(self, k: int) -> Image:
        """Return picture ``k`` as a still."""
        return to_image(self.pictures[k])

    def __repr__(self) -> str:
        size = f"{self.width}x{self.height}@{self.fps}"
        return f"<Clip {self.about}: {len(self)} pictures, {size}, {self.duration_s:g} s>"


def to_image(picture: Pictures) -> Image:
    """Return a picture of a clip, shape (height * 3 / 2, width), as a still."""
    frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    image: Image = frame.to_image()  # type: ignore[no-untyped-call]
    return image


def read_clip(
    source: VideoSource | Path | str,
    seconds: float = 4.0,
    *,
    width: int = 640,
    height: int = 360,
    fps: int = 30,
) -> Clip:
    """Read the first seconds of a source into memory; a file is never read past its end.

    Args:
        source: A source of video, or a media file's path.
        seconds: How long, more than 0; all pictures together may take 1 GiB.
        width: Pixels, even, 160 to 3840; for a path only, a source has its own.
        height: Pixels, even, 120 to 2160; for a path only.
        fps: Pictures per second, 1 to 60; for a path only.

    Raises:
        BadValue: An argument is out of its range.
        MediaError: The file cannot be used.
        WaitTimeout: The file gave nothing in time.
    """
    if isinstance(source, (str, Path)):
        source = MediaFile(source, width, height, fps)
    source = check_video_source(source)
    count = _count(source, seconds)
    pictures = np.empty((count, source.height * 3 // 2, source.width), np.uint8)
    with source.open() as reader:
        # A file decodes ahead in a thread, and a call never waits for it; the bench does.
        wait_for = getattr(reader, "wait_for", None)
        for k in range(count):
            if wait_for is not None:
                wait_for(k, FIRST_PICTURE_S)
            pictures[k] = reader.picture(k).to_ndarray()
    return Clip(pictures, source.fps, source.describe())


def _count(source: VideoSource, seconds: float) -> int:
    """Return how many pictures to read."""
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0 < seconds < float("inf"):
        raise BadValue(
            _("A clip of {seconds!r} s cannot be read.").format(seconds=seconds),
            next_step=_("Use a number above 0, for instance 4."),
        )
    seconds = min(seconds, float(getattr(source, "duration_s", seconds)))
    count: int = max(1, round(seconds * source.fps))
    most: int = MAX_BYTES // (source.width * source.height * 3 // 2)
    if count > most:
        raise BadValue(
            _("A clip of {seconds:g} s is too large.").format(seconds=seconds),
            _("All its pictures are kept in memory, at most 1 GiB."),
            _("Use at most {most:.1f} s of {width}x{height}, or a smaller size.").format(
                most=most / source.fps, width=source.width, height=source.height
            ),
        )
    return count
