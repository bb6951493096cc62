"""Setting up a call, as a Gantt chart: which step waits for which, and how long it takes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from labkit.plots.runs import as_runs, run_names
from labkit.plots.style import (
    COLORS,
    HATCHES,
    axes_for,
    cycle,
    drawn,
    label_axes,
    legend,
    room_points,
    say_why,
    text_size,
)
from labkit.run import Run
from labkit.run import statistics as stats
from labkit.words import _

__all__ = ["LANES", "plot_setup"]

LANES = {
    "gathering_complete": "gathering",
    "ice_connected": "ice",
    "dtls_connecting": "dtls",
    "dtls_connected": "dtls",
    "first_packet": "first_packet",
    "first_frame": "first_frame",
}
"""Lane of a step, by the event that ends it; all others are signaling."""

LANE_HEIGHT = 0.8


def plot_setup(
    run: Run | Iterable[Run],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    names: Iterable[str] | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw the steps of setting up a call over time, one lane a step, both peers.

    A step lasts from the peer's event before it to the event that ends it, as
    ``statistics.setup_steps`` has them. The dashed line is the receiver's first frame,
    ``statistics.setup_ms``.

    Args:
        run: One run or several.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        names: What to call the runs; by default what tells them apart.
        kwargs: For the bars (``edgecolor``, ``alpha`` ...).

    Raises:
        BadValue: ``run`` is no Run, or there are not as many names as runs.
    Source: RFC 8445 (ICE), RFC 5764 (DTLS for SRTP), RFC 3264 (offer and answer).
    Notebook: notebooks/06-latency.ipynb
    """
    runs = as_runs(run)
    axes = axes_for(ax)
    x = _("Time since the call began (ms)")
    label_axes(axes, title, _("From the start of the call to the first picture"), x)
    bars = _bars(runs, run_names(runs, names))
    if not bars:
        why = _why(runs)
        say_why(axes, why)
        return drawn(axes, _("Set-up of the call. {why}").format(why=why))
    longest_ms = max(bar.steps["end_ms"].max() for bar in bars)
    for i, bar in enumerate(bars):
        _draw_bar(axes, bar, (i, len(bars)), longest_ms, kwargs)
    _explain(axes, bars)
    _arrange(axes, longest_ms)
    texts = [f"{bar.name}: {_in_words(bar)}" for bar in bars]
    return drawn(axes, _("Set-up of the call. {runs}.").format(runs="; ".join(texts)))


@dataclass(frozen=True)
class _Bar:
    """The steps of one peer of one run; colours tell runs apart, or peers where there is one."""

    name: str
    peer: int
    color: str
    steps: pd.DataFrame
    first_picture_ms: float
    run: str


def _why(runs: list[Run]) -> str:
    if not runs:
        return _("No run was given. Record one: run = await call.record(5).")
    return _(
        "This run has no events of its set-up. Record a call with lab.call(...): "
        "it writes them from its first moment on."
    )


def _lane_words() -> dict[str, str]:
    return {
        "signaling": _("signaling"),
        "gathering": _("gathering"),
        "ice": _("ICE checks"),
        "dtls": _("DTLS"),
        "first_packet": _("first packet"),
        "first_frame": _("first frame"),
    }


def _bars(runs: list[Run], names: list[str]) -> list[_Bar]:
    bars = []
    for i, (one, name) in enumerate(zip(runs, names, strict=True)):
        steps = stats.setup_steps(one)
        began_ms = steps["start_ms"].min()
        steps = steps.assign(
            start_ms=steps["start_ms"] - began_ms,
            end_ms=steps["end_ms"] - began_ms,
            lane=[LANES.get(step, "signaling") for step in steps["step"]],
        )
        for j, (peer, own) in enumerate(steps.groupby("peer", sort=False)):
            color = cycle(COLORS, i if len(runs) > 1 else j)
            label = f"{name}, {peer}" if len(runs) > 1 else str(peer)
            end_ms = stats.setup_ms(one)
            bars.append(_Bar(label, j, color, own, end_ms, name if len(runs) > 1 else ""))
    return bars


