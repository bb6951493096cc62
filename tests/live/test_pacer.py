from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from labkit.live.pacer import Pacer


def test_nothing_goes_out_before_a_page_is_there() -> None:
    assert not Pacer().may_send(0.0)


def test_a_browser_that_stops_acknowledging_gets_a_trickle_then_nothing() -> None:
    pacer = Pacer(window=3, trickle_s=0.5, gone_s=12.0)
    pacer.here(0.0)
    for _picture in range(3):
        assert pacer.may_send(0.1)
        pacer.send(0.1)
    assert not pacer.may_send(0.2)
    assert pacer.may_send(0.6)
    pacer.send(0.6)
    assert not pacer.may_send(1.0)
    assert pacer.may_send(12.0)
    assert not pacer.may_send(12.1)


def test_one_acknowledgement_counts_for_all_before_it() -> None:
    pacer = Pacer(window=2)
    pacer.here(0.0)
    numbers = [pacer.send(0.0) for _picture in range(5)]
    assert pacer.under_way == 5
    pacer.acknowledge(numbers[3], 0.1)
    assert pacer.under_way == 1
    pacer.acknowledge(numbers[1], 0.1)
    assert pacer.under_way == 1


def test_a_number_that_was_never_sent_changes_nothing() -> None:
    pacer = Pacer(window=2)
    pacer.here(0.0)
    pacer.send(0.0)
    pacer.acknowledge(99, 0.1)
    assert pacer.under_way == 0


@given(
    window=st.integers(1, 30),
    steps=st.lists(st.tuples(st.sampled_from(["tick", "ack"]), st.floats(0.001, 0.3))),
)
def test_no_more_is_under_way_than_the_window_and_a_trickle(
    window: int, steps: list[tuple[str, float]]
) -> None:
    pacer = Pacer(window=window, trickle_s=0.5)
    pacer.here(0.0)
    now = last_ack = 0.0
    newest = 0
    for step, passed_s in steps:
        now += passed_s
        if step == "ack":
            pacer.acknowledge(newest, now)
            last_ack = now
        elif pacer.may_send(now):
            newest = pacer.send(now)
        assert pacer.under_way <= window + (now - last_ack) / 0.5 + 1
