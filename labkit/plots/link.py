"""The link: what was asked of it beside what it did, in each direction."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from labkit.plots.runs import as_runs, asked_over_time, link_history, run_names
from labkit.plots.style import (
    COLORS,
    LABEL_POINTS,
    MARKERS,
    axes_for,
    cycle,
    drawn,
    dress,
    label_axes,
    room_points,
    say_why,
    small_size,
    text_size,
)
from labkit.run import Run
from labkit.run import statistics as stats
from labkit.words import _

__all__ = ["plot_link"]

DOTS = 400
"""Datagrams that are drawn of each direction at most, evenly taken."""

PANELS = {
    "delay_ms": (0.0, 0.32),
    "error_ms": (0.35, 0.22),
    "loss": (0.6, 0.18),
    "rate_kbps": (0.81, 0.19),
}
"""Left edge and width of each panel, as shares of the axes."""


@dataclass(frozen=True)
class Row:
    """One direction of one run: what was asked and what was measured."""

    run: str
    way: str
    asked: dict[str, list[float]]
    "Every value that was asked for during the recording, by field of the link; 0 to 1 for loss."
    delays_ms: NDArray[np.float64]
    "What each delivered datagram took from the relay's way in to its way out."
    delay_p50_ms: float
    loss: float
    counts: dict[str, int]
    rate_kbps: float
    error_ms: dict[str, float]


def plot_link(
    run: Run | Iterable[Run],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    names: Iterable[str] | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw delay, loss and rate of each direction: asked for, and measured by the relay.

    Small points are single datagrams, large ones their median or mean. The delay has the wait
    in the link's queue in it. The link's own error is what the relay itself was late
    (``statistics.link_error_ms``): its median, and a line up to its 99th percentile.

    Args:
        run: One run or several; two rows each, a direction a row.
        ax: Where to draw; a new figure without it. The panels lie within it.
        title: Over the axes.
        names: What to call the runs; by default what tells them apart.
        kwargs: For the points (``color``, ``markersize`` ...).

    Raises:
        BadValue: ``run`` is no Run, or there are not as many names as runs.
    Notebook: notebooks/06-latency.ipynb
    """
    runs = as_runs(run)
    axes = axes_for(ax)
    called = run_names(runs, names)
    rows = [row for one, name in zip(runs, called, strict=True) for row in _rows(one, name)]
    label_axes(axes, title, _("The link: asked for and measured"))
    if not rows:
        why = _why(runs)
        say_why(axes, why)
        return drawn(axes, _("Link, asked for and measured. {why}").format(why=why))
    axes.set_axis_off()
    panels = {name: _panel(axes, name, rows) for name in PANELS}
    for i, row in enumerate(rows):
        _draw_delay(panels["delay_ms"], i, row, kwargs)
        _draw_error(panels["error_ms"], i, row, kwargs)
        _draw_loss(panels["loss"], i, row, kwargs)
        _draw_rate(panels["rate_kbps"], i, row, kwargs)
    if len(runs) > 1:
        _head_rows(panels["delay_ms"], rows)
    for panel in panels.values():
        panel.set_xlim(0, panel.dataLim.x1 * 1.15 or 1)
    _legend(axes)
    texts = "; ".join(_in_words(row, len(runs) > 1) for row in rows)
    return drawn(axes, _("Link, asked for and measured. {rows}.").format(rows=texts))


def _why(runs: list[Run]) -> str:
    if not runs:
        return _("No run was given. Record one: run = await call.record(5).")
    return _(
        "Nothing is known of a link: no datagram went through the relay. "
        "Record a run with lab.call(link=Link(delay_ms=50))."
    )


def _rows(run: Run, name: str) -> list[Row]:
    sender, receiver = stats.direction(run, None, None)
    ways = ((sender, receiver), (receiver, sender))
    return [_row(run, name, *way) for way in ways if not stats.wire_packets(run, *way).empty]


