"""Figures of an encoder's choices: what the tables say is what is drawn."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from matplotlib.figure import Figure

from labkit import plots
from labkit.errors import BadValue


def waits() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "codec": ["call", "film"],
            "achieved_kbps": [300.0, 290.0],
            "psnr_db": [30.0, 32.5],
            "delay_frames": [0.0, 13.0],
            "fps": [30, 30],
        }
    )


def shapes() -> pd.DataFrame:
    psnr = {"640×360@30": (22.0, 35.0), "320×180@30": (25.0, 29.0)}
    return pd.DataFrame(
        {"shape": shape, "asked_kbps": rate, "achieved_kbps": rate * 1.1, "psnr_db": value}
        for shape, values in psnr.items()
        for rate, value in zip((75.0, 1200.0), values, strict=True)
    )


def test_a_bar_is_as_long_as_its_wait() -> None:
    figure, axes = plots.plot_encoder_delay(waits())
    figure.draw_without_rendering()
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([0, 13000 / 30])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["call", "film"]
    text = plots.alt_text(figure)
    assert "film: 433 ms (13 frames), 32.5 dB at 290 kbit/s" in text
    assert axes.get_xlabel().endswith("(ms)")


def test_each_shape_is_a_line_and_the_best_are_named() -> None:
    figure, axes = plots.plot_shapes(shapes())
    figure.draw_without_rendering()
    full, small = axes.get_lines()
    assert full.get_xdata().tolist() == pytest.approx([82.5, 1320])
    assert small.get_ydata().tolist() == [25.0, 29.0]
    text = plots.alt_text(figure)
    assert "Best when asked for 75 kbit/s: 320×180@30, 25.0 dB" in text
    assert "Best when asked for 1200 kbit/s: 640×360@30, 35.0 dB" in text


EVERY = [(plots.plot_encoder_delay, waits()), (plots.plot_shapes, shapes())]


@pytest.mark.parametrize(("plot", "table"), EVERY)
def test_given_axes_are_drawn_into(plot: Any, table: pd.DataFrame) -> None:
    axes = Figure().add_subplot()
    axes.set_title("mine")
    figure, drawn = plot(table, ax=axes, color="red")
    assert drawn is axes
    assert figure is axes.figure
    assert axes.get_title() == "mine"


@pytest.mark.parametrize(("plot", "table"), EVERY)
def test_empty_and_other_tables(plot: Any, table: pd.DataFrame) -> None:
    figure, _axes = plot(table.iloc[:0])
    figure.draw_without_rendering()
    assert "Nothing was encoded" in plots.alt_text(figure)
    for wrong in (None, table.drop(columns="psnr_db")):
        with pytest.raises(BadValue, match="no table of the codec bench"):
            plot(wrong)
