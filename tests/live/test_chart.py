from __future__ import annotations

import math
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.live import chart as chart_module
from labkit.live.chart import LiveChart, axis_top
from labkit.live.series import style_of
from tests.live.comms import fake_wire


def drawn(chart: LiveChart, position: int = 0) -> list[tuple[float, float]]:
    """The points of one line, as the browser gets them."""
    x, y = np.broadcast_arrays(chart._lines.x, np.atleast_2d(chart._lines.y))
    x, y = x[position], y[position]
    return [(round(float(at_s), 3), float(value)) for at_s, value in zip(x, y, strict=True)]


@given(largest=st.floats(1e-3, 1e7), now=st.floats(1e-3, 1e7))
def test_the_axis_holds_the_data_and_is_not_far_too_large(largest: float, now: float) -> None:
    top = axis_top(largest, now)
    assert top >= largest
    assert top == now or top <= 2.2 * largest
    assert axis_top(largest, top) == top or top == now


def test_the_axis_stays_where_the_data_wobbles() -> None:
    top = 10.0
    tops = [top := axis_top(value, top) for value in (9, 11, 13, 14, 12, 10, 5, 6)]
    assert tops == [10, 20, 20, 20, 20, 20, 6, 8]
    assert axis_top(math.nan, 20.0) == 20.0
    assert axis_top(0.0, 20.0) == 20.0


def test_missing_is_a_gap_and_never_zero() -> None:
    chart = LiveChart("Latency", "ms", series=["one", "two"])
    chart.append(0.0, {"one": 5.0, "two": None})
    chart.append(0.2, {"two": 7.0})
    chart.append(0.4, {"one": 6.0, "two": 8.0})
    times, values = chart.data
    assert times == [0.0, 0.2, 0.4]
    assert values["one"] == [5.0, pytest.approx(math.nan, nan_ok=True), 6.0]
    assert math.isnan(values["two"][0])
    assert math.isnan(drawn(chart, 0)[1][1]) and math.isnan(drawn(chart, 1)[0][1])


def test_a_series_that_comes_later_begins_there() -> None:
    chart = LiveChart("Latency", "ms")
    chart.append(0.0, {"one": 1.0})
    chart.append(0.2, {"one": 1.0, "two": 2.0})
    values = chart.data[1]
    assert math.isnan(values["two"][0]) and values["two"][1] == 2.0
    assert "two" in chart._head.value


def test_only_the_newest_points_are_kept() -> None:
    chart = LiveChart("Latency", "ms", series=["one"], points=10)
    for k in range(25):
        chart.append(k, {"one": k})
    assert chart.data[0] == list(range(15, 25))
    assert drawn(chart) == [(k, k) for k in range(15, 25)]


def test_time_that_goes_back_begins_anew() -> None:
    chart = LiveChart("Latency", "ms", series=["one"])
    chart.append(30.0, {"one": 900.0})
    chart.append(0.5, {"one": 3.0})
    assert chart.data == ([0.5], {"one": [3.0]})
    assert chart._y.max == 10.0


def test_the_window_moves_in_steps_and_shows_the_newest() -> None:
    chart = LiveChart("Latency", "ms", series=["one"], seconds=60)
    starts = []
    for k in range(100):
        chart.append(float(k), {"one": 1.0})
        assert chart._x.min <= k <= chart._x.max
        starts.append(chart._x.min)
    assert sorted(set(starts)) == [0, 10, 20, 30, 40]


def test_what_is_not_drawn_now_is_drawn_the_next_time() -> None:
    chart = LiveChart("Latency", "ms", series=["one"])
    with_two = {"one": 2.0}
    chart.append(0.0, {"one": 1.0}, draw=False)
    assert len(chart._lines.x) == 0
    chart.append(0.2, with_two)
    assert drawn(chart) == [(0.0, 1.0), (0.2, 2.0)]


def test_a_line_that_ends_in_nothing_stays_on_its_last_point() -> None:
    chart = LiveChart("Latency", "ms", series=["one", "two"])
    for k, value in enumerate([1.0, 2.0, None]):
        chart.append(k, {"one": value, "two": 5.0})
    assert drawn(chart, 0) == [(0, 1), (1, 2), (1, 2)]
    assert drawn(chart, 1) == [(0, 5), (1, 5), (2, 5)]
    assert math.isnan(chart.data[1]["one"][2])


@pytest.mark.parametrize("names", [["one"], ["one", "two"]])
def test_a_single_point_is_drawn_as_a_line(names: list[str]) -> None:
    chart = LiveChart("Latency", "ms", series=names)
    chart.append(3.0, dict.fromkeys(names, 4.0))
    for position in range(len(names)):
        assert drawn(chart, position) == [(3, 4), (3, 4)]


def test_before_any_value_and_after_clear_no_line_is_drawn() -> None:
    chart = LiveChart("Latency", "ms", series=["one", "two"])
    chart.append(0.0, {"one": None})
    assert chart._lines.x.shape == chart._lines.y.shape == (0,)
    chart.append(0.2, {"one": 3.0})
    assert chart._lines.y.shape == (2, 2)
    chart.clear()
    assert chart._lines.x.shape == chart._lines.y.shape == (0,)


