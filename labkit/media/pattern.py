"""How the test pattern is drawn: everything costly is made once, a picture is a few copies."""

from __future__ import annotations

from functools import lru_cache

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from labkit.media.sources import PictureReader
from labkit.media.stamp import Pixels, planes

__all__ = ["PatternReader"]

NOISE_MARGIN = 64
NOISE_SIGMA = 3.0
"""Strength of the noise in steps of luma; see ``PatternReader`` for what it was chosen by."""

PANEL, INK = 24, 235
CROSSING_S = 8.0
"""Seconds in which the background scrolls by one picture width."""


class PatternReader(PictureReader):
    """Draws ``TestPattern``: a scrolling rainbow, film grain, a bouncing disc, large digits.

    The grain is calibrated so that aiortc's VP8 encoder is neither starved nor overloaded at
    640x480@30: what it makes is within 2 % of every target from 0.25 to 1.5 Mbit/s.

    Args:
        width: Pixels.
        height: Pixels.
        fps: Pictures per second.
        seed: Seed of the noise.
    """

    def __init__(self, width: int, height: int, fps: int, seed: int) -> None:
        self._width, self._height, self._fps = width, height, fps
        self._top = _strip_height(height)
        self._luma, self._blue, self._red = _background(width, height)
        self._noise, self._moves = _noise(width, height, seed)
        unit = min(height, width * 3 // 4)
        self._disc = _Disc(unit // 6 & ~1)
        self._digits = _Digits(unit)

    def picture(self, k: int) -> av.VideoFrame:
        """Return the picture of tick ``k``; any ``k`` from 0, in any order."""
        frame = av.VideoFrame(self._width, self._height, "yuv420p")
        y, u, v = planes(frame)
        self._draw_background(k, y, u, v)
        self._disc.draw(k / self._fps, self._top, y, u, v)
        self._digits.draw(k, k / self._fps, y, u, v)
        self._clear_strip(y, u, v)
        return frame

    def _draw_background(self, k: int, y: Pixels, u: Pixels, v: Pixels) -> None:
        at = round(k * self._width / (2 * CROSSING_S * self._fps)) % (self._width // 2)
        down, right = self._moves[k % len(self._moves)]
        noise = self._noise[down : down + self._height, right : right + self._width]
        # uint8 wraps around, so adding 255 is subtracting 1; the luma leaves room for it.
        np.add(self._luma[:, 2 * at : 2 * at + self._width], noise, out=y)
        u[:] = self._blue[at : at + self._width // 2]
        v[:] = self._red[at : at + self._width // 2]

    def _clear_strip(self, y: Pixels, u: Pixels, v: Pixels) -> None:
        y[: self._top] = 16
        u[: (self._top + 1) // 2] = 128
        v[: (self._top + 1) // 2] = 128


def _strip_height(height: int) -> int:
    return -(-height // 15)


@lru_cache(maxsize=4)
def _background(width: int, height: int) -> tuple[Pixels, Pixels, Pixels]:
    """Two picture widths of rainbow with soft hills of brightness; colour is one row."""
    x = np.arange(width, dtype=np.float32) * np.float32(2 * np.pi / width)
    y = np.linspace(0, 2 * np.pi, height, dtype=np.float32)[:, None]
    hills = np.sin(3 * x + 2 * np.sin(y)) * 0.6 + np.sin(2 * y - 5 * x) * 0.4
    stripes = np.sign(np.sin(8 * x)) * 10
    luma = (122 + 48 * hills + stripes).astype(np.uint8)
    blue, red = (128 + 70 * wave(x[::2]) for wave in (np.cos, np.sin))
    return (
        np.tile(luma, 2),
        np.tile(blue.astype(np.uint8), 2),
        np.tile(red.astype(np.uint8), 2),
    )


def _noise(width: int, height: int, seed: int) -> tuple[Pixels, list[tuple[int, int]]]:
    """A field of grain, larger than the picture, and where each picture cuts its piece."""
    rng = np.random.default_rng(seed)
    shape = (height + NOISE_MARGIN, width + NOISE_MARGIN)
    field = rng.standard_normal(shape, dtype=np.float32) * NOISE_SIGMA
    grain = np.clip(np.rint(field), -32, 32).astype(np.int8).view(np.uint8)
    moves = rng.integers(0, NOISE_MARGIN + 1, (997, 2)).tolist()
    return grain, [(down, right) for down, right in moves]


class _Disc:
    """A shaded ball that bounces off the borders."""

    def __init__(self, size: int) -> None:
        self._size = size
        across = (np.arange(size) + 0.5) * 2 / size - 1
        x, y = across[None, :], across[:, None]
        self._mask = x**2 + y**2 <= 1
        self._colour_mask = self._mask[::2, ::2]
        shine = np.exp(-((x + 0.35) ** 2 + (y + 0.35) ** 2) * 2.5)
        self._luma = (90 + 140 * shine).astype(np.uint8)

    def draw(self, at_s: float, top: int, y: Pixels, u: Pixels, v: Pixels) -> None:
        height, width = y.shape
        left = _bounce(at_s * width * 0.31, width - self._size)
        down = top + _bounce(at_s * height * 0.43, height - top - self._size)
        left, down = left & ~1, down & ~1
        half = self._size // 2
        area = slice(down, down + self._size), slice(left, left + self._size)
        colours = slice(down // 2, down // 2 + half), slice(left // 2, left // 2 + half)
        np.copyto(y[area], self._luma, where=self._mask)
        np.copyto(u[colours], np.uint8(96), where=self._colour_mask)
        np.copyto(v[colours], np.uint8(200), where=self._colour_mask)


def _bounce(way: float, room: int) -> int:
    return room - abs(int(way) % (2 * room) - room)


class _Digits:
    """The frame number, and the seconds below it, on a dark panel at the lower left."""

    def __init__(self, unit: int) -> None:
        self._large = _glyphs(unit // 6)
        self._small = _glyphs(unit // 11)
        self._margin = unit // 24 & ~1

    def draw(self, k: int, at_s: float, y: Pixels, u: Pixels, v: Pixels) -> None:
        number = _line(f"{k % 1_000_000:06d}", self._large)
        seconds = _line(f"{at_s:.2f} s", self._small)
        below, left = y.shape[0] - self._margin & ~1, self._margin
        middle = below - seconds.shape[0]
        above, right = middle - number.shape[0], left + number.shape[1]
        y[above:middle, left:right] = number
        y[middle:below, left:right] = PANEL
        y[middle:below, left : left + seconds.shape[1]] = seconds[:, : number.shape[1]]
        for colour in (u, v):
            colour[above // 2 : below // 2, left // 2 : right // 2] = 128


def _line(text: str, glyphs: dict[str, Pixels]) -> Pixels:
    return np.hstack([glyphs[letter] for letter in text])


@lru_cache(maxsize=8)
def _glyphs(size: int) -> dict[str, Pixels]:
    """Digits, all of one width, each an array of luma with even sides."""
    font = ImageFont.load_default(size)
    height = round(size * 1.15) + 1 & ~1
    digit = round(max(font.getlength(letter) for letter in "0123456789")) + 2 & ~1
    narrow = digit // 2 + 1 & ~1
    return {
        letter: _glyph(letter, font, narrow if letter in ". " else digit, height)
        for letter in "0123456789. s"
    }


def _glyph(
    letter: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int, height: int
) -> Pixels:
    picture = Image.new("L", (width, height), PANEL)
    ImageDraw.Draw(picture).text((width / 2, height / 2), letter, INK, font, anchor="mm")
    return np.asarray(picture)
