from __future__ import annotations

import pytest

from labkit.live.sliders import link_values, slider_specs
from labkit.net import GilbertElliott, Link


def test_every_value_of_every_slider_is_a_possible_link() -> None:
    link = Link()
    for spec in slider_specs():
        for value in spec["values"]:
            value = value / 100 if spec["field"] == "loss" else value
            assert getattr(link.replace(**{spec["field"]: value}), spec["field"]) == value


def test_the_clean_values_make_a_clean_link() -> None:
    clean = {spec["field"]: spec["clean"] for spec in slider_specs()}
    assert Link(**clean) == Link()


def test_every_value_comes_back_as_the_slider_has_it() -> None:
    for spec in slider_specs():
        for value in spec["values"]:
            set_to = value / 100 if spec["field"] == "loss" else value
            shown = link_values(Link(**{spec["field"]: set_to}))[spec["field"]]
            assert shown == value and type(shown) is type(value)


def test_a_loss_model_shows_its_mean_and_a_trace_fixes_the_rate() -> None:
    model = GilbertElliott.from_loss(0.05)
    assert link_values(Link(loss=model))["loss"] == pytest.approx(5.0)
    assert link_values(Link(loss=model))["fixed"] == ["loss"]
    assert link_values(Link(loss=0.05, loss_model="burst"))["fixed"] == []
    assert link_values(Link(trace=[1, 2, 3]))["fixed"] == ["rate_kbps"]
    assert link_values(Link())["fixed"] == []
