"""Latency as a distribution: which share of the frames was how fast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from labkit.plots.latency import figures_text, latency_text, why_no_latency
from labkit.plots.runs import arrow, as_runs, run_names
from labkit.plots.style import (
    MARKERS,
    axes_for,
    cycle,
    drawn,
    label_axes,
    legend,
    line_style,
    say_why,
    text_size,
)
from labkit.run import Run
from labkit.run import statistics as stats
from labkit.words import _

__all__ = ["plot_latency_distribution"]


def plot_latency_distribution(
    run: Run | Iterable[Run],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    names: Iterable[str] | None = None,
    sender: str | None = None,
    receiver: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw which share of the frames was shown within which time, with p50 and p95 marked.

    The frames are those of ``statistics.latency_frames``: shown, and captured after the call
    had settled. The curve is the empirical distribution function.

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
    Notebook: notebooks/06-latency.ipynb
    """
    runs = as_runs(run)
    axes = axes_for(ax)
    way = (sender, receiver)
    texts = []
    for i, (one, name) in enumerate(zip(runs, run_names(runs, names, *way), strict=True)):
        texts.append(f"{name}: {latency_text(one, *way)}")
        label = texts[-1] if len(runs) > 1 else figures_text(one, *way)
        _draw_curve(axes, one, way, i, {"label": label, **kwargs})
    ways = ", ".join(dict.fromkeys(arrow(one, *way) for one in runs))
    own_title = _("How many frames were how fast, {ways}").format(ways=ways)
    x, y = _("Latency, capture to decoded (ms)"), _("Frames at or below")
    label_axes(axes, title, own_title if runs else _("Latency"), x, y)
    what = _finish(axes, runs, way) or "; ".join(texts) + "."
    return drawn(axes, _("Distribution of the latency. {what}").format(what=what))


def _draw_curve(
    ax: Axes, run: Run, way: tuple[str | None, str | None], i: int, kwargs: dict[str, Any]
) -> None:
    latencies = stats.latency_frames(run, *way)["latency_ms"].dropna()
    if latencies.empty:
        return
    line = ax.ecdf(latencies, **line_style(i, kwargs))
    figures = stats.latency_ms(run, *way)
    ax.plot(
        [figures["p50"], figures["p95"]],
        [0.5, 0.95],
        color=line.get_color(),
        linestyle="none",
        marker=cycle(MARKERS, i),
        markersize=10,
        markeredgecolor="white",
        zorder=3,
        gid="p50 and p95",
    )


def _finish(ax: Axes, runs: list[Run], way: tuple[str | None, str | None]) -> str:
    """Mark the shares that have names; return why nothing was drawn, if so."""
    if not any(stats.latency_ms(run, *way)["n"] for run in runs):
        why = why_no_latency(runs, *way, settled=True)
        say_why(ax, why)
        return why
    ax.yaxis.set_major_formatter(PercentFormatter(xmax=1))
    for share, name in ((0.5, "p50"), (0.95, "p95")):
        ax.axhline(share, color="0.45", linewidth=1.2, linestyle=":", zorder=1)
        ax.annotate(
            name,
            (1.005, share),
            xycoords=ax.get_yaxis_transform(),
            va="center",
            size=text_size(ax),
            annotation_clip=False,
        )
    legend(ax)
    ax.set_yticks(np.linspace(0, 1, 6))
    return ""
