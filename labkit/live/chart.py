"""A chart that grows while a notebook runs, and the same data as a figure that stays."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bqplot
import ipywidgets
import numpy as np

from labkit.errors import BadValue
from labkit.live.closing import close_with_parts
from labkit.live.lines import QuickLines, drawable, line_points
from labkit.live.points import Points
from labkit.live.series import SeriesStyle, style_of
from labkit.words import _

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LiveChart", "axis_top"]

MARKER_EVERY_S = 5.0
WINDOW_STEP_S = 10.0
_STEPS = {1: 5, 2: 4, 3: 3, 4: 4, 5: 5, 6: 3, 8: 4}
"""Where an axis may end (times a power of ten), and how many parts it then has."""

_STYLE = Path(__file__).with_name("chart.css").read_text(encoding="utf-8")
_GRID = "rgba(128, 128, 128, 0.25)"


def axis_top(largest: float, now: float) -> float:
    """Return where the axis should end: a round number that seldom changes.

    Args:
        largest: Largest value that is shown; NaN without any.
        now: Where the axis ends now.
    """
    if math.isnan(largest) or largest <= 0:
        return now
    power = 10.0 ** math.floor(math.log10(largest))
    ends = (power * step for step in (*_STEPS, 10, 20))
    wanted = next(end for end in ends if end >= largest * 1.05)
    return wanted if wanted > now or wanted < 0.6 * now else now


class LiveChart:
    """Lines over time in a window that moves on; the last value of a cell shows it.

    Args:
        title: What is drawn, for instance ``Latency``.
        unit: Its unit, for instance ``ms``.
        series: Names of the lines; other names begin a line when they first come.
        seconds: Width of the window, 10 to 600 s.
        points: How many points each line keeps, 2 to 2,000.
        height_px: Height of the drawing, 120 to 1,000 px.
        top: Where the value axis ends at first.

    Raises:
        BadValue: A size is out of its range.
    """

    def __init__(
        self,
        title: str,
        unit: str,
        *,
        series: Iterable[str] = (),
        seconds: float = 60.0,
        points: int = 300,
        height_px: int = 240,
        top: float = 10.0,
    ) -> None:
        _check("seconds", seconds, 10, 600)
        _check("points", points, 2, 2000)
        _check("height_px", height_px, 120, 1000)
        self.title, self.unit, self.seconds = title, unit, float(seconds)
        self._points = Points(points)
        self._lock = threading.RLock()
        self._series: dict[str, _Series] = {}
        self._first_top = top
        self._x = bqplot.LinearScale(min=0.0, max=self.seconds, allow_padding=False)
        self._y = bqplot.LinearScale(min=0.0, max=top, allow_padding=False)
        self._scales = {"x": self._x, "y": self._y}
        self._lines = QuickLines(x=[], y=[], scales=self._scales, stroke_width=3)
        self._head = ipywidgets.HTML()
        self._legend: set[str] | None = None
        self._drawing = self._make_drawing(height_px)
        self.widget = ipywidgets.VBox([self._head, self._drawing])
        self.widget.add_class("lab-chart")
        with self._lock:
            self._add_lines(series)

    def __repr__(self) -> str:
        names = ", ".join(self._series) or _("no series yet")
        return f"<LiveChart {self.title} ({self.unit}): {names}, {len(self._points)} points>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)

    @property
    def data(self) -> tuple[list[float], dict[str, list[float]]]:
        """The times (s) and the values by series, oldest first; NaN where there was none."""
        with self._lock:
            rows = self._points.values.tolist()
            return self._points.times.tolist(), dict(zip(self._series, rows, strict=True))

    def append(self, at_s: float, values: Mapping[str, float | None], *, draw: bool = True) -> None:
        """Take one more point of each series; from any thread.

        Args:
            at_s: The points' time in seconds; a time before the last one begins anew.
            values: Value by series; None or a missing name leaves a gap.
            draw: False keeps the point for the next drawing, for instance while nobody looks.
        """
        with self._lock:
            if len(self._points) and at_s < self._points.times[-1]:
                self._empty()
            self._add_lines(name for name in values if name not in self._series)
            found = [_number(values.get(name)) for name in self._series]
            self._points.append(at_s, found)
            for series, value in zip(self._series.values(), found, strict=True):
                series.mark(at_s, value)
            if draw:
                self._draw()

    def begin(self, names: Iterable[str]) -> None:
        """Begin lines that have no values yet; those that are there stay as they are."""
        with self._lock:
            self._add_lines(name for name in names if name not in self._series)

    def draw(self) -> None:
        """Draw what was appended without being drawn."""
        with self._lock:
            self._draw()

    def entitle(self, title: str, legend: Iterable[str] | None = None) -> None:
        """Change the title, and name only some of the series; None names all."""
        with self._lock:
            self.title = title
            self._legend = None if legend is None else set(legend)
            self._show_head()

    def clear(self) -> None:
        """Forget all points; the series stay."""
        with self._lock:
            self._empty()
            self._draw()

    def close(self) -> None:
        """Take the chart out of the notebook; its data stays for ``figure``."""
        close_with_parts(self.widget)

    def figure(self) -> Figure:
        """Return the same data as a matplotlib figure, the record that stays in the file."""
        from labkit.live.still import still_figure

        times, values = self.data
        return still_figure(self.title, self.unit, times, values)

    def _make_drawing(self, height_px: int) -> Any:
        across = bqplot.Axis(
            scale=self._x,
            label=_("time in the call (s)"),
            num_ticks=7,
            tick_format="d",
            tick_style={"transform": "translateY(4px)"},
            grid_color=_GRID,
            label_offset="2.4em",
        )
        up = bqplot.Axis(
            scale=self._y,
            side="left",
            tick_values=_ticks(self._first_top),
            tick_style={"transform": "translateX(-5px)"},
            grid_color=_GRID,
        )
        return bqplot.Figure(
            axes=[across, up],
            animation_duration=0,
            display_toolbar=False,
            fig_margin={"top": 12, "bottom": 52, "left": 64, "right": 20},
            padding_y=0.0,
            layout={"height": f"{height_px}px", "width": "auto", "min_width": "0"},
        )

    def _add_lines(self, names: Iterable[str]) -> None:
        new = list(names)
        if not new:
            return
        for name in new:
            self._points.add_line()
            self._series[name] = _Series(style_of(len(self._series)), self._scales)
        looks = [series.look for series in self._series.values()]
        self._lines.colors = [look.colour for look in looks]
        self._drawing.marks = [self._lines, *(series.dots for series in self._series.values())]
        self._show_head()

    def _show_head(self) -> None:
        named = {n: s for n, s in self._series.items() if self._legend is None or n in self._legend}
        legend = " ".join(series.look.legend(name) for name, series in named.items())
        title = f"<b>{escape(self.title)} ({escape(self.unit)})</b>"
        head = f'<div class="lab-chart-head">{title} {legend}</div>'
        self._head.value = f"<style>{_STYLE}</style>{head}"

    def _empty(self) -> None:
        self._points.clear()
        for series in self._series.values():
            series.empty()
        self._set_top(self._first_top)

    def _set_top(self, top: float) -> None:
        self._y.max = top
        self._drawing.axes[1].tick_values = _ticks(top)

    def _draw(self) -> None:
        if not self._series:
            return
        self._lines.draw(*line_points(self._points.times, self._points.values))
        for series in self._series.values():
            series.draw_dots()
        start = self._window_start()
        if self._x.min != start:
            with self._x.hold_sync():
                self._x.min, self._x.max = start, start + self.seconds
        largest = self._points.largest_since(start)
        top = max(self._first_top, axis_top(largest, self._y.max))
        if top != self._y.max:
            self._set_top(top)

    def _window_start(self) -> float:
        """The window moves in steps: one message in ten seconds, and a quiet picture."""
        newest = float(self._points.times[-1]) if len(self._points) else 0.0
        late = newest - self.seconds
        return max(0.0, math.ceil(late / WINDOW_STEP_S) * WINDOW_STEP_S)


class _Series:
    """One series: its look, and a marker every few seconds."""

    def __init__(self, look: SeriesStyle, scales: dict[str, Any]) -> None:
        self.look = look
        self.dots = bqplot.Scatter(
            x=[], y=[], scales=scales, colors=[look.colour], marker=look.marker, default_size=90
        )
        self._markers: deque[tuple[float, float]] = deque(maxlen=150)
        self._changed = False

    def mark(self, at_s: float, value: float) -> None:
        due = not self._markers or at_s - self._markers[-1][0] >= MARKER_EVERY_S
        if due and not math.isnan(value):
            self._markers.append((at_s, value))
            self._changed = True

    def draw_dots(self) -> None:
        if not self._changed:
            return
        self._changed = False
        at_s, values = np.array(self._markers, np.float32).reshape(-1, 2).T
        with self.dots.hold_sync():
            self.dots.x, self.dots.y = drawable(at_s), drawable(values)

    def empty(self) -> None:
        self._markers.clear()
        self._changed = True


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _ticks(top: float) -> Any:
    """Round numbers from 0 to ``top``."""
    leading = round(top / 10.0 ** math.floor(math.log10(top) + 1e-9))
    return np.linspace(0.0, top, _STEPS.get(leading, 5) + 1)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise BadValue(
            _("{name}={value!r} is out of range.").format(name=name, value=value),
            next_step=_("Use {low:g} to {high:g}.").format(low=low, high=high),
        )
