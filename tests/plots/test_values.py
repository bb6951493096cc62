"""What is drawn is what the statistics say: the figures are read back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from labkit import plots
from labkit.run import Run
from labkit.run import statistics as stats
from tests.plots.examples import bent_run, clean_run, lines_of, phased_run

WAY = ("alice", "bob")


def labels(ax: Axes) -> list[str]:
    legend = ax.get_legend()
    assert legend is not None
    return [" ".join(text.get_text().split()) for text in legend.get_texts()]


def test_latency_is_each_shown_frame() -> None:
    run = clean_run()
    _figure, ax = plots.plot_latency(run)
    frames = stats.latency_over_time(run)
    drawn = ax.get_lines()[0].get_xydata()
    shown = drawn[~np.isnan(drawn[:, 1])]  # type: ignore[call-overload, index]
    assert shown[:, 0] == pytest.approx(frames["at_s"])
    assert shown[:, 1] == pytest.approx(frames["latency_ms"])
    figures = stats.latency_ms(run)
    assert f"p50 {figures['p50']:.1f} ms, p95 {figures['p95']:.1f} ms" in labels(ax)[0]
    assert f"n = {figures['n']}" in labels(ax)[0]
    for name in ("p50", "p95"):
        assert set(lines_of(ax, name)[0].get_ydata()) == {figures[name]}  # type: ignore[arg-type]


def test_frames_that_did_not_arrive_are_marked_on_the_axis() -> None:
    run = bent_run()
    _figure, ax = plots.plot_latency([run, clean_run()])
    counted = stats.counted_frames(run)
    start_s = stats.window(run)[0]
    for fate in ("lost", "unreadable"):
        marks = lines_of(ax, f"frames {fate}")[0]
        expected = sorted(counted.loc[counted["fate"] == fate, "captured_s"] - start_s)
        assert expected
        assert sorted(marks.get_xdata()) == pytest.approx(expected)  # type: ignore[arg-type]
    assert f"{len(counted[counted['fate'] == 'lost'])} lost (|)" in labels(ax)[0]


def test_a_gap_is_no_line() -> None:
    run = bent_run()
    drawn = plots.plot_latency(run)[1].get_lines()[0].get_ydata()
    counts = stats.frame_counts(run)
    assert np.isnan(drawn).sum() == counts["lost"] + counts["unreadable"] > 0  # type: ignore[call-overload]


def test_the_other_direction() -> None:
    figure, _ax = plots.plot_latency(clean_run(), sender="bob", receiver="alice")
    p50 = stats.latency_ms(clean_run(), "bob", "alice")["p50"]
    assert f"bob → alice: p50 {p50:.1f} ms" in plots.alt_text(figure)


def test_distribution_is_the_frames_of_the_figure() -> None:
    runs = [clean_run(), bent_run()]
    _figure, ax = plots.plot_latency_distribution(runs)
    for run, marks in zip(runs, lines_of(ax, "p50 and p95"), strict=True):
        figures = stats.latency_ms(run)
        assert list(marks.get_xdata()) == [figures["p50"], figures["p95"]]  # type: ignore[arg-type]
    curve = ax.get_lines()[0].get_xydata()
    latencies = stats.latency_frames(runs[0])["latency_ms"]
    assert curve[1:, 0] == pytest.approx(sorted(latencies))  # type: ignore[call-overload, index]
    assert curve[-1, 1] == 1  # type: ignore[call-overload, index]


@pytest.mark.parametrize("bin_s", [0.5, 1.0])
def test_bitrate_is_the_wire_in_bins(bin_s: float) -> None:
    run = clean_run()
    _figure, ax = plots.plot_bitrate(run, bin_s=bin_s)
    for line, way in zip(lines_of(ax, "wire"), (WAY, WAY[::-1]), strict=True):
        bins = stats.bitrate_over_time(run, *way, bin_s=bin_s)
        drawn = line.get_xydata()
        assert drawn[:-1, 1] == pytest.approx(bins["kbps"])  # type: ignore[call-overload, index]
        middles = (drawn[1:, 0] + drawn[:-1, 0]) / 2  # type: ignore[call-overload, index]
        assert middles == pytest.approx(bins["at_s"])
    assert f"alice → bob mean {stats.bitrate_kbps(run):.0f} kbit/s" in labels(ax)[0]
    target = run.samples[run.samples["name"] == "target_kbps"]
    assert list(lines_of(ax, "target")[0].get_ydata()) == list(target["value"])  # type: ignore[arg-type]


def test_the_bitrates_of_two_runs_differ_in_more_than_colour() -> None:
    _figure, ax = plots.plot_bitrate([clean_run(), bent_run()])
    marks = [line.get_marker() for line in lines_of(ax, "wire")]
    assert marks[0] == marks[1] != marks[2] == marks[3]  # both directions of each run


def test_the_limit_is_what_was_asked_and_when() -> None:
    figure, ax = plots.plot_bitrate(phased_run())
    there, back = lines_of(ax, "limit")
    assert list(there.get_xdata()) == [0.25, 2.0, 4.0, 5.25]  # type: ignore[arg-type]
    assert list(there.get_ydata()) == [800, 500, 300, 300]  # type: ignore[arg-type]
    assert list(back.get_ydata()) == [800, 500, 500]  # type: ignore[arg-type]
    assert "limit alice → bob: 800 → 500 → 300 kbit/s" in plots.alt_text(figure)
    assert not lines_of(plots.plot_bitrate(clean_run())[1], "limit")


def test_the_budget_adds_up_to_the_mean() -> None:
    runs = [clean_run(), bent_run()]
    figure, ax = plots.plot_budget(runs)
    for row, run in enumerate(runs):
        budget = stats.budget_ms(run)
        bars = [bar for bar in ax.patches if bar.get_y() < row < bar.get_y() + bar.get_height()]  # type: ignore[attr-defined]
        widths = [bar.get_width() for bar in bars]  # type: ignore[attr-defined]
        assert widths == pytest.approx(list(budget.values()))
        ends = [bar.get_x() + bar.get_width() for bar in bars]  # type: ignore[attr-defined]
        assert max(ends) == pytest.approx(stats.budget_frames(run)["latency_ms"].mean())
        assert f"network {budget['network']:.1f} ms" in plots.alt_text(figure)
    hatches = {bar.get_hatch() for bar in ax.patches}
    assert len(hatches) == len(stats.BUDGET) + 1


def test_values_are_in_the_bars_where_they_fit() -> None:
    _figure, ax = plots.plot_budget(bent_run())
    budget = stats.budget_ms(bent_run())
    inside = [text.get_text() for text in ax.texts]
    assert f"{budget['network']:.1f}" in inside
    assert f"{budget['send']:.1f}" not in inside
    assert f"send {budget['send']:.1f} ms" in labels(ax)


def test_the_link_is_asked_against_measured() -> None:
    figure, ax = plots.plot_link([clean_run(), bent_run()])
    delay, error, loss, rate = ax.child_axes
    rows = [(run, way) for run in (clean_run(), bent_run()) for way in (WAY, WAY[::-1])]
    for i, (run, way) in enumerate(rows):
        packets = stats.wire_packets(run, *way)
        took_ms = (packets["arrived_s"] - packets["sent_s"]).median() * 1000
        assert measured(delay, i) == pytest.approx(took_ms)
        assert measured(error, i) == pytest.approx(stats.link_error_ms(run, *way)["p50"])
        assert measured(loss, i) == pytest.approx(100 * stats.loss_achieved(run, *way))
        assert measured(rate, i) == pytest.approx(stats.bitrate_kbps(run, *way))
    assert [line.get_xdata()[0] for line in lines_of(delay, "asked")] == [20, 20, 60, 60]  # type: ignore[index]
    assert [line.get_xdata()[0] for line in lines_of(loss, "asked")] == [2, 2, 5, 5]  # type: ignore[index]
    assert "asked 60 ms" in plots.alt_text(figure)


def measured(panel: Axes, row: int) -> float:
    return float(lines_of(panel, "measured")[row].get_xdata()[0])  # type: ignore[index]


def test_every_point_of_the_link_is_a_datagram() -> None:
    _figure, ax = plots.plot_link(clean_run())
    packets = stats.wire_packets(clean_run())
    took_ms = set(((packets["arrived_s"] - packets["sent_s"]) * 1000).round(6))
    drawn = lines_of(ax.child_axes[0], "datagrams")[0].get_xdata()
    assert 100 < len(drawn) <= 400  # type: ignore[arg-type]
    assert set(np.round(drawn, 6)) <= took_ms  # type: ignore[call-overload]


def test_the_set_up_ends_with_the_first_frame() -> None:
    run = bent_run()
    figure, ax = plots.plot_setup(run)
    bars = {bar.get_gid(): bar for bar in ax.patches}
    end_ms = bars["bob first_frame"].get_x() + bars["bob first_frame"].get_width()  # type: ignore[attr-defined]
    assert end_ms == pytest.approx(stats.setup_ms(run))
    assert f"first picture after {stats.setup_ms(run):.0f} ms" in plots.alt_text(figure)
    lanes = [label.get_text() for label in ax.get_yticklabels()]
    assert lanes == ["signaling", "gathering", "ICE checks", "DTLS", "first packet", "first frame"]


def test_the_set_up_counts_from_the_start_of_the_call() -> None:
    events = clean_run().events.assign(at_s=clean_run().events["at_s"] + 3)
    late = Run.from_tables(clean_run().meta, events=events)
    ends = []
    for run in (clean_run(), late):
        bars = [bar for bar in plots.plot_setup(run)[1].patches if bar.get_gid()]
        ends.append(max(bar.get_x() + bar.get_width() for bar in bars))  # type: ignore[attr-defined]
    assert ends[0] == pytest.approx(ends[1])


def test_the_overview_has_every_part() -> None:
    figure, parts = plots.plot_overview(clean_run())
    assert list(parts) == ["latency", "bitrate", "budget", "setup", "link"]
    assert tuple(figure.get_size_inches() * figure.dpi) == (1920, 1080)
    assert clean_run().id in figure.get_suptitle()
    for way in ("Latency over time", "Bitrate", "budget", "Set-up", "Link"):
        assert way in plots.alt_text(figure)


def test_frames_shown_at_unknown_times_are_told_and_drawn_nowhere() -> None:
    frames = clean_run().frames.assign(latency_ms=float("nan"), decoded_s=float("nan"))
    run = replace(clean_run(), frames=frames)
    for plot in (plots.plot_latency, plots.plot_latency_distribution, plots.plot_budget):
        figure, _ax = plot(run)
        figure.draw_without_rendering()
    figure, _ax = plots.plot_latency(run)
    assert "at times that nobody knows" in plots.alt_text(figure)
