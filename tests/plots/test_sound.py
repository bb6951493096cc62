"""Figures of sound: the tone is where it must be, and what is missing is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from labkit import plots
from labkit.codecs import Sound
from labkit.errors import BadValue


def tone(hz: float, rate: int = 16_000, seconds: float = 1.0, peak: float = 0.1) -> Sound:
    at = np.arange(round(seconds * rate)) / rate
    return Sound(np.rint(32767 * peak * np.sin(2 * np.pi * hz * at)).astype(np.int16), rate)


SILENCE = Sound(np.zeros(16_000, np.int16), 16_000)


def test_a_tone_is_a_line_at_its_frequency_and_level() -> None:
    figure, axes = plots.plot_spectrogram(tone(2000), title="mine")
    figure.draw_without_rendering()
    (image,) = axes.get_images()
    levels = np.asarray(image.get_array())
    assert levels[:, 10].argmax() * 50 == 2000  # windows of 20 ms: steps of 50 Hz
    assert levels.max() == pytest.approx(-20, abs=0.1)
    assert image.get_extent() == [0.0, 1.0, 0.0, 8.0]
    assert (axes.get_title(), axes.get_ylabel()) == ("mine", "Frequency (kHz)")
    assert "0.00% of the power above 4 kHz" in plots.alt_text(figure)


def test_high_sound_is_told_as_such() -> None:
    figure, _axes = plots.plot_spectrogram(tone(6000))
    assert "100.00% of the power above 4 kHz, 0.00% of the power above 8 kHz" in plots.alt_text(
        figure
    )


def test_silence_and_very_short_sounds_are_told() -> None:
    figure, _axes = plots.plot_spectrogram(SILENCE)
    figure.draw_without_rendering()
    assert "Silence" in plots.alt_text(figure)
    figure, _axes = plots.plot_spectrogram(Sound(SILENCE.samples[:10], 16_000))
    figure.draw_without_rendering()
    assert "too short" in plots.alt_text(figure)


def test_many_spectrograms_share_their_colours_and_axes() -> None:
    sounds = {"high": tone(3000), "low": tone(500, rate=8000), "none": SILENCE, "two": tone(200)}
    figure, places = plots.plot_spectrograms(sounds, top_hz=6000)
    figure.draw_without_rendering()
    assert [axes.get_title() for axes in places] == list(sounds)
    assert len({image.get_clim() for axes in places for image in axes.get_images()}) == 1
    assert {axes.get_ylim() for axes in places} == {(0, 6)}
    # What a sound of 8000 samples a second cannot have stays empty.
    assert places[1].get_images()[0].get_extent()[3] == 4.0
    assert plots.alt_text(figure).count("Spectrogram") == 4
    # The lowest of each column tells the time, also where there is an empty place below it.
    assert [axes.get_xlabel() for axes in places] == ["", "Time (s)", "Time (s)", "Time (s)"]
    assert all(label.get_visible() for label in places[1].get_xticklabels())


def test_waveforms_show_what_was_lost() -> None:
    broken = tone(1000)
    broken.samples[8000:8320] = 0
    figure, places = plots.plot_waveforms(
        {"whole": tone(1000), "broken": broken}, from_s=0.45, to_s=0.6, lost=[(0.5, 0.52)]
    )
    figure.draw_without_rendering()
    lines = [axes.get_lines()[0] for axes in places]
    assert [line.get_xdata()[0] for line in lines] == [0.45, 0.45]
    hole = lines[1].get_ydata()[(lines[1].get_xdata() >= 0.5) & (lines[1].get_xdata() < 0.52)]
    assert (hole == 0).all()
    assert [patch.get_gid() for patch in places[0].patches] == ["lost"]
    text = plots.alt_text(figure)
    assert "whole: -23 dBFS altogether, -23 dBFS where packets were lost, 0.50 to 0.52 s" in text
    assert "silence where packets were lost" in text


@pytest.mark.parametrize("plot", [plots.plot_spectrograms, plots.plot_waveforms])
@pytest.mark.parametrize("wrong", [{}, {"a": None}, {"a": SILENCE.samples}])
def test_what_is_no_sound_is_refused(plot: Any, wrong: Any) -> None:
    with pytest.raises(BadValue, match="no sound"):
        plot(wrong)


def test_a_time_axis_without_length_is_refused() -> None:
    with pytest.raises(BadValue, match="from 2 to 1 s"):
        plots.plot_waveforms({"a": SILENCE}, from_s=2)
