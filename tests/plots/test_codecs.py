"""The codec bench's figures: what the tables say is what is drawn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from labkit import plots
from labkit.errors import BadValue

RATES = (150.0, 300.0, 600.0, 1200.0)
PSNR = {"h264": (29.5, 33.2, 36.6, 39.9), "vp9": (32.2, 35.2, 38.1, 41.0), "av1": (33, 36, 39, 42)}

Plot = Callable[..., Any]


def summary() -> pd.DataFrame:
    """Return three codecs of which each needs 10 % more than asked."""
    return pd.DataFrame(
        {
            "codec": codec,
            "asked_kbps": rate,
            "achieved_kbps": rate * 1.1,
            "psnr_db": value,
            "ssim": value / 50,
        }
        for codec, values in PSNR.items()
        for rate, value in zip(RATES, values, strict=True)
    )


def frames() -> pd.DataFrame:
    """Return a second of two codecs at two rates; the first frame is large and slow."""
    return pd.DataFrame(
        {
            "codec": codec,
            "asked_kbps": rate,
            "fps": 30,
            "frame": k,
            "size_bytes": 2000 if k else 20_000,
            "key_frame": k == 0,
            "encode_ms": 5.0 if k else 40.0,
        }
        for codec in ("vp8", "av1")
        for rate in (300.0, 600.0)
        for k in range(30)
    )


def legend_of(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_the_achieved_rate_is_on_the_axis_and_bd_rate_in_the_legend() -> None:
    figure, axes = plots.plot_rate_distortion(summary())
    figure.draw_without_rendering()
    (h264, vp9, _av1) = axes.get_lines()
    assert h264.get_xdata().tolist() == pytest.approx([rate * 1.1 for rate in RATES])
    assert vp9.get_ydata().tolist() == list(PSNR["vp9"])
    texts = legend_of(axes)
    assert texts[0] == "h264: the reference"
    assert texts[1].startswith("vp9: -")
    assert "over 67% of the quality" in texts[1]
    assert "PCHIP" in axes.get_legend().get_title().get_text()
    assert "Achieved rate" in axes.get_xlabel()
    assert texts[1] in plots.alt_text(figure)


def test_without_the_reference_or_with_few_points_the_legend_says_so() -> None:
    table = summary()
    _figure, axes = plots.plot_rate_distortion(table[table["codec"] != "h264"])
    assert "vp9: h264 is missing" in legend_of(axes)
    _figure, axes = plots.plot_rate_distortion(table[table["asked_kbps"] > 200], quality="ssim")
    assert "vp9: not defined" in legend_of(axes)
    assert axes.get_ylabel() == "SSIM of luma"


def test_key_frames_are_marked() -> None:
    figure, axes = plots.plot_frame_sizes(frames(), asked_kbps=300)
    figure.draw_without_rendering()
    stars = [line for line in axes.get_lines() if line.get_gid() == "key frames"]
    assert [(star.get_xdata().tolist(), star.get_ydata().tolist()) for star in stars] == [
        ([0.0], [20.0])
    ] * 2
    assert "300 kbit/s" in axes.get_title()
    assert any(text.startswith("every frame the same: 1.2") for text in legend_of(axes))


def test_the_budget_is_the_time_to_the_next_frame() -> None:
    figure, axes = plots.plot_encode_time(frames())
    figure.draw_without_rendering()
    (budget,) = [line for line in axes.get_lines() if line.get_gid() == "budget"]
    assert budget.get_ydata()[0] == pytest.approx(1000 / 30)
    assert "600 kbit/s" in axes.get_title()
    assert "vp8: mean 6.2 ms, 1 of 30 too late" in legend_of(axes)


def test_five_codecs_are_told_apart_by_more_than_colour() -> None:
    names = ["vp8", "h264", "vp9", "h265", "av1"]
    table = pd.concat([frames()[:30].assign(codec=name) for name in names])
    _figure, axes = plots.plot_encode_time(table)
    looks = [(line.get_linestyle(), line.get_marker()) for line in axes.get_lines()]
    assert len(set(looks)) == len(names) + 1


EVERY = [
    (plots.plot_rate_distortion, summary()),
    (plots.plot_frame_sizes, frames()),
    (plots.plot_encode_time, frames()),
]


@pytest.mark.parametrize(("plot", "table"), EVERY)
def test_given_axes_keep_what_was_set(plot: Plot, table: pd.DataFrame) -> None:
    axes = Figure().add_subplot()
    axes.set_title("mine")
    axes.set_xlabel("my x")
    figure, drawn = plot(table, ax=axes, color="red")
    assert figure is axes.figure
    assert drawn is axes
    assert (axes.get_title(), axes.get_xlabel()) == ("mine", "my x")
    assert axes.get_lines()[0].get_color() == "red"
    assert plots.alt_text(figure)


@pytest.mark.parametrize(("plot", "table"), EVERY)
def test_nothing_is_said(plot: Plot, table: pd.DataFrame) -> None:
    figure, _axes = plot(table[:0])
    assert "Nothing was encoded" in plots.alt_text(figure)


@pytest.mark.parametrize(("plot", "table"), EVERY)
def test_another_table_is_refused(plot: Plot, table: pd.DataFrame) -> None:
    for wrong in (pd.DataFrame({"a": [1]}), None):
        with pytest.raises(BadValue, match="no table of the codec bench"):
            plot(wrong)


def test_a_rate_that_is_not_there_is_refused() -> None:
    for plot in (plots.plot_frame_sizes, plots.plot_encode_time):
        with pytest.raises(BadValue, match="Use one of: 300, 600"):
            plot(frames(), asked_kbps=500)
