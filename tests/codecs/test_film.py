"""The made-up film: the same for the same seed, moving, and harder than the test pattern."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.codecs import compare_video, film_like, read_clip
from labkit.errors import BadValue
from labkit.media import TestPattern


def test_the_same_seed_makes_the_same_pictures() -> None:
    one, same, other = (film_like(0.1, width=160, height=120, seed=seed) for seed in (1, 1, 2))
    assert (one.pictures == same.pictures).all()
    assert (one.pictures != other.pictures).any()


def test_sizes_are_as_asked() -> None:
    clip = film_like(0.5, width=320, height=240, fps=10)
    assert (len(clip), clip.width, clip.height, clip.fps) == (5, 320, 240, 10)
    assert "seed 1" in repr(clip)


def test_the_wall_moves_by_and_somebody_stays_in_the_middle() -> None:
    clip = film_like(0.5, width=320, height=240, fps=10)
    luma = clip.pictures[:, :240].astype(float)
    top = luma[:, :40]  # above the head there is only wall
    moved = np.abs(top[4, :, :-8] - top[0, :, 8:]).mean()
    stayed = np.abs(top[4] - top[0]).mean()
    assert moved < stayed / 3
    skin = clip.image(4).crop((155, 90, 165, 100)).resize((1, 1)).getpixel((0, 0))
    assert isinstance(skin, tuple)
    assert skin[0] > skin[2] + 40


def test_a_key_frame_costs_more_than_that_of_the_test_pattern() -> None:
    size = {"width": 320, "height": 240}
    clips = film_like(0.2, **size), read_clip(TestPattern(**size), 0.2)
    film, pattern = (
        compare_video(clip, ["vp8"], [1200], xpsnr=False).frames["size_bytes"][0] for clip in clips
    )
    assert film > 1.5 * pattern


@pytest.mark.parametrize(
    "wrong", [{"seconds": 0}, {"seconds": 11}, {"width": 161}, {"height": 4000}, {"fps": 0}]
)
def test_other_clips_cannot_be_made(wrong: dict[str, int]) -> None:
    with pytest.raises(BadValue, match="like a film"):
        film_like(**{"seconds": 0.1, **wrong})
