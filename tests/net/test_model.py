from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.net import Exact, Iid, Link, Phase
from labkit.net.model import LinkModel, Passage
from tests.net.links import arrivals, links, loss_models

Arrivals = list[tuple[float, int]]


def model_of(link: Link, seed: int = 1) -> LinkModel:
    return LinkModel(link, seed=seed, direction="alice->bob")


def run(model: LinkModel, datagrams: Arrivals) -> list[Passage]:
    now_s, passages = 0.0, []
    for step_s, size in datagrams:
        now_s += step_s
        passages.append(model.push(now_s, size))
    return passages


def luck(passages: list[Passage]) -> list[tuple[bool, bool]]:
    return [(passage.fate == "lost", passage.duplicated) for passage in passages]


def test_a_clean_link_lets_everything_pass_at_once() -> None:
    assert model_of(Link()).push(3.5, 100) == Passage(0, "delivered", (3.5,))


@given(links(), arrivals, st.integers(0, 2**63))
def test_same_seed_same_passages(link: Link, datagrams: Arrivals, seed: int) -> None:
    assert run(model_of(link, seed), datagrams) == run(model_of(link, seed), datagrams)


@given(
    st.builds(Link, loss=loss_models, duplicate=st.floats(0, 1)),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 1500), st.floats(0, 1), st.integers(0, 1500))
    ),
)
def test_luck_does_not_depend_on_times_and_sizes(
    link: Link, both: list[tuple[float, int, float, int]]
) -> None:
    one = run(model_of(link), [(step, size) for step, size, _s, _b in both])
    other = run(model_of(link), [(step, size) for _s, _b, step, size in both])
    assert luck(one) == luck(other)


@given(st.lists(st.floats(0.1, 1), min_size=1, max_size=50))
def test_jitter_does_not_depend_on_times_or_on_earlier_fates(steps: list[float]) -> None:
    link = Link(delay_ms=500, jitter_ms=20, reorder=True)
    spread = [
        round(passage.due_s[0] - k, 9)
        for k, passage in enumerate(
            run(model_of(link), [(0 if k == 0 else 1, 9) for k in range(50)])
        )
    ]
    lossy = model_of(link.replace(loss=0.4, duplicate=0.5))
    now_s = 0.0
    for k, step_s in enumerate(steps):
        now_s += step_s
        passage = lossy.push(now_s, 900)
        if passage.due_s:
            assert passage.due_s[0] - now_s == pytest.approx(spread[k], abs=1e-6)


@given(links(), arrivals)
def test_order_is_kept_unless_reordering_is_asked_for(link: Link, datagrams: Arrivals) -> None:
    passages = run(model_of(link.replace(reorder=False)), datagrams)
    due_s = [time for passage in passages for time in passage.due_s]
    assert due_s == sorted(due_s)


def test_reordering_link_reorders() -> None:
    link = Link(delay_ms=50, jitter_ms=20, reorder=True)
    due_s = [p.due_s[0] for p in run(model_of(link), [(0.001, 100)] * 100)]
    assert due_s != sorted(due_s)


@given(links(), arrivals)
def test_nothing_leaves_before_it_came_and_counts_add_up(link: Link, datagrams: Arrivals) -> None:
    model = model_of(link)
    now_s = 0.0
    for number, (step_s, size) in enumerate(datagrams):
        now_s += step_s
        passage = model.push(now_s, size)
        assert passage.number == number
        assert all(due_s >= now_s for due_s in passage.due_s)
        assert (passage.fate == "delivered") == bool(passage.due_s)
    counts = model.counts
    assert counts.received == len(datagrams)
    assert counts.received == counts.delivered + counts.lost + counts.queue_full


@given(
    st.integers(1_528, 20_000),
    st.lists(st.one_of(st.none(), st.floats(10, 5000)), min_size=1, max_size=4),
    arrivals,
)
def test_queue_never_holds_more_than_it_may(
    queue_bytes: int, rates: list[float | None], datagrams: Arrivals
) -> None:
    model, now_s = model_of(Link(queue_bytes=queue_bytes, duplicate=0.2)), 0.0
    for index, (step_s, size) in enumerate(datagrams):
        now_s += step_s
        model.change(model.link.replace(rate_kbps=rates[index % len(rates)]), now_s)
        model.push(now_s, size)
        assert 0 <= model.bottleneck.queued_bytes <= queue_bytes


def test_rate_counts_header_bytes_and_drops_at_the_tail() -> None:
    model = model_of(Link(rate_kbps=800, queue_bytes=3_000))
    passages = [model.push(0, 972) for _index in range(5)]  # 1,000 bytes each, 10 ms each
    assert [p.fate for p in passages] == ["delivered"] * 3 + ["queue_full"] * 2
    assert [p.due_s[0] for p in passages[:3]] == pytest.approx([0.01, 0.02, 0.03])
    assert model.push(0.011, 972).due_s == pytest.approx((0.04,))
    assert model.push(1, 972).due_s == pytest.approx((1.01,))


