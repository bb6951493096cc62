"""Latency over time: when was each frame captured, how long did it take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plots.runs import arrow, as_runs, run_names
from labkit.plots.style import (
    COLORS,
    axes_for,
    cycle,
    drawn,
    label_axes,
    legend,
    line_style,
    room_points,
    say_why,
    text_size,
)
from labkit.run import Run
from labkit.run import statistics as stats
from labkit.words import _

__all__ = ["figures_text", "latency_text", "plot_latency", "why_no_latency"]

FATES = ("lost", "unreadable")
FATE_MARKERS = {"lost": "|", "unreadable": "x"}
MARKS_IN_WORDS = {"lost": "\u00a0(|)", "unreadable": "\u00a0(×)"}
MARK_POINTS = 10
"""Height of a mark; each run has a row of them above the axis."""


def plot_latency(
    run: Run | Iterable[Run],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    names: Iterable[str] | None = None,
    sender: str | None = None,
    receiver: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw the latency of each frame over time, and mark frames that were lost or unreadable.

    The legend has p50 and p95 of the frames after the call has settled, as
    ``statistics.latency_ms`` defines them. Several runs share the time in the recording, a
    single one keeps the time of the call.

    Args:
        run: One run or several.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        names: What to call the runs; by default what tells them apart.
        sender: Whose frames; by default as the run says, else alice.
        receiver: Measured where; by default as the run says, else bob.
        kwargs: For the lines (``color``, ``lw`` ...).

    Raises:
        BadValue: ``run`` is no Run, or there are not as many names as runs.
    Notebook: notebooks/00-start.ipynb
    """
    runs = as_runs(run)
    axes = axes_for(ax)
    way = (sender, receiver)
    called = run_names(runs, names, *way)
    for i, (one, name) in enumerate(zip(runs, called, strict=True)):
        start_s = stats.window(one)[0] if len(runs) > 1 else 0.0
        frames = stats.counted_frames(one, *way).sort_values("captured_s")
        label = figures_text(one, *way)
        if len(runs) > 1:
            label = f"{name}: " + ", ".join([label, *_fates(one, way, MARKS_IN_WORDS)])
        _draw_line(axes, frames, start_s, i, {"label": label, **kwargs})
        _draw_marks(axes, frames, start_s, (i, len(runs)))
    if len(runs) == 1:
        _draw_figures(axes, runs[0], way)
    ways = ", ".join(dict.fromkeys(arrow(one, *way) for one in runs))
    over = _("Time in the recording (s)") if len(runs) > 1 else _("Time in the call (s)")
    own_title = _("Latency from capture to decoded, {ways}").format(ways=ways)
    label_axes(axes, title, own_title if runs else _("Latency"), over, _("Latency (ms)"))
    why = _finish(axes, runs, way)
    texts = [f"{name}: {latency_text(one, *way)}" for name, one in zip(called, runs, strict=True)]
    return drawn(axes, _("Latency over time. {what}").format(what=why or "; ".join(texts) + "."))


def figures_text(run: Run, sender: str | None = None, receiver: str | None = None) -> str:
    """Return p50, p95 and n of a run's latency in words."""
    figures = stats.latency_ms(run, sender, receiver)
    if not figures["n"]:
        return _("no latency measured")
    return _("p50 {p50:.1f} ms, p95 {p95:.1f} ms (n = {n})").format(**figures)


def latency_text(run: Run, sender: str | None = None, receiver: str | None = None) -> str:
    """Return p50, p95 and n of a run's latency, and what did not arrive, in words."""
    return ", ".join([figures_text(run, sender, receiver), *_fates(run, (sender, receiver), {})])


def _fates(run: Run, way: tuple[str | None, str | None], marks: dict[str, str]) -> list[str]:
    """Return how many frames were lost and unreadable, each with its mark if it has one."""
    counts = stats.frame_counts(run, *way)
    words = {"lost": _("{n} lost"), "unreadable": _("{n} unreadable")}
    return [
        words[fate].format(n=counts[fate]) + marks.get(fate, "") for fate in FATES if counts[fate]
    ]