def _draw_bar(
    ax: Axes, bar: _Bar, number: tuple[int, int], longest_ms: float, kwargs: dict[str, Any]
) -> None:
    i, n = number
    height = LANE_HEIGHT / n
    room = room_points(ax)[1] / (len(_lane_words()) + 1) * height
    for row, lane in enumerate(_lane_words()):
        own = bar.steps[bar.steps["lane"] == lane]
        if own.empty:
            continue
        top = row - LANE_HEIGHT / 2 + i * height
        widths = own["end_ms"] - own["start_ms"]
        place: dict[str, Any] = {"left": own["start_ms"], "height": height * 0.92}
        style = {**_style(bar), **normalize_kwargs(kwargs, Rectangle)}
        gid = f"{bar.name} {lane}"
        ax.barh([top] * len(own), widths, align="edge", gid=gid, **place, **style)
        if room > text_size(ax) * 0.85:
            at = (own["end_ms"].max() + longest_ms * 0.008, top + height * 0.46)
            text = _("{ms:.1f} ms").format(ms=widths.sum())
            box: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
            ax.text(*at, text, va="center", size=min(text_size(ax), room), bbox=box)


def _style(bar: _Bar) -> dict[str, Any]:
    hatch = cycle(HATCHES, bar.peer)
    return {"facecolor": bar.color, "hatch": hatch, "edgecolor": "white", "linewidth": 1}


def _explain(ax: Axes, bars: list[_Bar]) -> None:
    """Draw each run's first picture, and put runs and peers into the legend."""
    if not bars[0].run:
        for bar in bars:
            ax.bar(0, 0, label=bar.name, **_style(bar))
        _draw_first_picture(ax, bars[0], "black", _first_picture(bars[0]))
        return
    for bar in (bar for bar in bars if bar.peer == 0):
        ax.bar(0, 0, label=f"{bar.run}: {_first_picture(bar)}", facecolor=bar.color)
        _draw_first_picture(ax, bar, bar.color, None)
    for bar in {bar.peer: bar for bar in bars}.values():
        peer = bar.name.removeprefix(f"{bar.run}, ")
        ax.bar(0, 0, label=peer, **{**_style(bar), "facecolor": "0.5"})


def _draw_first_picture(ax: Axes, bar: _Bar, color: str, label: str | None) -> None:
    if not math.isnan(bar.first_picture_ms):
        style: dict[str, Any] = {"color": color, "linestyle": "--", "linewidth": 2}
        ax.axvline(bar.first_picture_ms, label=label, zorder=0, **style)


def _first_picture(bar: _Bar) -> str:
    if math.isnan(bar.first_picture_ms):
        return _("no picture")
    return _("first picture after {ms:.0f} ms").format(ms=bar.first_picture_ms)


def _arrange(ax: Axes, longest_ms: float) -> None:
    """Put the first step on top, with the legend above it."""
    words = list(_lane_words().values())
    ax.set_yticks(range(len(words)), words)
    ax.grid(False, axis="y")
    share = legend(ax, columns=3, headroom=False)
    if ax.get_autoscaley_on():
        ax.set_ylim(len(words) - 0.5, -0.5 - len(words) * share / (1 - share))
    if ax.get_autoscalex_on():
        ax.set_xlim(0, longest_ms * 1.14)


def _in_words(bar: _Bar) -> str:
    words = _lane_words()
    steps = bar.steps
    spans = (steps["end_ms"] - steps["start_ms"]).groupby(steps["lane"], sort=False).sum()
    parts = [_("{step} {ms:.1f} ms").format(step=words[str(k)], ms=v) for k, v in spans.items()]
    end = _("ready after {ms:.1f} ms").format(ms=steps["end_ms"].max())
    return ", ".join([*parts, end, _first_picture(bar)])