def _row(run: Run, name: str, sender: str, receiver: str) -> Row:
    packets = stats.wire_packets(run, sender, receiver)
    packets = packets[packets["fate"] == "delivered"]
    delays = ((packets["arrived_s"] - packets["sent_s"]) * 1000).dropna().to_numpy(dtype=float)
    return Row(
        run=name,
        way=f"{sender} → {receiver}",
        asked=_asked(run, sender, receiver),
        delays_ms=delays,
        delay_p50_ms=stats.percentiles(delays)["p50"],
        loss=stats.loss_achieved(run, sender, receiver),
        counts=stats.datagrams(run, sender, receiver),
        rate_kbps=stats.bitrate_kbps(run, sender, receiver),
        error_ms=stats.link_error_ms(run, sender, receiver),
    )


def _asked(run: Run, sender: str, receiver: str) -> dict[str, list[float]]:
    history = link_history(run, sender, receiver)
    asked = {}
    for name in ("delay_ms", "jitter_ms", "loss", "rate_kbps"):
        _times, values = asked_over_time(history, name, *stats.window(run))
        asked[name] = list(dict.fromkeys(value for value in values if not math.isnan(value)))
    return asked


def _panel(ax: Axes, name: str, rows: list[Row]) -> Axes:
    labels = {
        "delay_ms": _("Delay, queue included (ms)"),
        "error_ms": _("Link’s own error (ms)"),
        "loss": _("Loss (%)"),
        "rate_kbps": _("Rate (kbit/s)"),
    }
    left, width = PANELS[name]
    scale = text_size(ax) / LABEL_POINTS
    legend_share = min(0.4, 2.4 * small_size(ax) / room_points(ax)[1])
    panel = dress(ax.inset_axes((left, 0, width, 1 - legend_share)), scale)
    panel.apply_aspect(panel.get_axes_locator()(panel, None))  # type: ignore[arg-type]
    panel.patch.set_visible(False)
    panel.set_xlabel(labels[name], size=small_size(ax))
    panel.xaxis.set_major_locator(MaxNLocator(5 if name == "delay_ms" else 3, prune="upper"))
    names = [row.way if name == "delay_ms" else "" for row in rows]
    panel.set_yticks(range(len(rows)), names)
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.grid(False, axis="y")
    return panel


def _draw_asked(panel: Axes, i: int, values: list[float]) -> None:
    style: dict[str, Any] = {"linestyle": "none", "color": "black", "markersize": 24}
    style |= {"clip_on": False, "marker": "|", "markeredgewidth": 3.5}
    if values:
        panel.plot(values, [i] * len(values), gid="asked", zorder=2, **style)


def _draw_measured(panel: Axes, i: int, value: float, kwargs: dict[str, Any]) -> None:
    style: dict[str, Any] = {"color": cycle(COLORS, i), "marker": cycle(MARKERS, i)}
    style |= {"markersize": 13, "linestyle": "none", "markeredgecolor": "white"}
    style |= {"zorder": 4, "clip_on": False}
    panel.plot([value], [i], gid="measured", **{**style, **normalize_kwargs(kwargs, Line2D)})


