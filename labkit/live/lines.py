"""bqplot's lines, drawn anew many times a second for little of the kernel's time."""

from __future__ import annotations

from typing import Any

import bqplot
import numpy as np

__all__ = ["QuickLines", "drawable", "line_points"]


class QuickLines(bqplot.Lines):  # type: ignore[misc]  # bqplot has no types
    """Lines whose points go out as they are, in one message.

    Setting ``x`` and ``y`` the usual way checks each array, compares it with the one before,
    tells observers and collects the state anew: half of what an update costs. Nobody observes
    these lines, and their points are new each time.
    """

    def draw(self, x: Any, y: Any) -> None:
        """Take new points and send them.

        Args:
            x: Times, C-contiguous float32; one row a line, or one dimension for all lines.
            y: Values, C-contiguous float32; one row a line.
        """
        self._trait_values.update(x=x, y=y)  # a page that is opened later asks for the state
        if self.comm is not None:
            state = {name: _described(points) for name, points in (("x", x), ("y", y))}
            paths = [["x", "value"], ["y", "value"]]
            message = {"method": "update", "state": state, "buffer_paths": paths}
            self.comm.send(message, buffers=[memoryview(x), memoryview(y)])


def _described(points: Any) -> dict[str, Any]:
    """As bqplot's own serializer has it, whose values travel as buffers."""
    return {"dtype": "float32", "shape": points.shape, "type": None}


def line_points(times: Any, values: Any) -> tuple[Any, Any]:
    """Return points of lines as ``QuickLines.draw`` takes them; empty without any value.

    Args:
        times: Seconds, shape (points,).
        values: Values, NaN where there is none, shape (lines, points).
    """
    absent = np.isnan(values)
    if absent.all():  # bqplot stumbles over lines without points
        return np.empty(0, np.float32), np.empty(0, np.float32)
    y = values.astype(np.float32)
    if not absent[:, -1].any():
        return drawable(times.astype(np.float32)), drawable(y)
    x = np.tile(times.astype(np.float32), (len(y), 1))
    for line in range(len(y)):
        _end_at_last_value(x[line], y[line])
    return drawable(x), drawable(y)


def _end_at_last_value(times: Any, values: Any) -> None:
    """bqplot cannot place a line that ends in NaN: stay on the last point instead."""
    present = np.flatnonzero(~np.isnan(values))
    if len(present):
        times[present[-1] + 1 :] = times[present[-1]]
        values[present[-1] + 1 :] = values[present[-1]]


def drawable(values: Any) -> Any:
    """bqplot takes a single point for a number, and draws nothing: give it twice."""
    return np.repeat(values, 2, axis=-1) if values.shape[-1] == 1 else values
