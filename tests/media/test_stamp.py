"""The frame stamp: every number comes back, through scaling and codecs, or nothing does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.media import TestPattern
from labkit.media.stamp import (
    NUMBERS,
    Pixels,
    read_frame,
    read_stamp,
    stamp_frame,
    write_stamp,
)

DOCS = Path(__file__).parents[2] / "docs" / "stamp.md"
READER = Path(__file__).with_name("read_stamp.mjs")

numbers = st.integers(0, NUMBERS - 1)
sizes = st.tuples(st.integers(160, 700), st.integers(120, 500))


def grey(width: int = 640, height: int = 480) -> Pixels:
    return np.full((height, width), 128, np.uint8)


def stamped(number: int, width: int = 640, height: int = 480) -> Pixels:
    luma = grey(width, height)
    write_stamp(luma, number)
    return luma


def cells_of(number: int) -> int:
    """The 32 cells of row 0, the first in the highest bit, read at the cells' middles."""
    bright = stamped(number)[8, 8:512:16] > 128
    return int("".join("1" if bit else "0" for bit in bright), 2)


def show_cells(cells: int) -> Pixels:
    """A picture whose two rows show these cells, whether they are a number or not."""
    luma = stamped(0)
    row = np.repeat([235 if cells >> (31 - i) & 1 else 16 for i in range(32)], 16)
    luma[:16, :512] = row
    luma[16:32, :512] = 251 - row
    return luma


@given(numbers, sizes)
@settings(deadline=None)
def test_every_number_comes_back_at_every_size(number: int, size: tuple[int, int]) -> None:
    assert read_stamp(stamped(number, *size)) == number


@given(numbers)
@settings(deadline=None)
def test_only_the_strip_is_touched(number: int) -> None:
    luma = stamped(number)
    assert (luma[32:] == 128).all() and (luma[:, 512:] == 128).all()
    assert set(np.unique(luma[:32, :512])) == {16, 235}


@given(numbers, sizes)
@settings(max_examples=50, deadline=None)
def test_survives_scaling(number: int, size: tuple[int, int]) -> None:
    frame = TestPattern(640, 480).open().picture(0)
    stamp_frame(frame, number)
    for width, height in (size, (1280, 960), (320, 240), (422, 316), (320, 180)):
        scaled = frame.reformat(width=width & ~1, height=height & ~1)
        assert read_frame(scaled) == number


@pytest.mark.parametrize("size", [(159, 120), (160, 119), (64, 64)])
def test_a_small_picture_is_refused_and_reads_as_nothing(size: tuple[int, int]) -> None:
    with pytest.raises(BadValue, match="too small"):
        write_stamp(grey(*size), 1)
    assert read_stamp(grey(*size)) is None


@pytest.mark.parametrize("number", [-1, NUMBERS])
def test_a_number_out_of_range_is_refused(number: int) -> None:
    with pytest.raises(BadValue, match="no frame number"):
        write_stamp(grey(), number)


@pytest.mark.parametrize("value", [0, 16, 128, 235, 255])
def test_a_flat_picture_has_no_number(value: int) -> None:
    assert read_stamp(np.full((480, 640), value, np.uint8)) is None


@pytest.mark.parametrize("upside_down", [False, True])
def test_two_flat_bars_are_no_number(upside_down: bool) -> None:
    luma = grey()
    luma[:16], luma[16:32] = (235, 16) if upside_down else (16, 235)
    assert read_stamp(luma) is None


@given(numbers, st.sets(st.integers(0, 31), min_size=1, max_size=3))
@settings(deadline=None)
def test_up_to_three_wrong_bits_are_noticed(number: int, wrong: set[int]) -> None:
    flipped = cells_of(number) ^ sum(1 << bit for bit in wrong)
    assert read_stamp(show_cells(flipped)) is None


@given(st.one_of(numbers, st.integers(1, 24).map(lambda bits: (1 << bits) - 1)))
@settings(deadline=None)
def test_two_neighbours_in_one_strip_are_never_a_third(number: int) -> None:
    following = (number + 1) % NUMBERS
    one, two = cells_of(number), cells_of(following)
    for bit in range(33):
        right = (1 << bit) - 1
        for mixed in ((one & ~right) | (two & right), (two & ~right) | (one & right)):
            assert read_stamp(show_cells(mixed)) in {None, number, following}


