"""The newest points of a chart's lines."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from labkit.live.points import Points

VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), max_size=60)


@given(VALUES, st.integers(2, 9))
def test_the_newest_points_are_kept_in_order(values: list[float], most: int) -> None:
    points = Points(most)
    points.add_line()
    for at_s, value in enumerate(values):
        points.append(at_s, [value])
    kept = values[-most:]
    first = len(values) - len(kept)
    assert len(points) == len(kept)
    assert points.times.tolist() == list(range(first, len(values)))
    np.testing.assert_array_equal(points.values, np.array(kept).reshape(1, -1))


@given(VALUES.filter(bool), st.integers(0, 70))
def test_the_largest_value_since_a_time(values: list[float], since_s: int) -> None:
    points = Points(100)
    points.add_line()
    for at_s, value in enumerate(values):
        points.append(at_s, [value])
    shown = [value for value in values[since_s:] if not math.isnan(value)]
    np.testing.assert_equal(points.largest_since(since_s), max(shown, default=math.nan))


def test_a_line_that_begins_later_has_gaps_before() -> None:
    points = Points(3)
    points.add_line()
    points.append(0.0, [1.0])
    points.add_line()
    points.append(1.0, [2.0, 5.0])
    np.testing.assert_array_equal(points.values, [[1.0, 2.0], [math.nan, 5.0]])
    points.clear()
    assert len(points) == 0 and math.isnan(points.largest_since(0.0))
