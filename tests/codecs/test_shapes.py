"""Sizes and frame rates are judged as a viewer of the full size sees them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest

from labkit.codecs import Clip, compare_shapes, compare_video, film_like
from labkit.errors import BadValue, MediaError
from tests.codecs.clips import small_clip

FULL, SLOW, SMALL = "320×240@20", "320×240@10", "160×120@20"


@lru_cache
def table() -> pd.DataFrame:
    clip = film_like(0.6, width=320, height=240, fps=20)
    return compare_shapes(clip, [(320, 240, 20), (320, 240, 10), (160, 120, 20)], [1000])


def psnr(shape: str) -> float:
    return float(table().set_index("shape")["psnr_db"][shape])


def test_there_is_a_row_for_each_shape_and_rate() -> None:
    assert table()["shape"].tolist() == [FULL, SLOW, SMALL]
    row = table().iloc[2]
    assert (row["width"], row["height"], row["fps"], row["asked_kbps"]) == (160, 120, 20, 1000)
    assert row["bits_per_pixel"] == pytest.approx(row["achieved_kbps"] * 1000 / (160 * 120 * 20))
    assert table().notna().all(axis=None)


def test_the_full_shape_is_what_compare_video_measures() -> None:
    clip = film_like(0.6, width=320, height=240, fps=20)
    same = compare_video(clip, ["vp8"], [1000], xpsnr=False).summary.iloc[0]
    assert psnr(FULL) == pytest.approx(same["psnr_db"])
    assert table()["achieved_kbps"][0] == pytest.approx(same["achieved_kbps"])


def test_with_much_rate_leaving_out_costs_quality() -> None:
    assert psnr(FULL) > psnr(SMALL) + 1
    assert psnr(FULL) > psnr(SLOW) + 1


def test_left_out_pictures_cost_nothing_where_nothing_moves() -> None:
    still = small_clip()
    still = Clip(np.repeat(still.pictures[:1], 8, axis=0), still.fps, "still")
    whole, half = compare_shapes(still, [(160, 120, 20), (160, 120, 10)], [800])["psnr_db"]
    assert half > whole - 1.5


@pytest.mark.parametrize(
    "shape", [(162, 120, 20), (160, 122, 20), (161, 120, 20), (160, 120, 3), (160, 120, 0)]
)
def test_a_shape_that_the_clip_does_not_have_is_refused(shape: tuple[int, int, int]) -> None:
    with pytest.raises(BadValue, match="cannot be made of"):
        compare_shapes(small_clip(), [shape], [300])


def test_an_encoder_that_refuses_is_told() -> None:
    # SVT-AV1 wants at least 64 pixels a side.
    with pytest.raises(MediaError, match="32x32"):
        compare_shapes(small_clip(), [(32, 32, 20)], [300], codec="av1")
