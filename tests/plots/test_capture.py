"""Figures of what is captured: the skipped ticks are marked, the bars are the table."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import labkit as lab
from labkit import plots
from labkit.errors import BadValue
from labkit.run.capture import media_cost
from tests.plots.examples import bent_run, clean_run, empty_run, lines_of
from tests.run.test_capture import TRACKS, frames


def late_run() -> lab.Run:
    return lab.Run.from_tables({}, frames=frames([0, 1, 2, 5, 6, 8]), tracks=TRACKS)


def bars_of(ax: Axes) -> list[Rectangle]:
    return [patch for patch in ax.patches if isinstance(patch, Rectangle)]


def test_late_frames_are_marked_and_told() -> None:
    figure, ax = plots.plot_capture_intervals(late_run(), names=["busy"])
    figure.draw_without_rendering()
    (skipped,) = lines_of(ax, "skipped")
    assert np.asarray(skipped.get_ydata()).tolist() == pytest.approx([60, 40])
    (tick,) = lines_of(ax, "tick")
    assert np.asarray(tick.get_ydata()).tolist() == pytest.approx([20, 20])
    assert "20 ms" in [text.get_text() for text in ax.texts]
    assert "busy: 20.0 to 60.0 ms, 3 ticks skipped" in plots.alt_text(figure)


def test_several_runs_differ_in_more_than_colour() -> None:
    figure, ax = plots.plot_capture_intervals([clean_run(), late_run()], names=["a", "b"])
    figure.draw_without_rendering()
    lines = [line for line in ax.get_lines() if line.get_label() and line.get_marker() == "."]
    assert len({line.get_linestyle() for line in lines}) == 2
    assert ax.get_ylim()[0] == 0


def test_bars_are_the_table() -> None:
    figure, ax = plots.plot_media_cost(clean_run())
    figure.draw_without_rendering()
    costs = media_cost(clean_run()).sort_values("raw_kbps", ascending=False)
    wanted = [kbps for _i, row in costs.iterrows() for kbps in (row["raw_kbps"], row["sent_kbps"])]
    assert [bar.get_width() for bar in bars_of(ax)] == pytest.approx(wanted)
    assert ax.get_xscale() == "log"
    assert "times less" in plots.alt_text(figure)


@pytest.mark.parametrize("plot", [plots.plot_capture_intervals, plots.plot_media_cost])
def test_nothing_recorded_is_told(plot) -> None:  # type: ignore[no-untyped-def]
    figure, _ax = plot(empty_run())
    figure.draw_without_rendering()
    assert "Give the call video=TestPattern()" in plots.alt_text(figure)
    with pytest.raises(BadValue, match="is not a run"):
        plot(5)


@pytest.mark.parametrize("plot", [plots.plot_capture_intervals, plots.plot_media_cost])
def test_given_axes_keep_their_own_title(plot) -> None:  # type: ignore[no-untyped-def]
    ax = Figure().add_subplot()
    ax.set_title("mine")
    assert plot(bent_run(), ax=ax)[1] is ax
    assert ax.get_title() == "mine"
