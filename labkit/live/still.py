"""The still picture of a live chart: it stays in the notebook's file, in PDF and on GitHub."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from labkit.live.series import style_of
from labkit.words import _

__all__ = ["StillFigure", "still_figure"]


class StillFigure(Figure):
    """A figure that a cell shows without pyplot, which is not safe beside running widgets."""

    def _repr_png_(self) -> bytes:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()


def still_figure(
    title: str, unit: str, times: Sequence[float], values: Mapping[str, Sequence[float]]
) -> StillFigure:
    """Return a matplotlib figure of several series over time.

    Args:
        title: What is drawn.
        unit: Its unit.
        times: Seconds, one for each value.
        values: Values by series, NaN where there is none.
    """
    figure = StillFigure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots()
    for position, (name, line) in enumerate(values.items()):
        look = style_of(position)
        axes.plot(
            times, line, look.mpl_line, color=look.colour, marker=look.mpl_marker, lw=2,
            markevery=max(1, len(times) // 12), markersize=7, label=name,
        )  # fmt: skip
    axes.set_title(title, loc="left", fontsize=15)
    axes.set_xlabel(_("time in the call (s)"), fontsize=13)
    axes.set_ylabel(f"{title} ({unit})", fontsize=13)
    axes.tick_params(labelsize=12)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    if values:
        axes.legend(fontsize=12)
    if not times:
        axes.text(0.5, 0.5, _("Nothing has been drawn yet."), ha="center", fontsize=13,
                  transform=axes.transAxes)  # fmt: skip
    return figure
