"""The latency budget: whose milliseconds they are, as one stacked bar a run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from labkit.plots.latency import why_no_latency
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
    wrapped,
)
from labkit.run import Run
from labkit.run import statistics as stats
from labkit.words import _

__all__ = ["plot_budget"]

HEIGHT = 0.62
BARS_SHARE = 0.82
"""Part of the axis that the longest bar takes; the totals are written beside it."""


def plot_budget(
    run: Run | Iterable[Run],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    names: Iterable[str] | None = None,
    sender: str | None = None,
    receiver: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw where a frame's time goes: encode, send, network, buffer, decode and the rest.

    The parts are the means of ``statistics.budget_ms``; each bar's end is the mean latency of
    its frames. A part that this run's engine does not tell is left out, and is in “other”.

    Args:
        run: One run or several, one bar each.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        names: What to call the runs; by default what tells them apart.
        sender: Whose frames; by default as the run says, else alice.
        receiver: Measured where; by default as the run says, else bob.
        kwargs: For the bars (``height``, ``edgecolor`` ...).

    Raises:
        BadValue: ``run`` is no Run, or there are not as many names as runs.
    Notebook: notebooks/06-latency.ipynb
    """
    runs = as_runs(run)
    axes = axes_for(ax)
    way = (sender, receiver)
    label_axes(axes, title, _("Where a frame’s time goes"), _("Mean of the frames (ms)"))
    budgets = [stats.budget_ms(one, *way) for one in runs]
    totals = [_total(budget) for budget in budgets]
    if not any(total > 0 for total in totals):
        why = _why(runs, way)
        say_why(axes, why)
        return drawn(axes, _("Latency budget. {why}").format(why=why))
    called = run_names(runs, names, *way)
    widest = max(total for total in totals if total > 0)
    for i, (step, word) in enumerate(_words().items()):
        _draw_step(axes, i, word, [budget[step] for budget in budgets], budgets, widest, kwargs)
    ends = [_end(one, way, total) for one, total in zip(runs, totals, strict=True)]
    _write_ends(axes, totals, ends, widest)
    axes.set_yticks(range(len(runs)), [wrapped(axes, name, 0.22) for name in called])
    axes.grid(False, axis="y")
    _arrange(axes, len(runs), widest)
    parts = [
        f"{name}: {_in_words(budget)}; {' '.join(end.split())}"
        for name, budget, end in zip(called, budgets, ends, strict=True)
    ]
    return drawn(axes, _("Latency budget. {runs}.").format(runs="; ".join(parts)))


def _words() -> dict[str, str]:
    return {
        "encode": _("encode"),
        "send": _("send"),
        "network": _("network"),
        "buffer": _("buffer"),
        "decode": _("decode"),
        "other": _("other"),
    }


def _total(budget: dict[str, float]) -> float:
    return sum(value for value in budget.values() if not math.isnan(value))


def _end(run: Run, way: tuple[str | None, str | None], total: float) -> str:
    n = len(stats.budget_frames(run, *way))
    return _("{total:.1f} ms\n(n = {n})").format(total=total, n=n) if n else _("no frames")


def _in_words(budget: dict[str, float]) -> str:
    words = _words()
    known = {step: value for step, value in budget.items() if not math.isnan(value)}
    return ", ".join(f"{words[step]} {_no_minus(v):.1f} ms" for step, v in known.items())


def _no_minus(value: float) -> float:
    """Return a value to be written with one digit: what rounds to zero has no sign."""
    return round(value, 1) + 0.0


def _why(runs: list[Run], way: tuple[str | None, str | None]) -> str:
    return why_no_latency(runs, *way, settled=True)


def _draw_step(
    ax: Axes,
    i: int,
    word: str,
    values: list[float],
    budgets: list[dict[str, float]],
    widest: float,
    kwargs: dict[str, Any],
) -> None:
    """Draw one step of every run's bar, and its value where it fits."""
    if all(math.isnan(value) for value in values):
        return
    style: dict[str, Any] = {"color": cycle(COLORS, i), "hatch": cycle(HATCHES, i)}
    style |= {"height": HEIGHT, "edgecolor": "white", "linewidth": 1.2}
    style |= normalize_kwargs(kwargs, Rectangle)
    label: str | None = f"{word} {_no_minus(values[0]):.1f} ms" if len(values) == 1 else word
    for row, (value, budget) in enumerate(zip(values, budgets, strict=True)):
        if math.isnan(value):
            continue
        left = _total(dict(list(budget.items())[:i]))
        ax.barh(row, value, left=left, label=label, gid=f"budget {i}", **style)
        label = None  # one entry in the legend is enough
        _write_value(ax, row, left, value, widest)


def _write_value(ax: Axes, row: int, left: float, value: float, widest: float) -> None:
    text = f"{value:.1f}"
    size = text_size(ax)
    room = room_points(ax)[0] * BARS_SHARE * 0.8 * value / widest
    if room > size * (0.6 * len(text) + 0.3):
        box: dict[str, Any] = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        place: dict[str, Any] = {"ha": "center", "va": "center"}
        ax.text(left + value / 2, row, text, size=size, bbox=box, **place)


def _write_ends(ax: Axes, totals: list[float], ends: list[str], widest: float) -> None:
    for row, (total, end) in enumerate(zip(totals, ends, strict=True)):
        at = (max(total, 0.0), row)
        offset: dict[str, Any] = {"xytext": (6, 0), "textcoords": "offset points"}
        ax.annotate(end, at, va="center", size=text_size(ax), weight="bold", **offset)


def _arrange(ax: Axes, bars: int, widest: float) -> None:
    """Put the first run on top, with the legend above it, and leave room for the totals."""
    share = legend(ax, columns=3, headroom=False)
    rows = bars - 1 + 2 * 0.55
    if ax.get_autoscaley_on():
        ax.set_ylim(bars - 0.45, -0.55 - rows * share / (1 - share))
    if ax.get_autoscalex_on():
        ax.set_xlim(0, widest / BARS_SHARE)
