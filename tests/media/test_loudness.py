"""Loudness against the values that the standard gives for a sine."""

from __future__ import annotations

import math

import numpy as np
import pytest

from labkit.errors import BadValue
from labkit.media import loudness_lufs


def sine(hz: float, rate: int, level_dbfs: float = -20.0, seconds: float = 2.0) -> np.ndarray:
    at = np.arange(round(seconds * rate)) / rate
    samples: np.ndarray = 32767 * 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * hz * at)
    return samples.astype(np.int16)


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize("level_dbfs", [0.0, -20.0])
def test_a_sine_of_997_hz_has_its_level(rate: int, level_dbfs: float) -> None:
    found = loudness_lufs(sine(997, rate, level_dbfs), rate)
    assert found == pytest.approx(level_dbfs - 3.01, abs=0.1)


def test_low_tones_are_less_loud_and_high_ones_more() -> None:
    low, high = (loudness_lufs(sine(hz, 48_000), 48_000) for hz in (60, 4000))
    assert low < -25 < -21 < high


def test_pauses_do_not_count() -> None:
    tone = sine(997, 48_000)
    with_pause = np.concatenate([tone, np.zeros(4 * 48_000, np.int16), tone])
    assert loudness_lufs(with_pause, 48_000) == pytest.approx(-23, abs=0.5)  # -26 with them


def test_silence_has_none() -> None:
    assert math.isnan(loudness_lufs(np.zeros(48_000, np.int16), 48_000))


@pytest.mark.parametrize("wrong", [np.zeros((2, 48_000), np.int16), np.zeros(48_000), sine(1, 9)])
def test_what_cannot_be_measured_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(BadValue, match="cannot be measured"):
        loudness_lufs(wrong, 48_000)
