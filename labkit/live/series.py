"""How the lines of a chart are told apart: by colour, dash and marker together."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

__all__ = ["SeriesStyle", "style_of"]


@dataclass(frozen=True)
class SeriesStyle:
    """One line's look, in the words of bqplot and of matplotlib.

    Four colours are Okabe and Ito's, which colour-blind readers can tell apart
    (https://jfly.uni-koeln.de/color/); their other ones are too pale for lines on white.
    """

    colour: str
    marker: str
    "bqplot's marker."
    mpl_line: str | tuple[float, tuple[float, ...]]
    mpl_marker: str
    svg_dash: str
    "As in ``chart.css``, which gives the live lines their dashes."
    svg_marker: str
    "Path of the marker around (0, 0)."

    def swatch(self) -> str:
        """Return the look as a small inline SVG, for a legend in HTML."""
        return (
            '<svg width="48" height="18" viewBox="-24 -9 48 18" aria-hidden="true">'
            f'<line x1="-24" x2="24" stroke="{self.colour}" stroke-width="3" '
            f'stroke-dasharray="{self.svg_dash}"/>'
            f'<path d="{self.svg_marker}" fill="{self.colour}"/></svg>'
        )

    def legend(self, name: str) -> str:
        """Return the swatch and the series' name as HTML."""
        return f'<span class="lab-legend">{self.swatch()} {escape(name)}</span>'


_CIRCLE = "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0 -12 0"
_SQUARE = "M-6 -6h12v12h-12z"
_TRIANGLE = "M0 -7L7 6H-7z"
_DIAMOND = "M0 -8L7 0L0 8L-7 0z"
_TRIANGLE_DOWN = "M0 7L7 -6H-7z"
_CROSS = "M-2 -7h4v5h5v4h-5v5h-4v-5h-5v-4h5z"

_STYLES = (
    SeriesStyle("#0072B2", "circle", "-", "o", "none", _CIRCLE),
    SeriesStyle("#D55E00", "square", "--", "s", "9 5", _SQUARE),
    SeriesStyle("#009E73", "triangle-up", ":", "^", "3 4", _TRIANGLE),
    SeriesStyle("#CC79A7", "diamond", "-.", "D", "9 4 2 4", _DIAMOND),
    SeriesStyle("#767676", "triangle-down", (0, (8, 2)), "v", "16 4", _TRIANGLE_DOWN),
    SeriesStyle("#A87900", "cross", (0, (5, 2, 1, 2, 1, 2)), "P", "9 3 2 3 2 3", _CROSS),
)


def style_of(position: int) -> SeriesStyle:
    """Return the look of the series at a position; after six they begin again."""
    return _STYLES[position % len(_STYLES)]
