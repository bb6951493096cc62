"""Figures of what is captured: how evenly frames come, and what they cost raw and sent."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from labkit.plots.runs import as_runs, one_run, run_names
from labkit.plots.style import (
    COLORS,
    HATCHES,
    MARKERS,
    axes_for,
    cycle,
    drawn,
    label_axes,
    legend,
    line_style,
    say_why,
    small_size,
    text_size,
)
from labkit.run import Run
from labkit.run.capture import capture_intervals, media_cost, tick_ms
from labkit.run.statistics import direction, window
from labkit.words import _, ngettext

__all__ = ["plot_capture_intervals", "plot_media_cost"]


def plot_capture_intervals(
    run: Run | Iterable[Run],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    names: Iterable[str] | None = None,
    sender: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw the time from each captured frame to the next, with skipped ticks marked.

    The dotted line is the source's own tick, for instance 33.3 ms at 30 frames a second.

    Args:
        run: One run or several.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        names: What to call the runs; by default what tells them apart.
        sender: Whose video; by default as the run says, else alice.
        kwargs: For the lines (``color``, ``lw`` ...).

    Raises:
        BadValue: ``run`` is no Run, or there are not as many names as runs.

    Notebook: notebooks/01-media.ipynb
    """
    runs = as_runs(run)
    axes = axes_for(ax)
    own_title = _("Time from one captured frame to the next")
    label_axes(axes, title, own_title, _("Time in the recording (s)"), _("Interval (ms)"))
    called = run_names(runs, names, sender)
    texts = [
        _draw_intervals(axes, one, name, sender, i, kwargs)
        for i, (one, name) in enumerate(zip(runs, called, strict=True))
    ]
    if not any(texts):
        why = _("No captured frame was recorded. Give the call video=TestPattern().")
        say_why(axes, why)
        return drawn(axes, f"{own_title}. {why}")
    _draw_tick(axes, [tick_ms(one, sender) for one in runs])
    legend(axes)
    return drawn(axes, f"{own_title}. {'; '.join(text for text in texts if text)}.")


def _draw_intervals(
    ax: Axes, run: Run, name: str, sender: str | None, i: int, kwargs: dict[str, Any]
) -> str:
    """Draw one run and return what it shows in words, nothing where there is nothing."""
    intervals = capture_intervals(run, sender)
    if intervals.empty:
        return ""
    skipped = int(intervals["skipped"].sum())
    text = _("{name}: {low:.1f} to {high:.1f} ms, {skipped}").format(
        name=name,
        low=intervals["interval_ms"].min(),
        high=intervals["interval_ms"].max(),
        skipped=ngettext("{n} tick skipped", "{n} ticks skipped", skipped).format(n=skipped),
    )
    at_s = intervals["at_s"] - window(run)[0]
    style = line_style(i, kwargs, label=text, linewidth=1.5, marker=".", markersize=6)
    line = ax.plot(at_s, intervals["interval_ms"], **style)[0]
    late = intervals["skipped"] > 0
    look: dict[str, Any] = {"marker": cycle(MARKERS, i + 1), "markersize": 11, "linestyle": "none"}
    look |= {"markerfacecolor": "white", "markeredgewidth": 2.5, "gid": "skipped"}
    if late.any():
        marks = intervals["interval_ms"][late]
        ax.plot(at_s[late], marks, markeredgecolor=line.get_color(), **look)
    return text


def _draw_tick(ax: Axes, ticks_ms: list[float]) -> None:
    known = {round(tick): tick for tick in sorted(ticks_ms) if not math.isnan(tick)}
    for tick in known.values():
        ax.axhline(tick, color="0.35", linestyle=":", linewidth=1.8, zorder=1, gid="tick")
    if not known:
        return
    longest = max(known)
    place = (1.005, known[longest])
    text = _("{ms} ms").format(ms=longest)
    transform = ax.get_yaxis_transform()
    ax.annotate(text, place, xycoords=transform, va="center", size=text_size(ax))


def plot_media_cost(
    run: Run,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    sender: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw what each track would cost raw beside what was sent, on a logarithmic axis.

    Args:
        run: One run.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        sender: Whose tracks; by default as the run says, else alice.
        kwargs: For the bars (``color`` ...).

    Raises:
        BadValue: ``run`` is no Run.

    Notebook: notebooks/01-media.ipynb
    """
    run = one_run(run)
    axes = axes_for(ax)
    own_title = _("Raw, and as {sender} sent it").format(sender=direction(run, sender, None)[0])
    label_axes(axes, title, own_title, _("Rate (kbit/s, logarithmic)"))
    bars = _bars(media_cost(run, sender))
    if bars.empty:
        why = _("No track was recorded. Give the call video=TestPattern().")
        say_why(axes, why)
        return drawn(axes, f"{own_title}. {why}")
    _draw_bars(axes, bars, kwargs)
    said = "; ".join(f"{bar}: {text}" for bar, text in zip(bars["name"], bars["text"], strict=True))
    return drawn(axes, f"{own_title}. {said}.")


def _bars(costs: pd.DataFrame) -> pd.DataFrame:
    """Return name, kbps, text and whether it is raw, two rows a track; without unknown ones."""
    words = {"video": _("video"), "audio": _("audio")}
    rows: list[dict[str, Any]] = []
    for cost in costs.sort_values("raw_kbps", ascending=False).to_dict("records"):
        kind = words.get(cost["kind"], cost["kind"])
        # Without a relay the wire is not known, but what the encoder made is.
        known = not math.isnan(cost["sent_kbps"])
        sent_kbps = cost["sent_kbps"] if known else cost["coded_kbps"]
        times = _("{rate}, {times:.0f} times less").format(
            rate=_rate(sent_kbps), times=cost["raw_kbps"] / sent_kbps if sent_kbps else math.nan
        )
        raw, sent = _("{kind}, raw").format(kind=kind), _("{kind}, sent").format(kind=kind)
        rows.append({"name": raw, "kbps": cost["raw_kbps"], "text": _rate(cost["raw_kbps"])})
        rows.append({"name": sent, "kbps": sent_kbps, "text": times})
    return pd.DataFrame(rows, columns=["name", "kbps", "text"]).dropna()


def _rate(kbps: float) -> str:
    if kbps >= 1000:
        return _("{rate:,.1f} Mbit/s").format(rate=kbps / 1000)
    return _("{rate:,.0f} kbit/s").format(rate=kbps)


def _draw_bars(ax: Axes, bars: pd.DataFrame, kwargs: dict[str, Any]) -> None:
    places = range(len(bars))
    colors = [COLORS[place % 2] for place in places]
    drawn_bars = ax.barh(places, bars["kbps"], **{"color": colors, **kwargs})
    for place, bar in zip(places, drawn_bars, strict=True):
        bar.set_hatch(cycle(HATCHES, place % 2))
        bar.set_edgecolor("white")
    ax.set_yticks(list(places), bars["name"].tolist())
    ax.invert_yaxis()
    ax.bar_label(drawn_bars, bars["text"].tolist(), padding=6, fontsize=small_size(ax))
    ax.set_xscale("log")
    ax.set_xlim(float(bars["kbps"].min()) / 4, float(bars["kbps"].max()) * 30)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _place: f"{value:,.10g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.grid(False, axis="y")
