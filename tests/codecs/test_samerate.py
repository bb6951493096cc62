"""The same rate comes out of every encoder, whatever it has to be asked for."""

from __future__ import annotations

import pytest

from labkit.codecs import VIDEO_CODECS, compare_at_rate, film_like
from labkit.errors import BadValue
from tests.codecs.clips import small_clip


def test_the_rate_comes_out() -> None:
    clip = film_like(1, width=160, height=120, fps=20)
    same = compare_at_rate(clip, 120, ["vp8", "h264"], keep_frames=[3])
    assert same.summary["codec"].tolist() == ["vp8", "h264"]
    assert same.summary["achieved_kbps"].tolist() == pytest.approx([120, 120], rel=0.1)
    assert same.missing == same.failed == {}
    for row in same.summary.itertuples():
        assert same.image(row.codec, row.asked_kbps, 3).size == (160, 120)


def test_what_cannot_be_reached_is_told_by_the_achieved_rate() -> None:
    row = compare_at_rate(small_clip(), 50_000, ["vp8"]).summary.iloc[0]
    assert row["achieved_kbps"] < 45_000


def test_a_failed_encoding_is_kept() -> None:
    broken = VIDEO_CODECS["h264"].changed("broken", {"preset": "nothing"})
    same = compare_at_rate(small_clip(), 300, [broken])
    assert list(same.failed) == [("broken", 300.0)]
    assert same.summary.empty


@pytest.mark.parametrize("rate", [0, 9, 200_000, float("nan")])
def test_a_rate_out_of_range_is_refused(rate: float) -> None:
    with pytest.raises(BadValue, match="cannot be reached"):
        compare_at_rate(small_clip(), rate)
