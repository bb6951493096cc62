"""A guess that is written down before the measurement and shown beside it afterwards."""

from __future__ import annotations

import html
import math
from typing import Any

import ipywidgets

from labkit.words import _

__all__ = ["Comparison", "Prediction", "predict"]

WELL_GUESSED = 1.25
"""How many times one number may be the other and still be called well guessed."""

_kept: dict[str, float] = {}
"""Guesses by question, so that running the cell again does not lose one."""


class Comparison:
    """A guess beside what was measured, as two bars and a sentence.

    Args:
        guess: What was guessed, None without a guess.
        measured: What was measured, None where nothing was.
        unit: Unit of both.
    """

    def __init__(self, guess: float | None, measured: float | None, unit: str) -> None:
        self.guess = guess
        self.measured = measured
        self.unit = unit

    def __repr__(self) -> str:
        return self.sentence()

    def _repr_html_(self) -> str:
        rows = [(_("Your guess"), self.guess, "#56b4e9"), (_("Measured"), self.measured, "#0072b2")]
        known = [abs(value) for _name, value, _colour in rows if value is not None]
        largest = max(known, default=0.0)
        bars = "".join(self._bar(name, value, colour, largest) for name, value, colour in rows)
        return f"<div>{bars}<p>{html.escape(self.sentence())}</p></div>"

    def sentence(self) -> str:
        """Return what the two numbers say of each other."""
        if self.measured is None:
            return _("Nothing was measured here.")
        measured = self._text(self.measured)
        if self.guess is None:
            return _("Measured: {measured}. You did not guess yet. Type a number above.").format(
                measured=measured
            )
        return _("You guessed {guess}, and {measured} were measured: {verdict}").format(
            guess=self._text(self.guess),
            measured=measured,
            verdict=self._verdict(self.guess, self.measured),
        )

    def _verdict(self, guess: float, measured: float) -> str:
        low, high = sorted((guess, measured))
        if low <= 0 < high - low:
            return _("{difference} apart.").format(difference=self._text(high - low))
        if low == high or high / low < WELL_GUESSED:
            return _("well guessed.")
        times = f"{high / low:.1f}"
        if guess > measured:
            return _("your guess was {times} times too high.").format(times=times)
        return _("your guess was {times} times too low.").format(times=times)

    def _text(self, value: float) -> str:
        return f"{value:.1f}".removesuffix(".0") + f" {self.unit}".rstrip()

    def _bar(self, name: str, value: float | None, colour: str, largest: float) -> str:
        percent = 100 * abs(value) / largest if value is not None and largest else 0
        text = "–" if value is None else self._text(value)
        return (
            '<div style="display:flex;align-items:center;gap:.5em;font-size:16px;margin:.2em 0">'
            f'<span style="width:7em">{html.escape(name)}</span>'
            '<span style="width:20em" aria-hidden="true"><span style="display:block;height:1em;'
            f'width:{percent:.1f}%;background:{colour}"></span></span>'
            f"<strong>{html.escape(text)}</strong></div>"
        )


class Prediction(ipywidgets.VBox):  # type: ignore[misc]
    """A question with a field for a number; made by ``lab.predict(...)``."""

    def __init__(self, question: str, unit: str = "") -> None:
        self.question = question
        self.unit = unit
        self._field = ipywidgets.Text(
            placeholder=_("a number"), layout={"width": "9em"}, continuous_update=False
        )
        self._button = ipywidgets.Button(
            description=_("Keep my guess"), layout={"width": "auto"}, button_style="primary"
        )
        self._said = ipywidgets.HTML()
        asked = ipywidgets.HTML(f'<span style="font-size:16px">{html.escape(question)}</span>')
        unit_label = ipywidgets.Label(unit)
        row = ipywidgets.HBox([self._field, unit_label, self._button])
        super().__init__([asked, row, self._said])
        self._button.on_click(lambda _button: self.keep(self._field.value))
        self._show_kept()
        # The field tells its value when Enter is pressed, and when it is left.
        self._field.observe(lambda change: self.keep(change.new), "value")

    @property
    def guess(self) -> float | None:
        """The number that was kept, None before."""
        return _kept.get(self.question)

    def keep(self, guess: float | str) -> None:
        """Keep a guess, as Enter and the button do; a new one takes its place.

        Args:
            guess: A number, or a text that holds one (with a point or a comma).
        """
        number = _number(guess)
        if number is None:
            self._say(_("Write a number, for instance 50."))
            return
        _kept[self.question] = number
        self._show_kept()

    def compare(self, measured: Any) -> Comparison:
        """Show the guess beside what was measured.

        Args:
            measured: A number in the unit that was asked for; NaN where nothing was measured.
        """
        return Comparison(self.guess, _known(measured), self.unit)

    def _show_kept(self) -> None:
        if self.guess is None:
            self._say(_("Type a number, press Enter, then go on."))
            return
        self._field.value = repr(self.guess).removesuffix(".0")
        kept = f"{self.guess:g} {self.unit}".rstrip()
        self._say(_("Kept: {guess}. You will see it beside the measurement.").format(guess=kept))

    def _say(self, text: str) -> None:
        self._said.value = f'<span role="status" style="font-size:16px">{html.escape(text)}</span>'


def predict(question: str, unit: str = "") -> Prediction:
    """Ask for a guess before something is measured, and keep it.

    Show it as the last line of a cell. Later, ``guess.compare(measured)`` shows both. Running the
    cell again keeps the guess; restarting the kernel forgets it.

    Args:
        question: What is to be guessed; the guess is kept under it.
        unit: Unit of the number, for instance ``ms``.

    Notebook: notebooks/00-start.ipynb
    """
    return Prediction(question, unit)


def _number(guess: float | str) -> float | None:
    try:
        return _known(float(str(guess).strip().replace(",", ".")))
    except ValueError:
        return None


def _known(value: Any) -> float | None:
    """Return the number, None where it is missing."""
    return float(value) if value is not None and math.isfinite(value) else None
