"""A growing audience: what the server and the listeners cost, and how late the picture is."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plots.figure import Drawn, LabFigure, describe_axes
from labkit.plots.parts import check_columns, page, within
from labkit.plots.style import (
    COLORS,
    LINE_STYLES,
    MARKERS,
    cycle,
    label_axes,
    legend,
    line_style,
    log_height,
    say_why,
)
from labkit.words import _

__all__ = ["plot_broadcast"]

SIZE_INCHES = (12.8, 5.4)
DPI = 150
SCALE = 0.93
PARTS = {"cpu_percent": (0.0, 0.0, 0.44, 1.0), "latency_ms": (0.56, 0.0, 0.44, 1.0)}
"""Where the parts lie within axes that the caller gave: left, bottom, width, height."""


def plot_broadcast(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, dict[str, Axes]]:
    """Draw CPU and latency over the number of listeners.

    A large cross is where the machine is full (column ``full``).

    Args:
        table: From ``labkit.experiments.broadcast.broadcast``.
        ax: Axes within which the parts are drawn; a new figure without it.
        title: Over the page.
        kwargs: For the lines (``lw`` ...).

    Returns:
        The figure, and the axes of each part by name: cpu_percent, latency_ms.

    Raises:
        BadValue: ``table`` is another table.
    Notebook: notebooks/deeper/10-broadcast.ipynb
    """
    _check(table)
    own_title = _("One to many")
    over = title or own_title
    made = page(over, _lay_out, SIZE_INCHES, DPI, SCALE) if ax is None else within(ax, over, PARTS)
    figure, parts = made
    for name, (label, columns) in _contents().items():
        _draw(parts[name], label, columns, table, kwargs)
    return Drawn((figure, parts))


def _contents() -> dict[str, tuple[str, dict[str, str]]]:
    return {
        "cpu_percent": (
            _("CPU (% of one core)"),
            {"server_cpu_percent": _("the server"), "audience_cpu_percent": _("the listeners")},
        ),
        "latency_ms": (
            _latency_label(),
            {"bob_p50_ms": _("the lab’s receiver"), "audience_p50_ms": _("the SDK’s, with buffer")},
        ),
    }


def _latency_label() -> str:
    return _("Capture to decoded frame, p50 (ms)")


def _draw(
    ax: Axes, label: str, columns: dict[str, str], table: pd.DataFrame, kwargs: dict[str, Any]
) -> None:
    label_axes(ax, None, "", _("Listeners"), label)
    said = []
    for i, (column, name) in enumerate(columns.items()):
        known = table[["n", column, "full"]].dropna()
        if known.empty:
            continue
        style = {"color": cycle(COLORS, i), "linestyle": cycle(LINE_STYLES, i), "label": name}
        line = line_style(i, kwargs, **style, marker=cycle(MARKERS, i), markersize=9)
        ax.plot(known["n"], known[column].astype(float), **line)
        full = known[known["full"].astype(bool)]
        ax.plot(full["n"], full[column], "X", color=line["color"], markersize=15, gid="full")
        last = known.iloc[-1]
        told = _("{name}: {value:.1f} at {n}")
        said.append(told.format(name=name, value=float(last[column]), n=int(last["n"])))
    if not said:
        said = [_("Nobody listened.")]
        say_why(ax, said[0])
    elif label == _latency_label():
        log_height(ax)  # a full machine is a hundred times slower
        legend(ax, headroom=False, loc="upper left")
    else:
        legend(ax)
    describe_axes(ax, f"{label}. {'; '.join(said).rstrip('.')}.")


def _check(table: pd.DataFrame) -> None:
    wanted = [
        "n",
        "full",
        *(column for _label, columns in _contents().values() for column in columns),
    ]
    what = _("This is no table of a broadcast.")
    check_columns(table, wanted, what, _("Use what “await broadcast(…)” returns."))


def _lay_out(figure: LabFigure) -> dict[str, Axes]:
    return dict(zip(PARTS, figure.subplots(1, 2), strict=True))
