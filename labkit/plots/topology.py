"""Mesh, MCU and SFU beside each other: what N participants cost in each, and what they see."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plots.figure import Drawn, LabFigure, describe_axes
from labkit.plots.parts import page, within
from labkit.plots.runs import as_runs
from labkit.plots.style import (
    COLORS,
    LINE_STYLES,
    MARKERS,
    cycle,
    label_axes,
    legend,
    line_style,
    say_why,
    small_size,
)
from labkit.run import Run
from labkit.run.topology import topology_table
from labkit.words import _

__all__ = ["plot_topologies"]

SIZE_INCHES = (12.8, 8.0)
DPI = 150
SCALE = 0.93
ORDER = ("mesh", "mcu", "sfu")
PARTS = {
    "uplink_kbps": (0.0, 0.56, 0.44, 0.44),
    "downlink_kbps": (0.56, 0.56, 0.44, 0.44),
    "cpu_percent": (0.0, 0.0, 0.44, 0.44),
    "latency_p50_ms": (0.56, 0.0, 0.44, 0.44),
}
"""Where the parts lie within axes that the caller gave: left, bottom, width, height."""


def plot_topologies(
    runs: Run | Iterable[Run] | pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, dict[str, Axes]]:
    """Draw uplink, downlink, CPU and latency over the number of participants.

    One curve for each of mesh, MCU and SFU. A curve ends with a large cross where the machine is
    full (``labkit.run.topology.topology_row``, in at least half of the runs of that N; fewer full
    runs are left out): what more participants cost cannot be told from what a busy machine costs. A
    latency there that is far
    above all others is drawn at their height, and written beside the cross. The CPU is that of all
    processes, whoever's work they do. The latency's band reaches from the median to the 95th
    percentile.

    Args:
        runs: Of ``lab.mesh``, ``lab.mcu`` and ``lab.room``, with different N; or what
            ``labkit.run.topology.topology_table`` has made of them.
        ax: Axes within which the parts are drawn; a new figure without it.
        title: Over the page.
        kwargs: For the lines (``lw`` ...).

    Returns:
        The figure, and the axes of each part by name: uplink_kbps, downlink_kbps, cpu_percent,
        latency_p50_ms.

    Raises:
        BadValue: ``runs`` are no Runs.
    Notebook: notebooks/10-mesh-and-sfu.ipynb
    """
    rows = _curves(runs if isinstance(runs, pd.DataFrame) else topology_table(as_runs(runs)))
    own_title = _("What N participants cost")
    over = title or own_title
    made = page(over, _lay_out, SIZE_INCHES, DPI, SCALE) if ax is None else within(ax, over, PARTS)
    figure, parts = made
    for name, label in _labels().items():
        _draw(parts[name], name, label, rows, kwargs)
    return Drawn((figure, parts))


def _labels() -> dict[str, str]:
    return {
        "uplink_kbps": _("Uplink of a participant (kbit/s)"),
        "downlink_kbps": _("Downlink of a participant (kbit/s)"),
        "cpu_percent": _("CPU of all processes (% of one core)"),
        "latency_p50_ms": _("Capture to decoded frame (ms)"),
    }


def _name(topology: str) -> str:
    return {"mesh": _("Mesh"), "mcu": _("MCU"), "sfu": _("SFU")}.get(topology, topology)


def _label(topology: str, rows: pd.DataFrame) -> str:
    """Return the curve's name; it says where a participant does not see all the others."""
    if (rows["seen"] > rows["n"] - 1.01).all():
        return _name(topology)
    return _("{topology} (not everybody sees everybody)").format(topology=_name(topology))


