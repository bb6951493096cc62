from __future__ import annotations

from itertools import groupby, pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.net.loss import Exact, GilbertElliott, Iid, LossModel, LossStream, loss_model_from_dict
from tests.net.links import loss_models, shares


def draw(model: LossModel, count: int, seed: int = 1) -> list[bool]:
    stream = LossStream(seed)
    return [stream.next(model) for _index in range(count)]


def bursts(lost: list[bool]) -> list[int]:
    return [len(list(run)) for value, run in groupby(lost) if value]


@given(loss_models, st.integers(0, 2**63))
def test_same_seed_same_losses(model: LossModel, seed: int) -> None:
    assert draw(model, 300, seed) == draw(model, 300, seed)


@given(loss_models, loss_models, st.integers(0, 100))
def test_every_model_takes_the_same_random_values(
    one: LossModel, other: LossModel, switch: int
) -> None:
    plain, changed = LossStream(5), LossStream(5)
    for index in range(120):
        plain.next(one)
        changed.next(one if index < switch else other)
        assert (plain.first, plain.second) == (changed.first, changed.second)


def test_different_seeds_differ() -> None:
    assert draw(Iid(0.5), 100, 1) != draw(Iid(0.5), 100, 2)
    assert draw(Exact(0.5), 100, 1) != draw(Exact(0.5), 100, 2)


@given(loss_models)
def test_mean_is_a_share(model: LossModel) -> None:
    assert -1e-9 <= model.mean <= 1 + 1e-9


@pytest.mark.parametrize(
    "model",
    [
        Iid(0.05),
        GilbertElliott(0.01, 0.3),
        GilbertElliott(0.05, 0.5, h=0.3, k=0.98),
        GilbertElliott.from_loss(0.1, burst=5),
        Exact(0.123),
    ],
)
def test_mean_is_met(model: LossModel) -> None:
    count = 60_000
    assert sum(draw(model, count)) / count == pytest.approx(model.mean, rel=0.1)


def test_gilbert_elliott_statistics() -> None:
    lost = draw(GilbertElliott(0.01, 0.3), 100_000)
    lengths = bursts(lost)
    assert sum(lengths) / len(lengths) == pytest.approx(1 / 0.3, rel=0.05)
    assert sum(lost) / len(lost) == pytest.approx(0.01 / 0.31, rel=0.05)


def test_gilbert_elliott_begins_good_and_may_stay_there() -> None:
    assert not any(draw(GilbertElliott(0, 0), 100))
    assert GilbertElliott(0, 0).mean == 0
    assert draw(GilbertElliott(1, 0), 5) == [False, True, True, True, True]


@given(st.floats(0, 0.75), st.floats(3, 100))
def test_from_loss_has_the_mean_that_was_asked_for(loss: float, burst: float) -> None:
    model = GilbertElliott.from_loss(loss, burst)
    assert model.mean == pytest.approx(loss, abs=1e-9)
    assert model.r == pytest.approx(1 / burst)


def test_from_loss_refuses_what_bursts_cannot_do() -> None:
    with pytest.raises(BadValue, match=r"from 0 to 0\.75"):
        GilbertElliott.from_loss(0.9)


@given(st.integers(0, 100), st.integers(0, 2**63))
@example(29, 1)
@example(57, 1)
def test_exact_is_exact_in_every_block(percent: int, seed: int) -> None:
    lost = draw(Exact(percent / 100), 500, seed)
    assert [sum(lost[start : start + 100]) for start in range(0, 500, 100)] == [percent] * 5


@given(st.integers(0, 1_000_000), st.integers(1, 40))
def test_exact_carries_the_remainder(millionths: int, block: int) -> None:
    blocks = 25
    lost = draw(Exact(millionths / 1_000_000, block), block * blocks)
    for done in range(1, blocks + 1):
        assert sum(lost[: done * block]) == done * block * millionths // 1_000_000


def test_exact_shuffles_each_block_anew() -> None:
    lost = draw(Exact(0.1), 400)
    places = [tuple(lost[start : start + 100]) for start in range(0, 400, 100)]
    assert len(set(places)) == 4


@given(shares, shares, st.integers(0, 300), st.integers(0, 2**63))
def test_exact_changed_in_mid_block_moves_no_later_block(
    before: float, after: float, switch: int, seed: int
) -> None:
    stream, one, other = LossStream(seed), Exact(before), Exact(after)
    mixed = [stream.next(one if k < switch else other) for k in range(350)]
    assert mixed[:switch] == draw(one, 350, seed)[:switch]
    assert mixed[switch:] == draw(other, 350, seed)[switch:]


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 2**63))
def test_more_loss_keeps_what_was_lost(low: float, high: float, seed: int) -> None:
    low, high = sorted((low, high))
    some, more = draw(Iid(low), 200, seed), draw(Iid(high), 200, seed)
    assert all(b for a, b in zip(some, more, strict=True) if a)


@given(loss_models)
def test_survives_a_dictionary(model: LossModel) -> None:
    assert loss_model_from_dict(model.to_dict()) == model


@pytest.mark.parametrize("values", [{"name": "Iid", "q": 1}, {"name": "Nobody"}, {}])
def test_unknown_descriptions_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(BadValue, match="The lab knows Iid"):
        loss_model_from_dict(values)


@pytest.mark.parametrize("build", [lambda: Iid(2), lambda: Exact(0.1, 0), lambda: Exact(-1)])
def test_bad_parameters_are_refused(build: object) -> None:
    with pytest.raises(BadValue):
        build()  # type: ignore[operator]


def test_neighbouring_blocks_are_not_alike() -> None:
    stream = LossStream(9)
    ranks = []
    for _index in range(1000):
        stream.next(Iid(0))
        ranks.append(stream.rank(10))
    blocks = [tuple(ranks[start : start + 10]) for start in range(0, 1000, 10)]
    assert all(sorted(block) == list(range(10)) for block in blocks)
    assert sum(one == other for one, other in pairwise(blocks)) == 0
