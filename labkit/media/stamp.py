"""The frame number that travels in the picture itself: write it, read it.

32 cells in the top left corner carry 24 bits of number and 8 bits of checksum; a second row
below carries the same cells inverted. Sizes are relative to the picture, so that the stamp
survives every scaling. ``docs/stamp.md`` has the format for readers in other languages.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from labkit.errors import BadValue
from labkit.words import _

__all__ = [
    "MIN_HEIGHT",
    "MIN_WIDTH",
    "NUMBERS",
    "Pixels",
    "luma_of",
    "planes",
    "read_frame",
    "read_stamp",
    "stamp_frame",
    "write_stamp",
]

Pixels = NDArray[np.uint8]

NUMBERS = 1 << 24
"""How many frame numbers there are; after the last one comes 0 again."""

CELLS = 32
COLUMNS = 40
ROWS = 30
MIN_WIDTH = 4 * COLUMNS
MIN_HEIGHT = 4 * ROWS
DARK, BRIGHT = 16, 235
MIN_DIFFERENCE = 40

LUMA_FIRST = frozenset(
    {"yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray"}
)
"""Pixel formats whose plane 0 is 8-bit luma, so that no conversion is needed."""


@dataclass(frozen=True)
class _Layout:
    """Where the cells of one picture size are."""

    width: int
    cell_of_column: NDArray[np.intp]
    row_edges: tuple[int, int]
    sample_columns: NDArray[np.intp]
    sample_counts: NDArray[np.int32]
    sample_rows: tuple[slice, slice]


@lru_cache(maxsize=64)
def _layout(height: int, width: int) -> _Layout:
    cells = (np.arange(width) * COLUMNS + COLUMNS // 2) // width
    edges = np.searchsorted((np.arange(height) * ROWS + ROWS // 2) // height, [1, 2])
    columns = np.array([_middle(i, width, COLUMNS) for i in range(CELLS)])
    rows = [slice(*_middle(j, height, ROWS)) for j in (0, 1)]
    counts = (columns[:, 1] - columns[:, 0]) * (rows[0].stop - rows[0].start)
    used = int(np.searchsorted(cells, CELLS))
    return _Layout(
        used,
        cells[:used],
        (int(edges[0]), int(edges[1])),
        columns.ravel(),
        counts.astype(np.int32),
        (rows[0], rows[1]),
    )


def _middle(cell: int, size: int, cells: int) -> tuple[int, int]:
    """First and last + 1 pixel whose centre is in the middle half of a cell."""
    first = -(-((4 * cell + 1) * size - 2 * cells) // (4 * cells))
    end = -(-((4 * cell + 3) * size - 2 * cells) // (4 * cells))
    return first, end


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = _CRC_TABLE[crc ^ byte]
    return crc ^ 0x55


def _crc_step(value: int) -> int:
    for _bit in range(8):
        value = (value << 1) ^ (0x107 if value & 0x80 else 0)
    return value


_CRC_TABLE = bytes(_crc_step(value) for value in range(256))


def write_stamp(luma: Pixels, number: int) -> None:
    """Write a frame number into the top left corner of a picture, in place.

    Args:
        luma: Brightness of shape (height, width), at least 120 x 160, uint8, limited range.
        number: 0 .. 2**24 - 1.

    Raises:
        BadValue: The picture is too small or the number is out of range.
    """
    height, width = luma.shape
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        raise BadValue(
            _("A picture of {width}x{height} is too small for the frame stamp.").format(
                width=width, height=height
            ),
            _("A cell of the stamp needs 4 pixels."),
            _("Use at least {width}x{height}.").format(width=MIN_WIDTH, height=MIN_HEIGHT),
        )
    if not 0 <= number < NUMBERS:
        raise BadValue(
            _("{number} is no frame number.").format(number=number),
            next_step=_("Use 0 to {last}.").format(last=NUMBERS - 1),
        )
    layout = _layout(height, width)
    data = number.to_bytes(3, "big")
    bits = np.unpackbits(np.frombuffer(data + bytes([_crc8(data)]), np.uint8))
    row = np.where(bits, np.uint8(BRIGHT), np.uint8(DARK))[layout.cell_of_column]
    middle, end = layout.row_edges
    luma[:middle, : layout.width] = row
    luma[middle:end, : layout.width] = BRIGHT + DARK - row


def read_stamp(luma: Pixels) -> int | None:
    """Return the frame number that a picture carries, or None if it cannot be trusted.

    A bit is the sign of the difference between a cell and its inverted copy, each the mean of
    the cell's middle half. None means: a difference below 40, a wrong checksum, or a picture
    that is too small.

    Args:
        luma: Brightness of shape (height, width), uint8; any scaling of the stamped picture.
    """
    height, width = luma.shape
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return None
    layout = _layout(height, width)
    upper, lower = (
        luma[rows, : layout.width].sum(axis=0, dtype=np.int32) for rows in layout.sample_rows
    )
    sums = np.add.reduceat(upper - lower, layout.sample_columns)[::2]
    if (np.abs(sums) < MIN_DIFFERENCE * layout.sample_counts).any():
        return None
    data = np.packbits(sums > 0).tobytes()
    return int.from_bytes(data[:3], "big") if _crc8(data[:3]) == data[3] else None


def luma_of(frame: av.VideoFrame) -> Pixels:
    """Return the brightness of a frame as an array that shares the frame's memory.

    Args:
        frame: A frame whose first plane is 8-bit luma (yuv420p, nv12, gray ...).

    Raises:
        BadValue: The pixel format keeps its brightness otherwise.
    """
    if frame.format.name not in LUMA_FIRST:
        raise BadValue(
            _("A {format} picture has no plane of brightness.").format(format=frame.format.name),
            next_step=_("Convert it with frame.reformat(format='yuv420p')."),
        )
    return _pixels(frame.planes[0])


def planes(frame: av.VideoFrame) -> tuple[Pixels, Pixels, Pixels]:
    """Return the three planes of a yuv420p frame as arrays that share its memory."""
    y, u, v = (_pixels(plane) for plane in frame.planes)
    return y, u, v


def _pixels(plane: Any) -> Pixels:
    rows: Pixels = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def stamp_frame(frame: av.VideoFrame, number: int) -> None:
    """Write a frame number into a frame, in place; the frame must be the caller's own.

    Args:
        frame: A frame whose first plane is 8-bit luma, at least 160 x 120.
        number: 0 .. 2**24 - 1.

    Raises:
        BadValue: The picture is too small, of another format, or the number is out of range.
    """
    write_stamp(luma_of(frame), number)


def read_frame(frame: av.VideoFrame) -> int | None:
    """Return the frame number that a frame carries, or None if it cannot be trusted.

    Args:
        frame: A decoded frame of any pixel format; formats without a luma plane are converted.
    """
    if frame.format.name not in LUMA_FIRST:
        frame = frame.reformat(format="gray")
    return read_stamp(luma_of(frame))