def test_a_duplicate_takes_its_share_of_the_rate_or_finds_no_room() -> None:
    model = model_of(Link(rate_kbps=800, queue_bytes=3_000, duplicate=1))
    assert model.push(0, 972).due_s == pytest.approx((0.01, 0.02))
    last = model.push(0, 972)
    assert (last.fate, last.duplicated, len(last.due_s)) == ("delivered", True, 1)
    assert model.counts.duplicated == 2


def test_delay_is_never_negative() -> None:
    model = model_of(Link(delay_ms=1, jitter_ms=50, reorder=True))
    assert min(model.push(0, 10).due_s[0] for _index in range(200)) == 0


def test_jitter_has_the_deviation_that_was_asked_for() -> None:
    model = model_of(Link(delay_ms=500, jitter_ms=20, reorder=True))
    spread = [model.push(0, 10).due_s[0] * 1000 - 500 for _index in range(20_000)]
    mean = sum(spread) / len(spread)
    assert mean == pytest.approx(0, abs=0.5)
    assert (sum((x - mean) ** 2 for x in spread) / len(spread)) ** 0.5 == pytest.approx(
        20, rel=0.03
    )


@given(links(), links(), st.integers(0, 100), arrivals)
def test_changing_other_things_leaves_the_luck_alone(
    before: Link, after: Link, switch: int, datagrams: Arrivals
) -> None:
    fixed = {"loss": 0.3, "loss_model": "iid", "duplicate": 0.3}
    plain, changed, now_s = (
        model_of(before.replace(**fixed)),
        model_of(before.replace(**fixed)),
        0.0,
    )
    for index, (step_s, size) in enumerate(datagrams):
        now_s += step_s
        if index == switch:
            changed.change(after.replace(**fixed), now_s)
        one, other = plain.push(now_s, size), changed.push(now_s, size)
        assert (one.fate == "lost") == (other.fate == "lost")
        if one.fate == other.fate == "delivered":
            assert one.duplicated == other.duplicated


def test_exact_loss_through_the_model() -> None:
    model = model_of(Link(loss=0.05, loss_model="exact", rate_kbps=100, queue_bytes=2_000))
    fates = [model.push(k / 1000, 800).fate for k in range(1000)]
    assert [fates[k : k + 100].count("lost") for k in range(0, 1000, 100)] == [5] * 10


def test_directions_and_seeds_have_their_own_luck() -> None:
    link = Link(loss=0.5)
    other = LinkModel(link, seed=1, direction="bob->alice")
    lots = [(0.01, 10)] * 100
    assert luck(run(model_of(link), lots)) != luck(run(other, lots))
    assert luck(run(model_of(link), lots)) != luck(run(model_of(link, 2), lots))


def test_a_seed_of_the_link_goes_before_the_calls() -> None:
    lots, link = [(0.01, 10)] * 100, Link(loss=0.5, seed=8)
    assert run(model_of(link, 1), lots) == run(model_of(link, 2), lots)
    assert run(model_of(link), lots) == run(model_of(Link(loss=0.5), 8), lots)


def test_phases_come_at_their_time_and_stay() -> None:
    model = model_of(Link(phases=(Phase(1, delay_ms=100), Phase(2, loss=1), Phase(3, loss=Iid(0)))))
    assert model.push(0.9, 1).due_s == (0.9,)
    assert model.push(1.0, 1).due_s == (1.1,)
    assert model.push(2.5, 1).fate == "lost"
    assert model.push(7.0, 1).due_s == (7.1,)
    assert model.link == Link(delay_ms=100, loss=Iid(0))


def test_a_change_drops_the_phases_before_it_and_keeps_later_ones() -> None:
    link = Link(phases=(Phase(1, delay_ms=100), Phase(5, delay_ms=200)))
    model = model_of(link)
    model.change(link.replace(delay_ms=10), 2)
    assert model.push(2, 1).due_s == (2.01,)
    assert model.push(5, 1).due_s == (5.2,)


def test_a_change_keeps_the_order_of_what_is_under_way() -> None:
    model = model_of(Link(delay_ms=100))
    slow = model.push(0, 1222)
    model.change(Link(), 0.01)
    assert slow.due_s == pytest.approx((0.1,))
    assert model.push(0.02, 1222).due_s == slow.due_s


def test_time_that_goes_back_counts_as_the_latest() -> None:
    model = model_of(Link())
    model.push(5, 1)
    assert model.push(4, 1).due_s == (5,)


def test_pinned_values_so_that_no_release_changes_anyones_luck() -> None:
    model = model_of(Link(loss=Exact(0.05), jitter_ms=10, delay_ms=100, duplicate=0.1), seed=7)
    passages = [model.push(k, 100) for k in range(100)]
    assert [p.number for p in passages if p.fate == "lost"] == [1, 18, 38, 48, 85]
    assert [p.number for p in passages if p.duplicated][:5] == [17, 22, 24, 31, 42]
    assert passages[0].due_s[0] == pytest.approx(0.10310585267747997, abs=1e-9)
