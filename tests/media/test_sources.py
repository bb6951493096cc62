"""The test pattern, and what every source of pictures has in common."""

from __future__ import annotations

import io
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from aiortc.codecs.vpx import Vp8Encoder
from PIL import Image

import labkit as lab
from labkit.errors import BadValue
from labkit.media import TestPattern, check_video_source, read_frame
from labkit.media.stamp import luma_of, planes


def test_a_pattern_describes_itself() -> None:
    pattern = TestPattern(640, 480, fps=25)
    assert repr(pattern) == "TestPattern(width=640, height=480, fps=25, seed=1)"
    assert pattern.describe() == "test pattern 640x480@25 seed 1"
    assert lab.TestPattern is TestPattern


def test_a_pattern_travels_small() -> None:
    pattern = TestPattern(320, 240)
    data = pickle.dumps(pattern)
    assert len(data) < 300
    assert pickle.loads(data) == pattern


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 158},
        {"width": 641},
        {"width": 3842},
        {"width": 640.0},
        {"height": 118},
        {"height": 2162},
        {"height": 241},
        {"fps": 0},
        {"fps": 61},
        {"fps": 29.97},
        {"fps": True},
        {"seed": -1},
        {"seed": "x"},
    ],
)
def test_bad_values_are_refused_with_their_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match=next(iter(wrong))) as caught:
        TestPattern(**wrong)
    assert "from" in caught.value.next_step
    assert ("2 x 2" in caught.value.why) == (wrong in ({"width": 641}, {"height": 241}))


@pytest.mark.parametrize("size", [(160, 120), (640, 480), (426, 240), (160, 2160), (3840, 120)])
def test_every_size_is_drawn(size: tuple[int, int]) -> None:
    with TestPattern(*size).open() as reader:
        for k in (0, 1, 12_345_678):
            frame = reader.picture(k)
            assert (frame.width, frame.height, frame.format.name) == (*size, "yuv420p")
            assert luma_of(frame).min() >= 16 and luma_of(frame).max() <= 235


def test_the_same_seed_gives_the_same_pictures_and_another_does_not() -> None:
    def pixels(seed: int, k: int) -> bytes:
        return TestPattern(320, 240, seed=seed).open().picture(k).to_ndarray().tobytes()

    assert pixels(1, 7) == pixels(1, 7)
    assert pixels(1, 7) != pixels(2, 7)
    assert pixels(1, 7) != pixels(1, 8)


def test_it_moves_and_is_noisy_and_colourful() -> None:
    reader = TestPattern().open()
    first, second = (planes(reader.picture(k)) for k in (10, 11))
    change = first[0][40:].astype(int) - second[0][40:]
    assert (change != 0).mean() > 0.8
    assert first[1].std() > 30 and first[2].std() > 30


def test_the_strip_is_free_until_it_is_stamped() -> None:
    reader = TestPattern().open()
    y, u, v = planes(reader.picture(5))
    assert (y[:32] == 16).all() and (u[:16] == 128).all() and (v[:16] == 128).all()
    assert read_frame(reader.picture(5)) is None


def test_a_source_shows_itself_in_a_cell() -> None:
    png = TestPattern(320, 240)._repr_png_()
    assert png is not None
    assert Image.open(io.BytesIO(png)).size == (320, 240)


def test_the_still_carries_its_number_as_stamp_and_as_digits() -> None:
    one, two = (np.asarray(TestPattern().image(k)).astype(int) for k in (111_111, 888_888))
    strip = abs(one - two)[:32].max()
    digits = abs(one - two)[330:390, 24:300].max()
    assert strip > 200 and digits > 200


def test_there_is_no_still_before_the_first() -> None:
    with pytest.raises(BadValue, match="no picture -1"):
        TestPattern().image(-1)


@pytest.mark.parametrize("wrong", ["clip.mp4", None, 5, lab.Tone(), TestPattern])
def test_what_is_no_source_of_video_is_refused(wrong: object) -> None:
    with pytest.raises(BadValue, match="no source of video"):
        check_video_source(wrong)
    assert check_video_source(TestPattern()) == TestPattern()


@pytest.mark.parametrize("target", [500_000, 1_000_000, 1_500_000])
def test_vp8_is_neither_starved_nor_overloaded(target: int) -> None:
    encoder = Vp8Encoder()
    encoder.target_bitrate = target
    reader = TestPattern().open()
    made = []
    for k in range(90):
        frame = reader.picture(k)
        frame.pts, frame.time_base = k * 3000, Fraction(1, 90_000)
        made.append(sum(map(len, encoder.encode(frame)[0])))
    assert sum(made[30:]) * 8 * 30 / 60 == pytest.approx(target, rel=0.15)
