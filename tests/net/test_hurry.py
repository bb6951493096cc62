"""A higher rate lets those go that wait; a lower one holds for later datagrams alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.net import Link, Phase
from labkit.net.bottleneck import HURRY_KBPS
from labkit.net.model import LinkModel
from tests.net.bridges import bridged, on_a_loop
from tests.net.links import arrivals, links

Arrivals = list[tuple[float, int]]
AT_ONCE_S = (972 + 28) * 8 / (HURRY_KBPS * 1000)
FAST_S = (972 + 28) * 8 / 1_000_000


def model_with_queue(link: Link) -> tuple[LinkModel, list[float]]:
    """Return a model in which 3 datagrams of 1,000 bytes wait, and when they are due."""
    model = LinkModel(link, seed=1, direction="alice->bob")
    return model, [model.push(0.0, 972).due_s[0] for _k in range(3)]


def test_what_waits_goes_at_once_where_the_limit_is_taken_away() -> None:
    model, due_s = model_with_queue(Link(rate_kbps=8, queue_bytes=100_000, delay_ms=50))
    assert due_s == pytest.approx([1.05, 2.05, 3.05])
    model.change(Link(delay_ms=0), 0.5)
    hurried = model.take_hurried()
    assert hurried == pytest.approx({(k, 0): 0.55 + (k + 1) * AT_ONCE_S for k in range(3)})
    assert model.take_hurried() == {}
    assert model.push(0.51, 972).due_s == (hurried[2, 0],)  # in order: it has no delay of its own
    assert model.push(0.6, 972).due_s == (0.6,)
    assert model.bottleneck.queued_bytes == 0


def test_what_waits_goes_at_a_higher_rate() -> None:
    model, _due_s = model_with_queue(Link(rate_kbps=8, queue_bytes=100_000))
    model.change(Link(rate_kbps=1000, queue_bytes=100_000), 1.5)  # one has left
    hurried = model.take_hurried()
    assert hurried == pytest.approx({(1, 0): 1.5 + FAST_S, (2, 0): 1.5 + 2 * FAST_S})
    assert model.push(1.5, 972).due_s == pytest.approx((1.5 + 3 * FAST_S,))


def test_a_lower_rate_and_a_phase() -> None:
    model, _due_s = model_with_queue(Link(rate_kbps=8, queue_bytes=100_000))
    model.change(Link(rate_kbps=4, queue_bytes=100_000), 0.0)
    assert model.take_hurried() == {}
    assert model.push(0.0, 972).due_s == pytest.approx((5.0,))
    freed = Link(rate_kbps=8, queue_bytes=100_000, phases=(Phase(0.5, rate_kbps=None),))
    model, _due_s = model_with_queue(freed)
    assert model.push(0.5, 972).due_s == pytest.approx((0.5 + 3 * AT_ONCE_S,))
    assert max(model.take_hurried().values()) == pytest.approx(0.5 + 3 * AT_ONCE_S)


@on_a_loop
async def test_a_relay_lets_go_what_waits() -> None:
    slow = Link(rate_kbps=8, queue_bytes=1_000_000)
    async with bridged(slow, Link()) as (_relay, bridge, alice, bob):
        for k in range(100):  # more than 50 s at that rate
            alice.send(b"%03d" % k + bytes(500), bridge.address_for["alice"])
        assert (await bob.receive())[:3] == b"000"
        await bridge.change("alice->bob", Link())
        assert [data[:3] for data in await bob.receive_all()] == [
            b"%03d" % k for k in range(1, 100)
        ]


@given(links(), arrivals, st.lists(st.one_of(st.none(), st.integers(10, 5000)), min_size=1))
def test_order_and_time_are_kept(link: Link, datagrams: Arrivals, rates: list[int | None]) -> None:
    model, now_s = LinkModel(link.replace(reorder=False), seed=1, direction="a->b"), 0.0
    due: dict[Any, float] = {}
    for index, (step_s, size) in enumerate(datagrams):
        now_s += step_s
        passage = model.push(now_s, size)
        due.update({(passage.number, copy): at_s for copy, at_s in enumerate(passage.due_s)})
        if model.link.trace is None:
            rate = rates[index % len(rates)]
            model.change(model.link.replace(rate_kbps=rate, reorder=False), now_s)
        before = dict(due)
        due.update(model.take_hurried())
        assert all(due[key] >= now_s for key in due if due[key] != before[key])
        assert all(due[key] <= before[key] + 1e-9 for key in due)
    ordered = [due[key] for key in sorted(due)]
    assert ordered == sorted(ordered)
