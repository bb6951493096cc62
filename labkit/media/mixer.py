"""Many pictures in one: the mosaic that an MCU (multipoint control unit) sends to everybody.

The top of a mosaic is a strip for its own frame number. Below it lie the tiles, each with the
number that its picture brought along, so that a picture can be followed through the mixer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import av

from labkit.errors import BadValue
from labkit.media.stamp import MIN_HEIGHT, MIN_WIDTH, Pixels, luma_of, planes
from labkit.words import _

__all__ = ["Place", "Tiling", "grid", "mosaic_size"]

LARGEST_COUNT = 9
BLACK, NO_COLOUR = 16, 128


@dataclass(frozen=True)
class Place:
    """Where a tile lies in the mosaic, in pixels; all four are even."""

    left: int
    top: int
    width: int
    height: int


def grid(count: int) -> tuple[int, int]:
    """Return columns and rows for ``count`` tiles: as square as can be, wider than high."""
    columns = math.ceil(math.sqrt(count))
    return columns, math.ceil(count / columns)


def mosaic_size(width: int, height: int) -> tuple[int, int]:
    """Return width and height of a mosaic with room for two by two pictures in full size.

    Args:
        width: Of one picture, in pixels.
        height: Of one picture, in pixels.
    """
    high = 2 * height
    while high - _strip(high) < 2 * height:
        high += 2
    return 2 * width, high


def _strip(height: int) -> int:
    """Rows of a picture of ``height`` that its own stamp needs, rounded up to even ones."""
    return 2 * math.ceil(height / 30)


class Tiling:
    """Puts pictures of one size beside each other; more than four of them are made smaller.

    Args:
        count: How many pictures, 1 to 9.
        width: Of one picture, in pixels.
        height: Of one picture, in pixels.

    Raises:
        BadValue: There are too many, or the tiles would be too small for their stamps.
    """

    def __init__(self, count: int, width: int, height: int) -> None:
        if not 1 <= count <= LARGEST_COUNT:
            raise BadValue(
                _("A mosaic of {count} pictures cannot be made.").format(count=count),
                next_step=_("Use 1 to {most} pictures.").format(most=LARGEST_COUNT),
            )
        self.count = count
        self.width, self.height = mosaic_size(width, height)
        columns, rows = grid(count)
        self._cell = self.width // columns, (self.height - _strip(self.height)) // rows
        self._tile = self._tile_size(width, height)
        self.places = tuple(self._place(i % columns, i // columns) for i in range(count))

    def draw(self, pictures: Sequence[av.VideoFrame | None]) -> av.VideoFrame:
        """Return the mosaic as a new yuv420p frame; what is None stays black.

        Args:
            pictures: One frame a tile, of any size and format; they are scaled to their tile.
        """
        frame = av.VideoFrame(self.width, self.height, "yuv420p")
        parts = planes(frame)
        for part, value in zip(parts, (BLACK, NO_COLOUR, NO_COLOUR), strict=True):
            part[:] = value
        for picture, place in zip(pictures, self.places, strict=True):
            if picture is not None:
                _paste(parts, picture, place)
        return frame

    def cut(self, frame: av.VideoFrame, i: int) -> Pixels:
        """Return the brightness of tile ``i`` of a mosaic, as an array that shares its memory."""
        place = self.places[i]
        rows = slice(place.top, place.top + place.height)
        return luma_of(frame)[rows, place.left : place.left + place.width]

    def _tile_size(self, width: int, height: int) -> tuple[int, int]:
        scale = min(1.0, self._cell[0] / width, self._cell[1] / height)
        wide, high = (
            min(2 * round(side * scale / 2), room // 2 * 2)
            for side, room in zip((width, height), self._cell, strict=True)
        )
        if wide < MIN_WIDTH or high < MIN_HEIGHT:
            raise BadValue(
                _("Tiles of {width}x{height} are too small for their frame stamps.").format(
                    width=wide, height=high
                ),
                _("{count} pictures share one mosaic.").format(count=self.count),
                _("Use larger pictures, or fewer of them."),
            )
        return wide, high

    def _place(self, column: int, row: int) -> Place:
        """Return the middle of a cell, moved to even pixels: chroma has half as many."""
        (cell_wide, cell_high), (wide, high) = self._cell, self._tile
        left = column * cell_wide + (cell_wide - wide) // 2
        top = _strip(self.height) + row * cell_high + (cell_high - high) // 2
        return Place(left // 2 * 2, top // 2 * 2, wide, high)


def _paste(parts: tuple[Pixels, Pixels, Pixels], picture: av.VideoFrame, place: Place) -> None:
    small = picture.reformat(place.width, place.height, "yuv420p", threads=1)
    for part, pixels, halved in zip(parts, planes(small), (1, 2, 2), strict=True):
        rows = slice(place.top // halved, (place.top + place.height) // halved)
        columns = slice(place.left // halved, (place.left + place.width) // halved)
        part[rows, columns] = pixels
