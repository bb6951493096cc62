"""How long a receiver waited for each picture, with the moments at which something was broken."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.errors import BadValue
from labkit.plots.runs import as_runs
from labkit.plots.style import (
    COLORS,
    axes_for,
    drawn,
    label_axes,
    line_style,
    log_height,
    say_why,
    small_size,
)
from labkit.run import Run
from labkit.run.gaps import arrivals
from labkit.words import _

__all__ = ["plot_gaps"]


def plot_gaps(
    run: Run,
    receiver: str,
    mark: str = "",
    *,
    ax: Axes | None = None,
    title: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw the time between a receiver's pictures over time, on a logarithmic axis.

    Args:
        run: One run.
        receiver: Whose pictures count.
        mark: Name of the events to draw as lines, with what their details say.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        kwargs: For the points (``color``, ``markersize`` ...).

    Raises:
        BadValue: ``run`` is not one Run.

    Notebook: notebooks/deeper/09-reconnection.ipynb
    """
    runs = as_runs(run)
    if len(runs) > 1:
        raise BadValue(_("This figure shows one run."), next_step=_("Give one of them."))
    axes = axes_for(ax)
    own_title = _("How long {who} waited for each picture").format(who=receiver)
    x, y = _("Time since the call began (s)"), _("Time since the picture before (ms)")
    label_axes(axes, title, own_title, x, y)
    times = arrivals(runs[0], receiver) if runs else np.empty(0)
    if len(times) < 2:
        why = _("This run has no two pictures at {who}. Record a longer one.").format(who=receiver)
        say_why(axes, why)
        return drawn(axes, _("Time between pictures. {why}").format(why=why))
    gaps_ms = np.diff(times) * 1000
    points = {"marker": "o", "linestyle": "", "markersize": 5, "gid": "gaps"}
    log_height(axes)
    axes.plot(times[1:], gaps_ms, **line_style(0, kwargs, **points))
    marks = _mark(axes, runs[0], mark)
    if marks:  # room for their words
        axes.set_ylim(top=gaps_ms.max() * 20)
    text = _("Time between pictures at {who}: median {median:.0f} ms, longest {longest:.0f} ms.")
    said = text.format(who=receiver, median=np.median(gaps_ms), longest=gaps_ms.max())
    return drawn(axes, " ".join([said, *marks]))


def _mark(ax: Axes, run: Run, mark: str) -> list[str]:
    """Draw the marked moments and return them in words."""
    said = []
    began_s = run.meta.get("recorded_from_s", 0.0)
    for row in run.events[run.events["at_s"] >= began_s].itertuples():
        if row.name != mark:
            continue
        ax.axvline(row.at_s, color=COLORS[1], linewidth=1.5, linestyle="--")
        ax.annotate(
            str(row.detail), (row.at_s, 0.98), (5, 0), xycoords=ax.get_xaxis_transform(),
            textcoords="offset points", rotation=90, ha="left", va="top", size=small_size(ax),
            color=COLORS[1],
        )  # fmt: skip
        said.append(_("At {at_s:.1f} s: {what}.").format(at_s=row.at_s, what=row.detail))
    return said
