"""The examiner's picture: the test pattern, with a number that nobody knows beforehand."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from labkit.media.sources import PictureReader, TestPattern, VideoSource
from labkit.media.stamp import planes

__all__ = ["NoncePattern", "new_nonce"]

INK, PAPER, GREY = 16, 235, 128


def new_nonce() -> str:
    """Return four digits, none of them alike, so that each can be told on a small screen."""
    return "".join(secrets.SystemRandom().sample("0123456789", 4))


@dataclass(frozen=True)
class NoncePattern(VideoSource):
    """The test pattern with large digits in the middle.

    Args:
        nonce: The digits.
        width: Pixels.
        height: Pixels.
        fps: Pictures per second.
    """

    nonce: str
    width: int = 640
    height: int = 480
    fps: int = 15

    def open(self) -> PictureReader:
        """Return the reader that draws it."""
        return _NonceReader(self)

    def describe(self) -> str:
        """Return it in a few words."""
        return f"number {self.nonce}, {self.width}x{self.height}@{self.fps}"


class _NonceReader(PictureReader):
    def __init__(self, source: NoncePattern) -> None:
        self._below = TestPattern(source.width, source.height, source.fps).open()
        self._label = _label(source.nonce, source.height // 4)
        height, width = self._label.shape
        self._top = (source.height - height) // 2 & ~1
        self._left = (source.width - width) // 2 & ~1

    def picture(self, k: int) -> av.VideoFrame:
        frame = self._below.picture(k)
        height, width = self._label.shape
        y, *colours = planes(frame)
        y[self._top : self._top + height, self._left : self._left + width] = self._label
        for colour in colours:
            top, left = self._top // 2, self._left // 2
            colour[top : top + height // 2, left : left + width // 2] = GREY
        return frame

    def close(self) -> None:
        self._below.close()


def _label(text: str, size: int) -> Any:
    """Return the text as luma with even sides, uint8."""
    font = ImageFont.load_default(size)
    width = round(font.getlength(text) * 1.2) + 2 & ~1
    picture = Image.new("L", (width, round(size * 1.3) + 1 & ~1), PAPER)
    middle = (picture.width / 2, picture.height / 2)
    ImageDraw.Draw(picture).text(middle, text, INK, font, anchor="mm")
    return np.asarray(picture)