def _write(panel: Axes, i: int, text: str) -> None:
    """Write below a row's points, where there is room."""
    size = text_size(panel)
    row_points = room_points(panel)[1] / abs(np.diff(panel.get_ylim())[0])
    if row_points > 3.4 * size:
        style: dict[str, Any] = {"transform": panel.get_yaxis_transform(), "va": "top"}
        style["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.5}
        written = panel.text(0.02, i + 11 / row_points, text, zorder=5, size=size, **style)
        written.set_in_layout(False)


def _head_rows(panel: Axes, rows: list[Row]) -> None:
    """Write each run's name above the first of its rows."""
    style: dict[str, Any] = {"transform": panel.get_yaxis_transform(), "va": "bottom"}
    style |= {"weight": "bold", "size": text_size(panel)}
    before = None
    for i, row in enumerate(rows):
        if row.run != before:
            panel.text(0.02, i - 0.22, row.run, zorder=5, **style).set_in_layout(False)
        before = row.run


def _draw_delay(panel: Axes, i: int, row: Row, kwargs: dict[str, Any]) -> None:
    delays = row.delays_ms[:: max(1, math.ceil(len(row.delays_ms) / DOTS))]
    spread = i - 0.12 + 0.24 * (np.arange(len(delays)) * 0.618 % 1)
    style: dict[str, Any] = {"color": cycle(COLORS, i), "marker": ".", "alpha": 0.5}
    style |= {"markersize": 5, "linestyle": "none"}
    panel.plot(delays, spread, gid="datagrams", zorder=1, **style)
    _draw_asked(panel, i, row.asked["delay_ms"])
    for delay, jitter in zip(row.asked["delay_ms"], row.asked["jitter_ms"], strict=False):
        if jitter:
            low, high = max(0.0, delay - jitter), delay + jitter
            panel.plot([low, high], [i, i], color="black", linewidth=2, gid="jitter", zorder=2)
    _draw_measured(panel, i, row.delay_p50_ms, kwargs)
    _write(panel, i, _("median {p50:.1f} ms").format(p50=row.delay_p50_ms))


def _draw_error(panel: Axes, i: int, row: Row, kwargs: dict[str, Any]) -> None:
    if not row.error_ms["n"]:
        _write(panel, i, _("not recorded"))
        return
    p50, p99 = row.error_ms["p50"], row.error_ms["p99"]
    panel.plot([0, p99], [i, i], color="0.5", linewidth=3, marker="|", markersize=14, zorder=1)
    _draw_measured(panel, i, p50, kwargs)
    _write(panel, i, f"p50 {p50:.2f}, p99 {p99:.2f}")


def _draw_loss(panel: Axes, i: int, row: Row, kwargs: dict[str, Any]) -> None:
    _draw_asked(panel, i, [loss * 100 for loss in row.asked["loss"]])
    _draw_measured(panel, i, row.loss * 100, kwargs)
    text = _("{loss:.2f} % of {sent}").format(loss=row.loss * 100, **row.counts)
    if row.counts["queue_full"]:
        text += _(" + {n} (queue)").format(n=row.counts["queue_full"])
    _write(panel, i, text)


def _draw_rate(panel: Axes, i: int, row: Row, kwargs: dict[str, Any]) -> None:
    limits = row.asked["rate_kbps"]
    _draw_asked(panel, i, limits)
    _draw_measured(panel, i, row.rate_kbps, kwargs)
    _write(panel, i, f"{row.rate_kbps:.0f}, {_limit_text([f'{rate:g}' for rate in limits])}")


def _legend(ax: Axes) -> None:
    def mark(label: str, marker: str, size: float, color: str, edge: float = 1) -> Line2D:
        style: dict[str, Any] = {"linestyle": "none", "color": color, "markeredgewidth": edge}
        return Line2D([], [], label=label, marker=marker, markersize=size, **style)

    handles = [
        mark(_("asked for"), "|", 18, "black", 3.5),
        mark(_("measured"), "o", 11, COLORS[0]),
        mark(_("one datagram"), ".", 6, COLORS[0]),
    ]
    style: dict[str, Any] = {"loc": "upper left", "frameon": False, "fontsize": small_size(ax)}
    ax.legend(handles=handles, ncols=3, borderaxespad=0, **style)


def _limit_text(rates: list[str]) -> str:
    return _("limit {rates}").format(rates=" → ".join(rates)) if rates else _("no limit")


def _in_words(row: Row, several: bool) -> str:
    asked = {name: [f"{v * (100 if name == 'loss' else 1):g}" for v in values]
             for name, values in row.asked.items()}  # fmt: skip
    text = _(
        "{name}: delay asked {delay} ms, median {p50:.1f} ms, loss asked {loss} %, achieved "
        "{achieved:.2f} % of {sent} datagrams, {full} dropped by the queue, rate {rate:.0f} "
        "kbit/s, {limit}"
    ).format(
        name=f"{row.run}, {row.way}" if several else row.way,
        delay=" → ".join(asked["delay_ms"]) or _("unknown"),
        p50=row.delay_p50_ms,
        loss=" → ".join(asked["loss"]) or _("unknown"),
        achieved=row.loss * 100,
        sent=row.counts["sent"],
        full=row.counts["queue_full"],
        limit=_limit_text(asked["rate_kbps"]),
        rate=row.rate_kbps,
    )
    if row.error_ms["n"]:
        error = _("the link’s own error p50 {p50:.2f} ms, p99 {p99:.2f} ms")
        text += ", " + error.format(**row.error_ms)
    return text
