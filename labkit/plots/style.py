"""How the figures look: sizes for a projector, series told apart by more than colour."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.lines import Line2D
from matplotlib.ticker import LogFormatter, StrMethodFormatter

from labkit.plots.figure import Drawn, LabFigure, describe_axes, figure_of

__all__ = [
    "COLORS",
    "HATCHES",
    "LINE_STYLES",
    "MARKERS",
    "axes_for",
    "cycle",
    "drawn",
    "dress",
    "label_axes",
    "legend",
    "line_style",
    "log_height",
    "room_points",
    "say_why",
    "small_size",
    "text_size",
    "wrapped",
]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's colours, which people with any colour vision tell apart."""

LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("", "//", "..", "xx", "\\\\", "oo", "++")

LABEL_POINTS = 14
TITLE_POINTS = 17
TICK_POINTS = 13
LINE_POINTS = 2.5

_LETTER = 0.53
"""Mean width of a letter, as a share of its size."""


def axes_for(ax: Axes | None) -> Axes:
    """Return the caller's axes as they are, or new ones that can be read from the last row."""
    return dress(LabFigure().add_subplot()) if ax is None else ax


def dress(ax: Axes, scale: float = 1.0) -> Axes:
    """Give axes of our own their sizes and a quiet grid."""
    ax.xaxis.label.set_fontsize(LABEL_POINTS * scale)
    ax.yaxis.label.set_fontsize(LABEL_POINTS * scale)
    ax.title.set_fontsize(TITLE_POINTS * scale)
    ax.tick_params(labelsize=TICK_POINTS * scale, width=1.2, length=5)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_linewidth(1.2)
    ax.grid(True, color="0.88", linewidth=1)
    ax.set_axisbelow(True)
    return ax


def drawn(ax: Axes, text: str) -> Drawn:
    """Return what a plot function returns; ``text`` says in words what was drawn."""
    describe_axes(ax, text)
    return Drawn((figure_of(ax), ax))


def label_axes(ax: Axes, title: str | None, own_title: str, x: str = "", y: str = "") -> None:
    """Set title and labels where the caller has set none."""
    if title is not None or not ax.get_title():
        size = ax.title.get_fontsize()
        ax.set_title(own_title if title is None else title, fontsize=size)
    if not ax.get_xlabel():
        ax.set_xlabel(x)
    if not ax.get_ylabel():
        ax.set_ylabel(y)


def log_height(ax: Axes) -> None:
    """Make the height logarithmic, with plain numbers beside it: 1,000, not a power of ten."""
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    ax.yaxis.set_minor_formatter(LogFormatter())


def cycle(choices: tuple[str, ...], i: int) -> str:
    """Return the i-th choice, from the start again after the last."""
    return choices[i % len(choices)]


def line_style(i: int, kwargs: Mapping[str, Any], **defaults: Any) -> dict[str, Any]:
    """Return the i-th series' line properties; what the caller set comes first.

    Args:
        i: Number of the series, from 0.
        kwargs: What the caller set, under any of matplotlib's names (``lw``, ``c`` ...).
        defaults: What this figure does otherwise than others.
    """
    style: dict[str, Any] = {
        "color": cycle(COLORS, i),
        "linestyle": cycle(LINE_STYLES, i),
        "linewidth": LINE_POINTS,
    }
    return {**style, **defaults, **normalize_kwargs(dict(kwargs), Line2D)}


def text_size(ax: Axes) -> float:
    """Return the size for words within the axes, in points: as large as its labels."""
    return float(ax.xaxis.label.get_fontsize())


def room_points(ax: Axes) -> tuple[float, float]:
    """Return about how wide and high the axes are, in points."""
    box = ax.get_window_extent()
    points = 72 / figure_of(ax).dpi
    return box.width * points, box.height * points