def test_a_chart_without_series_takes_a_point() -> None:
    chart = LiveChart("Latency", "ms")
    chart.append(0.0, {})
    assert chart.data == ([0.0], {})


def test_one_update_is_one_message() -> None:
    with fake_wire() as wire:
        chart = LiveChart("Latency", "ms", series=["one", "two"], top=20)
        for k in range(300):
            chart.append(k / 5, {"one": 15.0 + k % 3, "two": 16.0 + k % 2})
        before = len(wire.sent)
        for k in range(300, 325):
            chart.append(k / 5, {"one": 15.0 + k % 3, "two": 16.0 + k % 2})
        sent = wire.sent[before:]
    # 25 updates of both lines; two markers; the window moved once
    assert len(sent) == 25 + 2 + 1
    sizes = [sum(len(bytes(buffer)) for buffer in buffers) for _id, _data, buffers in sent]
    assert max(sizes) == (1 + 2) * 300 * 4  # the times once


def test_the_dashes_on_the_page_are_those_of_the_legend() -> None:
    css = Path(chart_module.__file__).with_name("chart.css").read_text(encoding="utf-8")
    dashes = re.findall(r"nth-child\(6n \+ \d\) path.line \{ stroke-dasharray: ([\d ]+) ", css)
    assert dashes == [style_of(position).svg_dash for position in range(1, 6)]


def test_threads_may_append_while_another_draws_the_figure() -> None:
    chart = LiveChart("Latency", "ms", series=["one"], points=50)
    errors: list[BaseException] = []

    def feed() -> None:
        try:
            for k in range(300):
                chart.append(k / 100, {"one": k})
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=feed)
    thread.start()
    while thread.is_alive():
        times, values = chart.data
        assert len(times) == len(values["one"])
    thread.join()
    assert errors == []


def test_the_figure_shows_the_same_data() -> None:
    chart = LiveChart("Latency", "ms", series=["one", "two"])
    for k in range(30):
        chart.append(k / 5, {"one": k, "two": 2 * k})
    axes = chart.figure().axes[0]
    assert [line.get_label() for line in axes.lines] == ["one", "two"]
    assert list(axes.lines[1].get_ydata()) == [2.0 * k for k in range(30)]
    assert axes.get_ylabel() == "Latency (ms)" and "(s)" in axes.get_xlabel()
    looks = {(line.get_color(), line.get_linestyle(), line.get_marker()) for line in axes.lines}
    assert len(looks) == 2
    shown = chart.figure()._repr_html_()
    assert 'alt="Latency over time. one: 0 to 29 ms, at the end 29 ms. two: 0 to 58 ms' in shown


def test_an_empty_figure_says_so() -> None:
    figure = LiveChart("Latency", "ms").figure()
    assert [text.get_text() for text in figure.axes[0].texts] == ["Nothing has been drawn yet."]


def test_colour_is_never_the_only_difference() -> None:
    styles = [style_of(position) for position in range(6)]
    for name in ("colour", "marker", "mpl_line", "mpl_marker", "svg_dash", "svg_marker"):
        assert len({getattr(style, name) for style in styles}) == 6


def test_names_cannot_break_the_page() -> None:
    chart = LiveChart("<i>", "ms", series=["<script>"])
    assert "<script>" not in chart._head.value and "<i>" not in chart._head.value


def test_closing_leaves_no_widget_and_keeps_the_data() -> None:
    before = _alive()
    chart = LiveChart("Latency", "ms", series=["one"])
    chart.append(0.0, {"one": 1.0})
    chart.close()
    assert _alive() - before == set()
    assert chart.data[0] == [0.0]


def _alive() -> set[str]:
    from ipywidgets.widgets.widget import _instances

    return set(_instances)


@pytest.mark.parametrize(
    "sizes", [{"seconds": 0}, {"points": 1}, {"height_px": 50}, {"points": 10**6}]
)
def test_sizes_out_of_range_are_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(BadValue, match="is out of range"):
        LiveChart("Latency", "ms", **sizes)


def test_what_is_sent_is_what_the_widget_would_have_sent() -> None:
    """``QuickLines`` writes bqplot's message itself: it must stay bqplot's message."""
    with fake_wire() as wire:
        chart = LiveChart("Latency", "ms", series=["one", "two"])
        for k in range(3):
            chart.append(k / 5, {"one": 5.0 + k, "two": None if k == 1 else 8.0})
        _sender, quick, quick_buffers = wire.sent[-1]
        chart._lines.send_state(["x", "y"])
        _sender, usual, usual_buffers = wire.sent[-1]
    assert quick["method"] == usual["method"] == "update"
    assert quick["state"] == usual["state"]
    sent, expected = (
        {
            tuple(path): bytes(buffer)
            for path, buffer in zip(data["buffer_paths"], each, strict=True)
        }
        for data, each in ((quick, quick_buffers), (usual, usual_buffers))
    )
    assert sent == expected
