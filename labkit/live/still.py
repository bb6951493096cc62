"""The still picture of a live chart: it stays in the notebook's file, in PDF and on GitHub."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping, Sequence
from html import escape

from matplotlib.figure import Figure

from labkit.live.series import style_of
from labkit.words import _

__all__ = ["StillFigure", "still_figure"]


class StillFigure(Figure):
    """A figure that a cell shows without pyplot, which is not safe beside running widgets."""

    alt = ""

    def _repr_html_(self) -> str:
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        data = base64.b64encode(buffer.getvalue()).decode()
        return f'<img alt="{escape(self.alt)}" src="data:image/png;base64,{data}">'


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
    figure.alt = _alt(title, unit, values)
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


def _alt(title: str, unit: str, values: Mapping[str, Sequence[float]]) -> str:
    parts = [_("{title} over time.").format(title=title)]
    for name, line in values.items():
        present = [value for value in line if not math.isnan(value)]
        if present:
            parts.append(
                _("{name}: {low:.3g} to {high:.3g} {unit}, at the end {last:.3g} {unit}.").format(
                    name=name, low=min(present), high=max(present), last=present[-1], unit=unit
                )
            )
        else:
            parts.append(_("{name}: nothing.").format(name=name))
    return " ".join(parts)
