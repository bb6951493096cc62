"""Tiles lie beside each other, and each keeps the number that its picture brought along."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.media import TestPattern
from labkit.media.mixer import Tiling, grid, mosaic_size
from labkit.media.stamp import luma_of, planes, read_frame, read_stamp, stamp_frame

counts = st.integers(1, 9)
widths, heights = st.integers(320, 700), st.integers(200, 500)


def stamped(width: int, height: int, number: int, grey: int = 90) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, "yuv420p")
    for part, value in zip(planes(frame), (grey, grey + 10, grey + 20), strict=True):
        part[:] = value
    stamp_frame(frame, number)
    return frame


@given(counts)
def test_a_grid_has_room_for_all_and_is_as_square_as_can_be(count: int) -> None:
    columns, rows = grid(count)
    assert (rows - 1) * columns < count <= rows * columns
    assert rows <= columns <= rows + 1


@given(counts, widths, heights)
def test_tiles_are_inside_the_mosaic_and_do_not_overlap(
    count: int, width: int, height: int
) -> None:
    tiling = Tiling(count, width, height)
    taken = np.zeros((tiling.height, tiling.width), int)
    for place in tiling.places:
        assert all(side % 2 == 0 for side in (place.left, place.top, place.width, place.height))
        rows = slice(place.top, place.top + place.height)
        columns = slice(place.left, place.left + place.width)
        assert taken[rows, columns].shape == (place.height, place.width)
        taken[rows, columns] += 1
    assert taken.max() == 1
    assert abs(place.width / place.height - width / height) < 0.03 * width / height


@given(counts, widths, heights, st.integers(0, 2**24 - 1))
@settings(max_examples=40, deadline=None)
def test_every_stamp_can_be_read_at_its_place(
    count: int, width: int, height: int, number: int
) -> None:
    tiling = Tiling(count, width, height)
    numbers = [(number + 77 * i) % 2**24 for i in range(count)]
    mosaic = tiling.draw([stamped(width, height, each) for each in numbers])
    stamp_frame(mosaic, 4711)
    assert read_frame(mosaic) == 4711
    assert [read_stamp(tiling.cut(mosaic, i)) for i in range(count)] == numbers


def test_colours_stay_with_their_picture_and_what_is_missing_is_black() -> None:
    tiling = Tiling(2, 320, 180)
    mosaic = tiling.draw([None, stamped(320, 180, 1, grey=120)])
    assert read_stamp(tiling.cut(mosaic, 0)) is None
    assert (tiling.cut(mosaic, 0) == 16).all()
    place = tiling.places[1]
    _y, u, v = planes(mosaic)
    row, column = (place.top + place.height // 2) // 2, (place.left + place.width // 2) // 2
    assert (u[row, column], v[row, column]) == (130, 140)
    assert (tiling.cut(mosaic, 1)[-1] == 120).all()


def test_four_pictures_keep_their_size() -> None:
    assert mosaic_size(320, 180) == (640, 386)
    assert {(p.width, p.height) for p in Tiling(4, 320, 180).places} == {(320, 180)}
    assert {(p.width, p.height) for p in Tiling(6, 320, 180).places} == {(212, 120)}


@pytest.mark.parametrize("count", [0, 10])
def test_a_mosaic_has_its_limits(count: int) -> None:
    with pytest.raises(BadValue, match="1 to 9"):
        Tiling(count, 320, 180)


def test_tiles_that_cannot_carry_a_stamp_are_refused() -> None:
    with pytest.raises(BadValue, match="too small"):
        Tiling(9, 160, 120)


@pytest.mark.parametrize("count", [2, 4, 6, 9])
def test_stamps_survive_scaling_and_encoding(count: int) -> None:
    tiling = Tiling(count, 320, 180)
    readers = [TestPattern(320, 180, fps=15, seed=i).open() for i in range(count)]
    encoder = _vp8(tiling)
    decoder = av.CodecContext.create("libvpx", "r")
    seen = []
    for k in range(30):
        pictures = [reader.picture(k + i) for i, reader in enumerate(readers)]
        for i, picture in enumerate(pictures):
            stamp_frame(picture, k + 100 * i)
        mosaic = tiling.draw(pictures)
        stamp_frame(mosaic, k)
        mosaic.pts = k
        for packet in encoder.encode(mosaic):
            seen += decoder.decode(av.Packet(bytes(packet)))
    assert [read_frame(frame) for frame in seen] == list(range(30))
    for k, frame in enumerate(seen):
        assert [read_stamp(tiling.cut(frame, i)) for i in range(count)] == [
            k + 100 * i for i in range(count)
        ]


def _vp8(tiling: Tiling) -> av.VideoCodecContext:
    """An encoder as strict as a call's: constant 500 kbit/s, real time."""
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = tiling.width, tiling.height, "yuv420p"
    encoder.bit_rate = 500_000
    encoder.framerate, encoder.gop_size = Fraction(15), 3000
    rates = dict.fromkeys(("minrate", "maxrate", "bufsize"), "500000")
    encoder.options = {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0", **rates}
    return encoder


def test_any_format_is_taken() -> None:
    tiling = Tiling(1, 320, 180)
    picture = stamped(320, 180, 9).reformat(format="rgb24")
    mosaic = tiling.draw([picture])
    assert read_stamp(tiling.cut(mosaic, 0)) == 9
    assert luma_of(mosaic).shape == (386, 640)
