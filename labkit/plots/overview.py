"""A run on one page: latency, bitrate, budget, set-up, link, and what was run."""

from __future__ import annotations

from collections.abc import Iterable
from string import ascii_uppercase
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plots.bitrate import plot_bitrate
from labkit.plots.budget import plot_budget
from labkit.plots.figure import Drawn, LabFigure
from labkit.plots.latency import plot_latency
from labkit.plots.link import plot_link
from labkit.plots.parts import page, within
from labkit.plots.runs import as_runs, run_names, told
from labkit.plots.setup import plot_setup
from labkit.run import Run
from labkit.run.summary import describe
from labkit.words import _

__all__ = ["plot_overview"]

WIDTH_INCHES = 16.0
HEIGHT_INCHES = 9.0
MORE_INCHES = 1.5
"""What every further run adds to the height."""

DPI = 120
SCALE = 0.93
PARTS = (("latency", "bitrate"), ("budget", "setup"), ("link", "link"))
PLACES = {
    "latency": (0.05, 0.74, 0.42, 0.24),
    "bitrate": (0.55, 0.74, 0.42, 0.24),
    "budget": (0.05, 0.38, 0.42, 0.24),
    "setup": (0.55, 0.38, 0.42, 0.24),
    "link": (0.05, 0.0, 0.92, 0.24),
}
"""Where the parts lie within axes that the caller gave: left, bottom, width, height."""


def plot_overview(
    run: Run | Iterable[Run],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    names: Iterable[str] | None = None,
    **kwargs: Any,
) -> tuple[Figure, dict[str, Axes]]:
    """Draw everything about a run on one page, with a line that says what was run.

    Args:
        run: One run or several.
        ax: Axes within which the parts are drawn; a new figure without it.
        title: Over the page, instead of what was run.
        names: What to call the runs in the title; by default what tells them apart.
        kwargs: For the lines of latency and bitrate.

    Returns:
        The figure, and the axes of each part by name: latency, bitrate, budget, setup, link.

    Raises:
        BadValue: ``run`` is no Run, or there are not as many names as runs.
    Notebook: notebooks/00-start.ipynb
    """
    runs = as_runs(run)
    short = ascii_uppercase[: len(runs)] if 1 < len(runs) <= len(ascii_uppercase) else None
    line = "\n".join(_lines(runs, short, names)) if title is None else title
    figure, parts = _page(line, max(1, len(runs))) if ax is None else within(ax, line, PLACES)
    plot_latency(runs, ax=parts["latency"], names=short, **kwargs)
    plot_bitrate(runs, ax=parts["bitrate"], names=short, **kwargs)
    plot_budget(runs, ax=parts["budget"], names=short)
    plot_setup(runs, ax=parts["setup"], names=short)
    plot_link(runs, ax=parts["link"], names=short)
    return Drawn((figure, parts))


def _lines(runs: list[Run], short: str | None, names: Iterable[str] | None) -> list[str]:
    """Return what was run: a line or two for one run, a line for each of several."""
    if not runs:
        return [_("No run")]
    if len(runs) == 1:
        return [describe(runs[0])[0], told(runs[0])]
    called = run_names(runs, names)
    return [f"{letter}: {name}" for letter, name in zip(short or called, called, strict=True)]


def _page(line: str, runs: int) -> tuple[Figure, dict[str, Axes]]:
    height = HEIGHT_INCHES + MORE_INCHES * min(runs - 1, 4)
    heights = [1, 1, 1 + 0.4 * min(runs - 1, 4)]  # the link has two rows a run

    def lay_out(figure: LabFigure) -> dict[str, Axes]:
        return figure.subplot_mosaic([list(row) for row in PARTS], height_ratios=heights)

    return page(line, lay_out, (WIDTH_INCHES, height), DPI, SCALE)
