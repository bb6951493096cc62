"""Figures of what is captured: the skipped ticks are marked, the planes are the frame's."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import labkit as lab
from labkit import plots
from labkit.codecs import read_sound, speech_like
from labkit.codecs.packettime import compare_packet_times
from labkit.errors import BadValue
from labkit.media.stamp import planes
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
    assert np.asarray(tick.get_ydata()).tolist() == [20, 20]
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


def test_the_planes_are_drawn_as_they_are() -> None:
    with lab.TestPattern(320, 240).open() as reader:
        frame = reader.picture(7)
    figure, places = plots.plot_planes(frame)
    figure.draw_without_rendering()
    for axes, plane in zip(places, planes(frame), strict=True):
        (image,) = axes.get_images()
        assert (np.asarray(image.get_array()) == plane).all()
        assert image.get_clim() == (0, 255)
    text = plots.alt_text(figure)
    assert "115,200 bytes" in text and "160 × 120" in text


@pytest.mark.parametrize("wrong", [None, np.zeros((3, 3), np.uint8)])
def test_what_is_no_i420_picture_is_refused(wrong: object) -> None:
    with pytest.raises(BadValue, match="no picture in I420"):
        plots.plot_planes(wrong)  # type: ignore[arg-type]
    with lab.TestPattern(320, 240).open() as reader:
        grey = reader.picture(0).reformat(format="gray")
    with pytest.raises(BadValue, match="reformat"):
        plots.plot_planes(grey)


def test_columns_are_sound_and_headers() -> None:
    table = compare_packet_times(speech_like(1), header_bytes=60, times_ms=(10, 20))
    figure, ax = plots.plot_packet_times(table)
    figure.draw_without_rendering()
    heights = [bar.get_height() for bar in bars_of(ax)]
    assert heights[:2] == pytest.approx(table["payload_kbps"].tolist())
    assert heights[2:] == pytest.approx([60 * 8 * 100 / 1000, 60 * 8 * 50 / 1000])
    assert "headers" in plots.alt_text(figure)
    with pytest.raises(BadValue, match="packet_ms"):
        plots.plot_packet_times(table.drop(columns="packet_ms"))
    figure, _ax = plots.plot_packet_times(table.iloc[:0])
    assert "Nothing was encoded" in plots.alt_text(figure)


def test_longer_packets_share_their_headers() -> None:
    table = compare_packet_times(speech_like(1), header_bytes=60)
    assert table["packet_ms"].tolist() == [10, 20, 40, 60]
    assert table["header_share"].is_monotonic_decreasing
    assert table["sent_kbps"].is_monotonic_decreasing
    assert table["payload_kbps"].between(12, 30).all()
    row = table.set_index("packet_ms").loc[20]
    assert row["payload_bytes"] == pytest.approx(row["payload_kbps"] * 1000 / 8 / 50)


@pytest.mark.parametrize("times", [[30], [60]])
def test_a_length_that_cannot_be_is_refused(times: list[float]) -> None:
    with pytest.raises(BadValue, match="cannot be cut into packets"):
        compare_packet_times(read_sound(lab.Tone(), 0.1).at_rate(48_000), header_bytes=60,
                             times_ms=[*times, 120])  # fmt: skip
