"""What a source of pictures is, and the test pattern.

A source only *describes*: it is small, frozen and travels to a worker process by pickle.
``source.open()`` gives the reader that makes the pictures.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import av

from labkit.errors import BadValue, MediaError
from labkit.media.stamp import MIN_HEIGHT, MIN_WIDTH, NUMBERS, stamp_frame
from labkit.words import _

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["PictureReader", "TestPattern", "VideoSource", "check_video_source"]

MAX_WIDTH, MAX_HEIGHT, MAX_FPS = 3840, 2160, 60


class PictureReader(ABC):
    """Makes the pictures of one source; a context manager."""

    @abstractmethod
    def picture(self, k: int) -> av.VideoFrame:
        """Return the picture of tick ``k`` as a new yuv420p frame, within a few ms.

        Args:
            k: Number of the tick, from 0; ``k`` never decreases.
        """

    def close(self) -> None:  # noqa: B027  (most readers hold nothing)
        """Let go of everything the reader holds; more than once is fine."""

    def __enter__(self) -> PictureReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class VideoSource(ABC):
    """Base of everything that can be a call's ``video=``.

    A subclass has ``width``, ``height`` (pixels) and ``fps``, and says how to open itself.
    """

    width: int
    height: int
    fps: int

    @abstractmethod
    def open(self) -> PictureReader:
        """Return a reader; close it, or use it as a context manager."""

    @abstractmethod
    def describe(self) -> str:
        """Return the source in a few words, for the tracks of a Run."""

    def image(self, k: int = 0) -> Image:
        """Return tick ``k`` as a still, with its number stamped as in a call.

        Args:
            k: Number of the tick, from 0.

        Raises:
            BadValue: ``k`` is below 0.
        """
        if k < 0:
            raise BadValue(
                _("There is no picture {number}.").format(number=k),
                next_step=_("Pictures are counted from 0."),
            )
        frame = self._still(k)
        stamp_frame(frame, k % NUMBERS)
        picture: Image = frame.to_image()  # type: ignore[no-untyped-call]
        return picture

    def _still(self, k: int) -> av.VideoFrame:
        with self.open() as reader:
            return reader.picture(k)

    def _repr_png_(self) -> bytes | None:
        data = io.BytesIO()
        self.image().save(data, "png")
        return data.getvalue()


def check_size(width: int, height: int, fps: int) -> None:
    """Refuse a size or a rate that the lab cannot make.

    Args:
        width: Pixels, even, 160 to 3840.
        height: Pixels, even, 120 to 2160.
        fps: Pictures per second, 1 to 60.

    Raises:
        BadValue: Names the argument and its range.
    """
    _check_even("width", width, MIN_WIDTH, MAX_WIDTH)
    _check_even("height", height, MIN_HEIGHT, MAX_HEIGHT)
    if not _is_whole(fps) or not 1 <= fps <= MAX_FPS:
        raise BadValue(
            _("fps={value!r} cannot be used.").format(value=fps),
            next_step=_("Use a whole number from 1 to {last}.").format(last=MAX_FPS),
        )


def _check_even(name: str, value: int, first: int, last: int) -> None:
    odd = _("Video codecs store colours for blocks of 2 x 2 pixels.")
    if not _is_whole(value) or not first <= value <= last or value % 2:
        raise BadValue(
            _("{name}={value!r} cannot be used.").format(name=name, value=value),
            odd if _is_whole(value) and value % 2 else "",
            _("Use an even number from {first} to {last}.").format(first=first, last=last),
        )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True)
class TestPattern(VideoSource):
    """A colourful picture that moves and is noisy, with its frame number in large digits.

    The same arguments give the same pictures, pixel for pixel.

    Args:
        width: Pixels, even, 160 to 3840.
        height: Pixels, even, 120 to 2160.
        fps: Pictures per second, 1 to 60.
        seed: Any whole number from 0; the noise follows from it.

    Raises:
        BadValue: An argument is out of its range.
    """

    __test__: ClassVar[bool] = False  # the name must not make pytest collect it

    width: int = 640
    height: int = 480
    fps: int = 30
    seed: int = 1

    def __post_init__(self) -> None:
        check_size(self.width, self.height, self.fps)
        if not _is_whole(self.seed) or self.seed < 0:
            raise BadValue(
                _("seed={value!r} cannot be used.").format(value=self.seed),
                next_step=_("Use a whole number from 0."),
            )

    def open(self) -> PictureReader:
        """Return the reader that draws the pattern."""
        from labkit.media.pattern import PatternReader

        return PatternReader(self.width, self.height, self.fps, self.seed)

    def describe(self) -> str:
        """Return the pattern in a few words."""
        return f"test pattern {self.width}x{self.height}@{self.fps} seed {self.seed}"


def check_video_source(source: Any) -> VideoSource:
    """Return ``source`` if a call can send it as video.

    Raises:
        BadValue: It is no source of pictures.
        MediaError: It is a media file without a video stream.
    """
    names = ("open", "describe", "width", "height", "fps")
    if isinstance(source, type) or not all(hasattr(source, name) for name in names):
        raise BadValue(
            _("{value!r} is no source of video.").format(value=source),
            next_step=_("Use TestPattern() or MediaFile('clip.mp4')."),
        )
    if not getattr(source, "has_video", True):
        raise MediaError(
            _("{source} has no video stream.").format(source=source.describe()),
            _("It only has sound."),
            _("Pass it as audio=, or take a file with pictures."),
        )
    checked: VideoSource = source
    return checked
