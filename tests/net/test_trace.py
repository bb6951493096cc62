from __future__ import annotations

from itertools import count, islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.net.trace import Opportunities, Trace
from tests.net.links import traces


def test_reads_lines_and_ignores_empty_ones(tmp_path: Path) -> None:
    path = tmp_path / "cellular.trace"
    path.write_text("0\n1\r\n\n1\n5\n")
    assert Trace.load(path) == Trace((0, 1, 1, 5))


@pytest.mark.parametrize("text", ["", "0\n", "1\nx\n", "-1\n", "5\n3\n", "1.5\n", "²\n"])
def test_refuses_what_is_no_trace(text: str) -> None:
    with pytest.raises(BadValue, match="not a Mahimahi trace"):
        Trace.parse(text)


def test_refuses_files_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path, tmp_path / "none", binary):
        with pytest.raises(BadValue, match="cannot be read"):
            Trace.load(path)


def test_knows_its_mean() -> None:
    assert Trace((4, 8, 12)).mean_kbps == 3000
    assert repr(Trace((4, 8, 12))) == "<Trace of 0.012 s, 3000 kbit/s on average>"


def test_large_datagrams_take_several_opportunities_and_small_ones_share() -> None:
    chances = Opportunities(Trace((10, 20, 30)))
    assert chances.take(0, 1000) == 0.010
    assert chances.take(0, 500) == 0.010
    assert chances.take(0, 1501) == 0.030
    assert chances.take(0, 1499) == 0.030


def test_an_opportunity_nobody_waits_for_is_lost_and_the_trace_repeats() -> None:
    chances = Opportunities(Trace((10, 20, 30)))
    assert chances.take(0.015, 100) == 0.020
    assert chances.take(0.0301, 1500) == 0.040
    assert chances.take(0.0301, 1500) == 0.050
    assert chances.take(100, 1500) == pytest.approx(100.0)


def by_the_book(trace: Trace, datagrams: list[tuple[float, int]]) -> list[float]:
    """Mahimahi's own way: walk through the opportunities, 1500 bytes each."""
    times = ((turn * trace.period_ms + time) / 1000 for turn in count() for time in trace.times_ms)
    left_s, out_s = next(times), []
    left = 1500
    for now_s, size in datagrams:
        while left_s < now_s or size > left:
            if left_s >= now_s:
                size -= left
            left_s, left = next(times), 1500
        left -= size
        out_s.append(left_s)
    return out_s


@given(traces, st.lists(st.tuples(st.floats(0, 0.3), st.integers(1, 4000)), max_size=30))
def test_agrees_with_a_walk_through_the_trace(trace: Trace, steps: list[tuple[float, int]]) -> None:
    chances, now_s, datagrams, got = Opportunities(trace), 0.0, [], []
    for step_s, size in steps:
        now_s += step_s
        from_s = max(now_s, got[-1] if got else 0.0)
        datagrams.append((from_s, size))
        got.append(chances.take(from_s, size))
    assert got == by_the_book(trace, datagrams)


@given(traces)
def test_never_gives_more_than_the_trace_has(trace: Trace) -> None:
    chances = Opportunities(trace)
    out_s = [chances.take(0, 1500) for _index in range(50)]
    times = ((turn * trace.period_ms + t) / 1000 for turn in count() for t in trace.times_ms)
    assert out_s == list(islice(times, 50))