def why_no_latency(
    runs: list[Run],
    sender: str | None = None,
    receiver: str | None = None,
    *,
    settled: bool = False,
) -> str:
    """Return why there is nothing to draw, and what to do; empty where there is something.

    Args:
        runs: The runs of the figure.
        sender: Whose frames.
        receiver: Measured where.
        settled: Whether only frames count that were captured after the call had settled.
    """
    counts = [stats.frame_counts(run, sender, receiver) for run in runs]
    if any(stats.latency_ms(run, sender, receiver)["n"] for run in runs):
        return ""
    if any(count["shown"] for count in counts):
        if all(stats.latency_over_time(run, sender, receiver).empty for run in runs):
            return _("Frames were shown, but at times that nobody knows.")
        late = _("No frame was shown after the call had settled. Record for 5 seconds or more.")
        return late if settled else ""
    sent = sum(count["sent"] for count in counts)
    if not runs:
        return _("No run was given. Record one: run = await call.record(5).")
    if sent:
        return _(
            "None of {n} frames was shown: all were lost or unreadable. "
            "Try less loss, or a higher rate_kbps."
        ).format(n=sent)
    return _("No video frame {way} was recorded. Give the call video=TestPattern().").format(
        way=arrow(runs[0], sender, receiver)
    )


def _draw_line(
    ax: Axes, frames: pd.DataFrame, start_s: float, i: int, kwargs: dict[str, Any]
) -> None:
    """Draw a run's latencies, broken where a frame was not shown."""
    unknown = (frames["fate"] == "shown") & frames["latency_ms"].isna()
    frames = frames[~unknown]
    shown = frames["fate"] == "shown"
    if shown.any():
        style = line_style(i, kwargs, marker=".", markersize=5)
        ax.plot(frames["captured_s"] - start_s, frames["latency_ms"].where(shown), **style)


def _draw_marks(ax: Axes, frames: pd.DataFrame, start_s: float, number: tuple[int, int]) -> None:
    """Mark the frames that were not shown, in a row above the axis that is this run's."""
    i, n = number
    for fate in FATES:
        times = frames.loc[frames["fate"] == fate, "captured_s"] - start_s
        if times.empty:
            continue
        heights = [_band(ax, n) * (i + 0.5)] * len(times)
        where: dict[str, Any] = {"transform": ax.get_xaxis_transform(), "gid": f"frames {fate}"}
        ax.plot(times, heights, color=cycle(COLORS, i), **_mark(fate), **where)


def _mark(fate: str) -> dict[str, Any]:
    style: dict[str, Any] = {"markersize": MARK_POINTS, "markeredgewidth": 2}
    return {"marker": FATE_MARKERS[fate], "linestyle": "none", **style}


def _band(ax: Axes, runs: int) -> float:
    """Return the height of a run's row of marks, as a share of the axes."""
    return min(0.25 / runs, (MARK_POINTS + 4) / room_points(ax)[1])


def _draw_figures(ax: Axes, run: Run, way: tuple[str | None, str | None]) -> None:
    """Draw p50 and p95 as lines over the frames that they are about; shade the rest."""
    figures = stats.latency_ms(run, *way)
    from_s, to_s = stats.window(run)
    settled_s = from_s + stats.settle_s(run)
    if not figures["n"]:
        return
    ax.axvspan(from_s, settled_s, color="0.5", alpha=0.12, linewidth=0, label=_settling(run))
    for name, style, align in (("p50", "--", "top"), ("p95", ":", "bottom")):
        look: dict[str, Any] = {"color": "black", "linestyle": style, "linewidth": 1.8}
        ax.plot([settled_s, to_s], [figures[name]] * 2, gid=name, **look)
        ax.annotate(
            name,
            (1.005, figures[name]),
            xycoords=ax.get_yaxis_transform(),
            va=align,
            size=text_size(ax),
            annotation_clip=False,
        )


def _settling(run: Run) -> str:
    return _("first {seconds:g} s: settling, not counted").format(seconds=stats.settle_s(run))


def _finish(ax: Axes, runs: list[Run], way: tuple[str | None, str | None]) -> str:
    """Explain the marks and make room for them; return why nothing was drawn, if so."""
    why = why_no_latency(runs, *way)
    if why:
        say_why(ax, why)
        return why
    counts = [stats.frame_counts(run, *way) for run in runs]
    marked = [fate for fate in FATES if any(count[fate] for count in counts)]
    if len(runs) == 1:
        for fate, label in zip(marked, _fates(runs[0], way, {}), strict=True):
            ax.plot([], [], color="0.3", label=label, **_mark(fate))
    legend(ax, columns=2, below=_band(ax, len(runs)) * len(runs) if marked else 0.0)
    return ""
