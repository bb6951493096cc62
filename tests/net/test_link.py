from __future__ import annotations

import json
import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from labkit.errors import BadValue
from labkit.net import Exact, GilbertElliott, Iid, Link, Phase, Trace
from tests.net.links import phased_links


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"delay_ms": -1}, "delay_ms=-1 is not possible. Allowed is a number from 0 to 10,000 ms."),
        ({"loss": 1.5}, "loss=1.5 is not possible. Allowed is a number from 0 to 1."),
        ({"loss": math.nan}, "loss=nan"),
        ({"delay_ms": math.inf}, "delay_ms=inf"),
        ({"delay_ms": "5"}, "delay_ms='5'"),
        ({"delay_ms": 10**400}, "delay_ms=(a number of more than 40 digits)"),
        ({"delay_ms": Fraction(10**400)}, "delay_ms=Fraction("),
        ({"queue_bytes": -(10**5000)}, "queue_bytes=(a number of more than 40 digits)"),
        ({"loss": "x" * 500}, "…"),
        ({"jitter_ms": True}, "jitter_ms=True"),
        ({"rate_kbps": 0}, "None is unlimited "),
        ({"queue_bytes": 100}, "from 1,528 to"),
        ({"queue_bytes": 2000.5}, "a whole number"),
        ({"duplicate": -0.1}, "from 0 to 1"),
        ({"reorder": 1}, "True or False"),
        ({"loss_model": "gilbert"}, "“iid”, “burst”, “exact”"),
        ({"loss": 0.8, "loss_model": "burst"}, "from 0 to 0.75"),
        ({"seed": -1}, "seed=-1"),
        ({"trace": Trace((1,)), "rate_kbps": 5}, "either a rate or a trace"),
        ({"trace": "abc"}, "not a Mahimahi trace"),
        ({"phases": [3]}, "a list of Phase"),
        ({"phases": [Phase(2), Phase(1)]}, "not in order"),
        ({"phases": [Phase(2, loss=7)]}, "loss=7"),
    ],
)
def test_bad_values_are_refused_with_the_range(values: dict[str, Any], told: str) -> None:
    with pytest.raises(BadValue) as caught:
        Link(**values)
    assert told in str(caught.value).replace("...", "…")
    assert len(str(caught.value)) < 250


def test_a_refused_value_is_a_value_error_too() -> None:
    with pytest.raises(ValueError):
        Link(loss=-1)


def test_phases_name_what_they_can_change() -> None:
    with pytest.raises(BadValue, match=r"cannot change seed.*delay_ms"):
        Phase(1, seed=3)
    with pytest.raises(BadValue, match="at_s=-1"):
        Phase(-1, loss=0.1)


def test_unknown_fields_are_named() -> None:
    with pytest.raises(BadValue, match=r"no bandwidth.*rate_kbps"):
        Link().replace(bandwidth=3)
    with pytest.raises(BadValue, match="no bandwidth"):
        Link.from_dict({"bandwidth": 3})


def test_numbers_of_numpy_are_numbers() -> None:
    link = Link(delay_ms=np.float32(20), queue_bytes=np.int64(5_000), loss=np.float64(0.5))
    assert link == Link(delay_ms=20, queue_bytes=5_000, loss=0.5)
    assert type(link.delay_ms) is float
    assert type(link.queue_bytes) is int


def test_repr_names_only_what_differs() -> None:
    assert repr(Link()) == "Link()"
    link = Link(delay_ms=50, loss=0.02, loss_model="burst", phases=(Phase(3, loss=0.1),))
    assert eval(repr(link), {"Link": Link, "Phase": Phase}) == link
    assert repr(link) == (
        "Link(delay_ms=50, loss=0.02, loss_model='burst', phases=(Phase(3, loss=0.1),))"
    )


@given(phased_links())
def test_survives_json_and_pickle(link: Link) -> None:
    assert Link.from_dict(json.loads(json.dumps(link.to_dict()))) == link
    assert pickle.loads(pickle.dumps(link)) == link
    assert hash(link) == hash(pickle.loads(pickle.dumps(link)))


def test_dictionary_tells_the_mean_loss() -> None:
    assert Link(loss=0.02).to_dict()["loss"] == 0.02
    told = Link(loss=GilbertElliott(p=0.1, r=0.3)).to_dict()
    assert told["loss"] == pytest.approx(0.25)
    assert told["loss_model"] == {"name": "GilbertElliott", "p": 0.1, "r": 0.3, "h": 0.0, "k": 1.0}


def test_losses_chooses_the_model() -> None:
    assert Link(loss=0.1).losses() == Iid(0.1)
    assert Link(loss=0.1, loss_model="exact").losses() == Exact(0.1)
    assert Link(loss=0.1, loss_model="burst").losses() == GilbertElliott.from_loss(0.1)
    assert Link(loss=Iid(0.3), loss_model="exact").losses() == Iid(0.3)


def test_at_works_the_phases_in() -> None:
    link = Link(delay_ms=10, phases=(Phase(5, loss=0.1), Phase(8, delay_ms=90)))
    assert link.at(4.9) == link
    assert link.at(5) == Link(delay_ms=10, loss=0.1, phases=(Phase(8, delay_ms=90),))
    assert link.at(9) == Link(delay_ms=90, loss=0.1)