def wrapped(ax: Axes, text: str, share: float = 0.9) -> str:
    """Break a text into lines that fit into a share of the axes' width, first after a colon."""
    letters = max(12, int(share * room_points(ax)[0] / (_LETTER * text_size(ax))))
    head, colon, tail = text.partition(": ")
    if colon and len(text) > letters:
        return textwrap.fill(f"{head}:", letters) + "\n" + textwrap.fill(tail, letters)
    return textwrap.fill(text, letters)


def say_why(ax: Axes, sentence: str) -> None:
    """Write a sentence into the middle of axes that stay empty."""
    if not ax.has_data():
        ax.set_xticks([])
    if not _data_lines(ax):
        ax.set_yticks([])
    ax.text(
        0.5,
        0.5,
        wrapped(ax, sentence),
        transform=ax.transAxes,
        ha="center",
        va="center",
        size=text_size(ax),
    )


def small_size(ax: Axes) -> float:
    """Return the size for the legend and for numbers beside points, in points."""
    return text_size(ax) * TICK_POINTS / LABEL_POINTS


def legend(
    ax: Axes, *, columns: int = 1, headroom: bool = True, below: float = 0.0, **kwargs: Any
) -> float:
    """Show the legend; the y axis starts at zero and has room for it above the lines.

    Args:
        ax: The axes.
        columns: Of the legend, where they fit.
        headroom: Make room; else that is left to the caller.
        below: Share of the axes to keep free below zero, at most 0.3.
        kwargs: For ``Axes.legend``.

    Returns:
        About how high the legend is, as a share of the axes.
    """
    handles, labels = ax.get_legend_handles_labels()
    labels = [wrapped(ax, label, 0.9) for label in labels]
    if labels:
        columns = _columns_that_fit(ax, labels, columns)
        style: dict[str, Any] = {"loc": "upper left", "framealpha": 0.9, "handlelength": 2.4}
        style |= {"ncols": columns, "fontsize": small_size(ax), **kwargs}
        # A long legend must not squeeze the axes.
        ax.legend(handles, labels, **style).set_in_layout(False)
    above = min(0.6, _legend_points(ax, labels, columns) / room_points(ax)[1])
    if headroom:
        _make_room(ax, above, below)
    return above


def _legend_points(ax: Axes, labels: list[str], columns: int) -> float:
    rows = math.ceil(len(labels) / columns)
    lines = sum(max(label.count("\n") + 1 for label in labels[row::rows]) for row in range(rows))
    return (lines * 1.2 + rows * 0.5 + 1.5) * small_size(ax)


def _columns_that_fit(ax: Axes, labels: list[str], columns: int) -> int:
    """Return how many columns of a legend fit beside each other, at least one."""
    for count in range(columns, 1, -1):
        rows = math.ceil(len(labels) / count)
        widths = [
            max(len(line) for label in labels[i : i + rows] for line in label.split("\n"))
            for i in range(0, len(labels), rows)
        ]
        if (sum(widths) * _LETTER + 5 * count) * small_size(ax) < room_points(ax)[0]:
            return count
    return 1


def _make_room(ax: Axes, above: float, below: float) -> None:
    """Start at zero, and keep shares of the height free, where the caller has set no limits."""
    height = _top(ax) / (1 - above - below)
    lowest = -below * height
    for line in _data_lines(ax):
        line.sticky_edges.y[:] = [lowest]
    ax.update_datalim([(ax.dataLim.x0, lowest), (ax.dataLim.x0, (1 - below) * height)])
    ax.autoscale_view()


def _top(ax: Axes) -> float:
    """Return the highest value of the lines, 0 where there is none."""
    y = [np.asarray(line.get_ydata(), dtype=float) for line in _data_lines(ax)]
    y = [values[~np.isnan(values)] for values in y]
    return max((float(values.max()) for values in y if values.size), default=0.0)


def _data_lines(ax: Axes) -> list[Line2D]:
    return [line for line in ax.get_lines() if line.get_transform() == ax.transData]
