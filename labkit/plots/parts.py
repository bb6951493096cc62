"""A page of several parts, and the check that a table has what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.errors import BadValue
from labkit.plots.figure import LabFigure, figure_of
from labkit.plots.style import dress
from labkit.words import _

__all__ = ["check_columns", "page", "within"]

Place = tuple[float, float, float, float]


def page(
    title: str,
    lay_out: Callable[[LabFigure], Mapping[Any, Axes]],
    size_inches: tuple[float, float],
    dpi: float,
    scale: float = 1.0,
) -> tuple[Figure, dict[str, Axes]]:
    """Return a new figure and its parts by name.

    Args:
        title: Over the page.
        lay_out: Makes the parts in the figure.
        size_inches: Width and height.
        dpi: Dots per inch.
        scale: Of the letters in the parts.
    """
    figure = LabFigure(size_inches, dpi)
    parts = lay_out(figure)
    for part in parts.values():
        dress(part, scale)
    figure.suptitle(title, fontsize=15, x=0.01, ha="left")
    figure.draw_without_rendering()  # so that each part knows how much room it has
    return figure, {str(name): part for name, part in parts.items()}


def within(ax: Axes, title: str, places: Mapping[str, Place]) -> tuple[Figure, dict[str, Axes]]:
    """Return the figure of the caller's axes, and parts that lie within them.

    Args:
        ax: The caller's axes.
        title: Over them, unless they have one.
        places: Where each part lies: left, bottom, width, height.
    """
    ax.set_axis_off()
    if not ax.get_title():
        ax.set_title(title)
    return figure_of(ax), {name: ax.inset_axes(place) for name, place in places.items()}


def check_columns(table: Any, columns: Iterable[str], what: str, next_step: str) -> None:
    """Refuse what is no table with these columns.

    Args:
        table: What was given.
        columns: What is drawn.
        what: What it is not, as a sentence.
        next_step: Where such a table comes from, as a sentence.

    Raises:
        BadValue: A column is missing.
    """
    lacking = [c for c in columns if not isinstance(table, pd.DataFrame) or c not in table]
    if lacking:
        why = _("It has no column {names}.").format(names=", ".join(lacking))
        raise BadValue(what, why, next_step)
