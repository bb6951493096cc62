from __future__ import annotations

import asyncio

import psutil
import pytest

from labkit.errors import BadValue, WaitTimeout
from labkit.net.prober import RATE_HZ, _figures, measure_link


def test_measures_a_link_from_outside_and_leaves_nothing() -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    figures = asyncio.run(measure_link(delay_ms=20, seconds=0.3))
    assert figures["n"] == pytest.approx(0.3 * RATE_HZ, rel=0.4)
    assert 0 <= figures["p50"] <= figures["p95"] <= figures["p99"] <= figures["max"]
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before


def test_a_link_that_lies_is_found_out() -> None:
    # 2 ms late, every datagram: what the figures are for.
    figures = _figures([0.002] * 100)
    assert (figures["n"], figures["p50"], figures["max"]) == (100, 2, 2)
    early = _figures([-0.001, 0.003])
    assert early["max"] == 3


def test_bad_delays_and_silent_links_are_told() -> None:
    with pytest.raises(BadValue, match="delay_ms=-5"):
        asyncio.run(measure_link(delay_ms=-5, seconds=1))
    with pytest.raises(WaitTimeout, match="No datagram"):
        _figures([])
