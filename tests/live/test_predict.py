"""A guess is kept, checked, and shown beside what was measured."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

import labkit as lab
from labkit.live.predict import Prediction, _kept


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    _kept.clear()
    yield
    _kept.clear()


def asked() -> Prediction:
    prediction: Prediction = lab.predict("How long?", unit="ms")
    return prediction


def said(prediction: Prediction) -> str:
    return str(prediction.children[2].value)


def press_button(prediction: Prediction, text: str) -> None:
    field, _unit, button = prediction.children[1].children
    field.value = text
    button.click()


def test_the_button_keeps_what_the_field_says() -> None:
    prediction = asked()
    assert prediction.guess is None
    press_button(prediction, " 12,5 ")
    assert prediction.guess == 12.5
    assert "12.5 ms" in said(prediction)


def test_enter_keeps_what_the_field_says() -> None:
    prediction = asked()
    assert "press Enter" in said(prediction)
    prediction.children[1].children[0].value = "1234567,5"
    assert prediction.guess == 1234567.5
    assert prediction.children[1].children[0].value == "1234567.5"


@pytest.mark.parametrize("text", ["", "fifty", "nan", "inf", "1 2"])
def test_what_is_no_number_is_not_kept(text: str) -> None:
    prediction = asked()
    press_button(prediction, text)
    assert prediction.guess is None
    assert "Write a number" in said(prediction)


def test_a_guess_outlives_its_cell_but_not_its_question() -> None:
    press_button(asked(), "40")
    assert asked().guess == 40
    assert asked().children[1].children[0].value == "40"
    assert lab.predict("How many?").guess is None


@pytest.mark.parametrize(
    ("guess", "measured", "words"),
    [
        (50, 10, "5.0 times too high"),
        (10, 50, "5.0 times too low"),
        (10, 11, "well guessed"),
        (10, 10, "well guessed"),
        (0, 0, "well guessed"),
        (0, 10, "10 ms apart"),
        (-5, 10, "15 ms apart"),
        (10, math.nan, "Nothing was measured"),
        (10, None, "Nothing was measured"),
    ],
)
def test_the_comparison_says_how_far_off_it_was(
    guess: float, measured: float | None, words: str
) -> None:
    prediction = asked()
    prediction.keep(guess)
    comparison = prediction.compare(measured)
    assert words in repr(comparison)
    assert words in comparison._repr_html_()


def test_without_a_guess_the_measurement_is_still_shown() -> None:
    comparison = asked().compare(7.25)
    assert repr(comparison) == ("Measured: 7.2 ms. You did not guess yet. Type a number above.")
    assert "–" in comparison._repr_html_()


def test_the_longer_bar_fills_its_room_and_the_other_its_share() -> None:
    prediction = asked()
    prediction.keep(40)
    shown = prediction.compare(10)._repr_html_()
    assert "width:100.0%" in shown
    assert "width:25.0%" in shown


def test_a_question_cannot_bring_its_own_html() -> None:
    prediction = lab.predict("a < b & <script>")
    assert "<script>" not in prediction.children[0].value