@given(numbers, st.integers(0, 2**32 - 1), st.sampled_from([8, 40, 90, 200]))
@settings(max_examples=200, deadline=None)
def test_noise_gives_the_number_or_nothing(number: int, seed: int, strength: int) -> None:
    noise = np.random.default_rng(seed).normal(0, strength, (480, 640))
    damaged = np.clip(stamped(number) + noise, 0, 255).astype(np.uint8)
    assert read_stamp(damaged) in {number, None}


@given(numbers, st.integers(0, 500), st.integers(4, 200))
@settings(deadline=None)
def test_a_covered_strip_gives_the_number_or_nothing(number: int, left: int, width: int) -> None:
    luma = stamped(number)
    luma[:32, left : left + width] = 100
    assert read_stamp(luma) in {number, None}


def test_a_frame_with_padded_rows_is_stamped_in_place() -> None:
    frame = av.VideoFrame(426, 240, "yuv420p")
    assert frame.planes[0].line_size > 426
    stamp_frame(frame, 77)
    assert read_frame(frame) == 77


@pytest.mark.parametrize("pixel_format", ["rgb24", "bgra", "yuvj420p", "nv12", "yuv420p10le"])
def test_other_pixel_formats_can_be_read(pixel_format: str) -> None:
    frame = TestPattern().open().picture(0)
    stamp_frame(frame, 4711)
    assert read_frame(frame.reformat(format=pixel_format)) == 4711


def test_a_format_without_luma_plane_is_not_stamped() -> None:
    with pytest.raises(BadValue, match="rgb24"):
        stamp_frame(av.VideoFrame(640, 480, "rgb24"), 1)


def coded(codec: str, size: tuple[int, int], bit_rate: int, options: dict[str, str]) -> list[int]:
    """Numbers that are read after an encoder and its decoder, at 30 pictures a second."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.width, encoder.height = size
    encoder.pix_fmt, encoder.bit_rate = "yuv420p", bit_rate
    encoder.time_base, encoder.framerate = Fraction(1, 30), Fraction(30)
    encoder.options = options
    decoder = av.CodecContext.create({"libvpx": "vp8", "libx264": "h264"}[codec], "r")
    read = []
    with TestPattern(*size).open() as reader:
        pictures = [reader.picture(k) for k in range(30)]
    for k, frame in enumerate(pictures):
        stamp_frame(frame, 8_388_600 + k)
        frame.pts, frame.time_base = k, Fraction(1, 30)
    for frame in [*pictures, None]:
        for packet in encoder.encode(frame):
            read += [read_frame(decoded) for decoded in decoder.decode(packet)]
    return read + [read_frame(decoded) for decoded in decoder.decode(None)]


REALTIME = {
    "libvpx": {"deadline": "realtime", "cpu-used": "-6", "lag-in-frames": "0"},
    "libx264": {"tune": "zerolatency", "preset": "ultrafast"},
}


@pytest.mark.parametrize("codec", ["libvpx", "libx264"])
@pytest.mark.parametrize(
    ("size", "bit_rate"), [((640, 480), 150_000), ((320, 240), 60_000), ((320, 180), 60_000)]
)
def test_survives_codecs_at_low_bitrate(codec: str, size: tuple[int, int], bit_rate: int) -> None:
    read = coded(codec, size, bit_rate, REALTIME[codec])
    assert read == list(range(8_388_600, 8_388_630))


def test_the_page_and_the_code_agree() -> None:
    vectors = re.findall(r"^\| (\d+) \| `([0-9a-f]{8})` \|$", DOCS.read_text("utf-8"), re.M)
    assert len(vectors) >= 6
    for number, cells in vectors:
        assert cells_of(int(number)) == int(cells, 16)


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.parametrize("size", [(640, 480), (320, 180), (426, 240), (161, 121)])
def test_javascript_reads_the_same(size: tuple[int, int]) -> None:
    rng = np.random.default_rng(5)
    sent = [0, NUMBERS - 1, *rng.integers(0, NUMBERS, 20).tolist()]
    pictures = [stamped(number, *size) for number in sent]
    noisy = [np.clip(p + rng.normal(0, 60, p.shape), 0, 255).astype(np.uint8) for p in pictures]
    pictures += [*noisy, show_like(noisy[0]), np.full_like(noisy[0], 128)]
    answer = subprocess.run(
        ["node", str(READER), *map(str, size)],
        input=b"".join(picture.tobytes() for picture in pictures),
        capture_output=True,
        timeout=30,
        check=True,
    )
    assert json.loads(answer.stdout) == [read_stamp(picture) for picture in pictures]


def show_like(picture: Pixels) -> Pixels:
    """The picture upside down in brightness: every bit is wrong."""
    return 255 - picture
