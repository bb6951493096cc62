"""A media file as a source of pictures, of sound, or of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from labkit.errors import BadValue, MediaError
from labkit.media.ahead import Ahead
from labkit.media.audio import BLOCK, AudioReader, AudioSource, check_audio_source
from labkit.media.decode import Contents, blocks, look_into, pictures
from labkit.media.sources import PictureReader, VideoSource, check_size, check_video_source
from labkit.media.stamp import planes
from labkit.words import _

__all__ = ["MediaFile"]

FIRST_S = 10.0
STILL_S = 60.0
PICTURES_AHEAD = 8
BLOCKS_AHEAD = 50


@dataclass(frozen=True)
class MediaFile(VideoSource, AudioSource):
    """Any video or audio file that PyAV opens; it plays in a loop.

    Use it as ``video=``, as ``audio=`` or as both. Pictures are turned the right side up, scaled
    into the size with borders, and resampled to ``fps``: picture k is what the file shows at k/fps
    seconds, modulo its length.

    Args:
        path: The file.
        width: Pixels, even, 160 to 3840.
        height: Pixels, even, 120 to 2160.
        fps: Pictures per second, 1 to 60.

    Raises:
        BadValue: A size or the rate is out of its range.
        MediaError: There is no such file, or nothing in it can be decoded.
    """

    path: Path | str
    width: int = 640
    height: int = 480
    fps: int = 30
    _contents: Contents = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_size(self.width, self.height, self.fps)
        if not isinstance(self.path, (str, Path)):
            raise BadValue(
                _("{value!r} is no path of a file.").format(value=self.path),
                next_step=_("Write the name in quotes: MediaFile('clip.mp4')."),
            )
        object.__setattr__(self, "_contents", look_into(Path(self.path)))

    @property
    def has_video(self) -> bool:
        """Whether the file has pictures that can be decoded."""
        return self._contents.has_video

    @property
    def has_audio(self) -> bool:
        """Whether the file has sound that can be decoded."""
        return self._contents.has_audio

    @property
    def duration_s(self) -> float:
        """Seconds after which the file begins again."""
        return float(self._contents.loop_s)

    def open(self) -> PictureReader:
        """Return the reader of the pictures; its thread decodes a little ahead.

        Raises:
            MediaError: The file has no video, or cannot be read any more.
            WaitTimeout: The first picture did not come in time.
        """
        return self._open_pictures()

    def open_audio(self) -> AudioReader:
        """Return the reader of the sound; its thread decodes a second ahead.

        Raises:
            MediaError: The file has no sound, or cannot be read any more.
            WaitTimeout: The first sound did not come in time.
        """
        check_audio_source(self)
        return _SoundReader(self, self._contents)

    def describe(self) -> str:
        """Return the file's name and how it is shown."""
        shown = f" {self.width}x{self.height}@{self.fps}" if self.has_video else ""
        return f"file {Path(self.path).name}{shown}"

    def _open_pictures(self) -> _FileReader:
        check_video_source(self)
        return _FileReader(self, self._contents)

    def _still(self, k: int) -> av.VideoFrame:
        with self._open_pictures() as reader:
            reader.wait_for(k, STILL_S)
            return reader.picture(k)

    def _repr_png_(self) -> bytes | None:
        return super()._repr_png_() if self.has_video else None


class _FileReader(PictureReader):
    def __init__(self, file: MediaFile, contents: Contents) -> None:
        self._width, self._height = file.width, file.height
        make = partial(
            pictures, Path(file.path), contents.loop_s, file.width, file.height, file.fps
        )
        self._ahead = Ahead[av.VideoFrame](make, PICTURES_AHEAD, f"pictures of {file.path}")
        _first(self._ahead)

    def wait_for(self, k: int, timeout_s: float) -> None:
        """Wait until picture ``k`` is decoded; a live track never does."""
        self._ahead.wait_for(k, timeout_s)

    def picture(self, k: int) -> av.VideoFrame:
        """Return the picture of tick ``k``, or the last one before it that is decoded."""
        taken = self._ahead.take(k)
        if taken is None:
            raise MediaError(_("The reader of this media file is closed."))
        return _framed(taken[1], self._width, self._height)

    def close(self) -> None:
        """End the thread that decodes."""
        self._ahead.close()

    def __enter__(self) -> _FileReader:
        return self


class _SoundReader(AudioReader):
    def __init__(self, file: MediaFile, contents: Contents) -> None:
        self._ahead = Ahead[NDArray[np.int16]](
            lambda wanted: blocks(Path(file.path), contents.loop_s),
            BLOCKS_AHEAD,
            f"sound of {file.path}",
        )
        _first(self._ahead)

    def block(self, k: int) -> NDArray[np.int16]:
        """Return block ``k``, or silence when it is not decoded in time."""
        taken = self._ahead.take(k)
        if taken is None or taken[0] != k:
            return np.zeros(BLOCK, np.int16)
        return taken[1]

    def close(self) -> None:
        """End the thread that decodes."""
        self._ahead.close()


def _first(ahead: Ahead[av.VideoFrame] | Ahead[NDArray[np.int16]]) -> None:
    """Wait for the first item, so that a track never waits; leave no thread if it fails."""
    try:
        ahead.wait_for(0, FIRST_S)
    except BaseException:
        ahead.close()
        raise


def _framed(inner: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """A new picture with ``inner`` in the middle of black borders."""
    frame = av.VideoFrame(width, height, "yuv420p")
    left, top = (width - inner.width) // 4, (height - inner.height) // 4
    parts = zip(planes(frame), planes(inner), ((16, 2), (128, 1), (128, 1)), strict=True)
    for plane, part, (black, step) in parts:
        plane[:] = black
        rows, columns = part.shape
        plane[top * step : top * step + rows, left * step : left * step + columns] = part
    return frame
