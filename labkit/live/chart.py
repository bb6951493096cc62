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
        self._points = points
        self._lock = threading.RLock()
        self._times: deque[float] = deque(maxlen=points)
        self._lines: dict[str, _Line] = {}
        self._first_top = top
        self._x = bqplot.LinearScale(min=0.0, max=self.seconds, allow_padding=False)
        self._y = bqplot.LinearScale(min=0.0, max=top, allow_padding=False)
        self._head = ipywidgets.HTML()
        self._drawing = self._make_drawing(height_px)
        self.widget = ipywidgets.VBox([self._head, self._drawing])
        self.widget.add_class("lab-chart")
        with self._lock:
            self._add_lines(series)

    def __repr__(self) -> str:
        names = ", ".join(self._lines) or _("no series yet")
        return f"<LiveChart {self.title} ({self.unit}): {names}, {len(self._times)} points>"

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        return self.widget._repr_mimebundle_(**kwargs)

    @property
    def data(self) -> tuple[list[float], dict[str, list[float]]]:
        """The times (s) and the values by series, oldest first; NaN where there was none."""
        with self._lock:
            values = {name: list(line.values) for name, line in self._lines.items()}
            return list(self._times), values

    def append(self, at_s: float, values: Mapping[str, float | None], *, draw: bool = True) -> None:
        """Take one more point of each series; from any thread.

        Args:
            at_s: The points' time in seconds; a time before the last one begins anew.
            values: Value by series; None or a missing name leaves a gap.
            draw: False keeps the point for the next drawing, for instance while nobody looks.
        """
        with self._lock:
            if self._times and at_s < self._times[-1]:
                self._empty()
            self._add_lines(name for name in values if name not in self._lines)
            self._times.append(at_s)
            for name, line in self._lines.items():
                value = values.get(name)
                line.values.append(math.nan if value is None else float(value))
                line.note_marker(at_s)
            if draw:
                self._draw()

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
        new = {name: self._new_line() for name in names}
        if not new:
            return
        for name, line in new.items():
            line.style = style_of(len(self._lines))
            line.dress(self._x, self._y)
            self._lines[name] = line
        self._drawing.marks = [part for line in self._lines.values() for part in line.marks]
        legend = " ".join(line.style.legend(name) for name, line in self._lines.items())
        title = f"<b>{escape(self.title)} ({escape(self.unit)})</b>"
        head = f'<div class="lab-chart-head">{title} {legend}</div>'
        self._head.value = f"<style>{_STYLE}</style>{head}"

    def _new_line(self) -> _Line:
        return _Line(deque([math.nan] * len(self._times), maxlen=self._points))

    def _empty(self) -> None:
        self._times.clear()
        for line in self._lines.values():
            line.empty()
        self._set_top(self._first_top)

    def _set_top(self, top: float) -> None:
        self._y.max = top
        self._drawing.axes[1].tick_values = _ticks(top)

    def _draw(self) -> None:
        times = np.array(self._times, np.float32)
        for line in self._lines.values():
            line.draw(times)
        start = self._window_start()
        if self._x.min != start:
            with self._x.hold_sync():
                self._x.min, self._x.max = start, start + self.seconds
        top = max(self._first_top, axis_top(self._largest(start), self._y.max))
        if top != self._y.max:
            self._set_top(top)

    def _window_start(self) -> float:
        """The window moves in steps: one message in ten seconds, and a quiet picture."""
        newest = self._times[-1] if self._times else 0.0
        late = newest - self.seconds
        return max(0.0, math.ceil(late / WINDOW_STEP_S) * WINDOW_STEP_S)

    def _largest(self, start: float) -> float:
        shown = [
            value
            for line in self._lines.values()
            for at_s, value in zip(self._times, line.values, strict=True)
            if at_s >= start and value == value
        ]
        return max(shown, default=math.nan)


class _Line:
    """One series: its values, its line, and a marker every few seconds."""

    style: SeriesStyle

    def __init__(self, values: deque[float]) -> None:
        self.values = values
        self._markers: deque[tuple[float, float]] = deque(maxlen=150)
        self._new_marker = True

    def dress(self, x: Any, y: Any) -> None:
        look, scales = self.style, {"x": x, "y": y}
        self._line = bqplot.Lines(
            x=[], y=[], scales=scales, colors=[look.colour], line_style=look.line, stroke_width=3
        )
        self._dots = bqplot.Scatter(
            x=[], y=[], scales=scales, colors=[look.colour], marker=look.marker, default_size=90
        )
        self.marks = [self._line, self._dots]

    def note_marker(self, at_s: float) -> None:
        value = self.values[-1]
        due = not self._markers or at_s - self._markers[-1][0] >= MARKER_EVERY_S
        if due and not math.isnan(value):
            self._markers.append((at_s, value))
            self._new_marker = True

    def draw(self, times: Any) -> None:
        values = np.array(self.values, np.float32)
        present = np.flatnonzero(~np.isnan(values))
        end = present[-1] + 1 if len(present) else 0  # bqplot cannot place a line that ends in NaN
        with self._line.hold_sync():  # both in one message
            self._line.x, self._line.y = _drawable(times[:end]), _drawable(values[:end])
        if self._new_marker:
            self._new_marker = False
            at_s, values = np.array(self._markers, np.float32).reshape(-1, 2).T
            with self._dots.hold_sync():
                self._dots.x, self._dots.y = _drawable(at_s), _drawable(values)

    def empty(self) -> None:
        self.values.clear()
        self._markers.clear()
        self._new_marker = True


def _drawable(values: Any) -> Any:
    """bqplot takes a single point for a number, and draws nothing: give it twice."""
    return np.repeat(values, 2) if len(values) == 1 else np.ascontiguousarray(values)


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