def _curves(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return by topology a row for each N, the mean of its runs, up to the first full one."""
    table = table.drop(columns="cpu_by_process", errors="ignore")
    curves: dict[str, pd.DataFrame] = {}
    for topology in ORDER if len(table) else ():
        own = table[table["topology"] == topology].drop(columns="topology")
        own = own.assign(full=own["full"].eq(True))
        full = own.groupby("n")["full"].transform("mean") >= 0.5
        own = own[full | ~own["full"]]  # one late second of three runs is no full machine
        own = own.groupby("n", as_index=False).mean()
        own["full"] = own["full"] > 0
        if len(own):
            ends = int(own["full"].to_numpy().argmax()) if own["full"].any() else len(own) - 1
            curves[topology] = own.iloc[: ends + 1]
    return curves


def _draw(
    ax: Axes, name: str, label: str, curves: dict[str, pd.DataFrame], kwargs: dict[str, Any]
) -> None:
    label_axes(ax, None, "", _("Participants"), label)
    low = _kept_low(ax, name, curves) if name == "latency_p50_ms" else curves
    for topology, rows in low.items():
        if rows[name].notna().any():
            _draw_curve(ax, name, topology, rows, kwargs)
    if not ax.lines:
        why = _("No run tells it.")
        say_why(ax, why)
        describe_axes(ax, f"{label}. {why}")
        return
    _number_the_participants(ax, curves)
    legend(ax)
    said = [_told(topology, rows, name) for topology, rows in curves.items()]
    describe_axes(ax, f"{label}. " + " ".join(text for text in said if text))


def _kept_low(ax: Axes, name: str, curves: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the curves with a full machine's latency at the upper edge, written beside it.

    It would be so high that nothing else could be told apart.
    """
    calm = [rows.loc[~rows["full"], "latency_p95_ms"].max() for rows in curves.values()]
    highest = max((float(value) for value in calm if value > 0), default=math.inf)
    kept = {}
    for topology, rows in curves.items():
        beyond = rows["full"] & (rows[name] > 1.3 * highest)
        for n, value in zip(rows.loc[beyond, "n"], rows.loc[beyond, name], strict=True):
            text = _("{value:.0f} ms ↑").format(value=value)
            place: dict[str, Any] = {"ha": "right", "va": "center", "size": small_size(ax)}
            ax.annotate(text, (n, highest), (-14, 0), textcoords="offset points", **place)
        kept[topology] = rows.assign(**{name: rows[name].mask(beyond, highest)})
    return kept


def _number_the_participants(ax: Axes, curves: dict[str, pd.DataFrame]) -> None:
    known = sorted({int(n) for rows in curves.values() for n in rows["n"]})
    ax.set_xticks(range(known[0], known[-1] + 1))
    ax.set_xlim(known[0] - 0.4, known[-1] + 0.4)


def _draw_curve(
    ax: Axes, name: str, topology: str, rows: pd.DataFrame, kwargs: dict[str, Any]
) -> None:
    i = ORDER.index(topology)
    style = {"color": cycle(COLORS, i), "linestyle": cycle(LINE_STYLES, i)}
    marks = {"marker": cycle(MARKERS, i), "markersize": 9}
    label = _label(topology, rows)
    line = line_style(i, kwargs, **style, **marks, label=label, gid=f"curve {topology}")
    ax.plot(rows["n"], rows[name], **line)
    calm = rows[~rows["full"]]
    if name == "latency_p50_ms":
        above = calm["latency_p95_ms"]
        ax.fill_between(calm["n"], calm[name], above, color=line["color"], alpha=0.15, lw=0)
    full = rows[rows["full"]]
    if len(full):
        said = _("{topology}: the machine is full").format(topology=_name(topology))
        end = line_style(i, {}, color=line["color"], marker="X", markersize=15, linestyle="")
        ax.plot(full["n"], full[name], label=said, gid=f"full {topology}", **end)


def _told(topology: str, rows: pd.DataFrame, name: str) -> str:
    """Return a curve in words: what is missing is left out."""
    known = [
        _("{value:.0f} for {n}").format(value=value, n=int(n))
        for n, value in zip(rows["n"], rows[name], strict=True)
        if not math.isnan(value)
    ]
    if not known:
        return ""
    full = rows.loc[rows["full"], "n"]
    ending = _(", full at {n}").format(n=int(full.iloc[0])) if len(full) else ""
    values = ", ".join(known)
    return _("{topology}: {values}{ending}.").format(
        topology=_label(topology, rows), values=values, ending=ending
    )


def _lay_out(figure: LabFigure) -> dict[str, Axes]:
    names = iter(PARTS)
    return figure.subplot_mosaic([[next(names), next(names)] for _row in range(2)])
