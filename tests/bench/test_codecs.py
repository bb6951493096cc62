"""The row of the codec bench, with a small clip in place of the real one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from labkit.bench import codecs
from labkit.codecs import VIDEO_CODECS, VideoEncoder


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: Any = codecs._compare
    monkeypatch.setattr(codecs, "_compare", lambda: whole(160, 120, 0.1))


def test_the_whole_comparison_is_timed() -> None:
    row = asyncio.run(codecs.whole_comparison(1.0))
    assert row.figures["points"] == 20
    assert 0 < row.figures["first_s"] < row.figures["whole_s"]
    assert f"{row.figures['whole_s']:.1f} s" in row.measured


def test_a_comparison_without_a_codec_is_not_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VIDEO_CODECS, "av1", VideoEncoder("av1", "no_av1", "libdav1d"))
    row = asyncio.run(codecs.whole_comparison(1.0))
    assert row.met is False
    assert "16 of 20 points, without av1" in row.measured


def test_the_delays_are_those_of_theory(monkeypatch: pytest.MonkeyPatch) -> None:
    row = asyncio.run(codecs.chirp_delay(1.0))
    assert row.met, row.measured
    monkeypatch.setitem(codecs.DELAYS, ("opus", 32), (25.0, 0.5))
    assert asyncio.run(codecs.chirp_delay(1.0)).met is False
