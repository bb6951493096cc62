"""Refuse a bad value at once, with the range that is allowed."""

from __future__ import annotations

from numbers import Integral, Real
from reprlib import Repr
from typing import Any

from labkit.errors import BadValue
from labkit.words import _

__all__ = ["bad_value", "flag", "number", "probability", "whole_number"]


def bad_value(name: str, value: object, allowed: str, next_step: str = "") -> BadValue:
    """Return the error that says which values ``name`` may have."""
    return BadValue(
        _("{name}={value} is not possible.").format(name=name, value=_short(value)),
        _("Allowed is {allowed}.").format(allowed=allowed),
        next_step,
    )


def _short(value: object) -> str:
    """Return a value as a line can show it: a number of 5,000 digits has no ``repr`` at all."""
    if isinstance(value, int) and abs(value) >= 10**40:
        return _("(a number of more than 40 digits)")
    shown = Repr()
    shown.maxstring = shown.maxother = shown.maxlong = 60
    return shown.repr(value)


def number(
    name: str, value: Any, low: float, high: float, unit: str = "", next_step: str = ""
) -> float:
    """Return ``value`` as a float within [low, high].

    Raises:
        BadValue: It is not a number, is NaN, or is outside the range.
    """
    allowed = _("a number from {low:,.10g} to {high:,.10g}").format(low=low, high=high)
    allowed = f"{allowed} {unit}".rstrip()
    if not isinstance(value, Real) or isinstance(value, bool):
        raise bad_value(name, value, allowed, next_step)
    if not low <= value <= high:  # type: ignore[operator]  # NaN neither
        shown = float(value) if isinstance(value, float) else value
        raise bad_value(name, shown, allowed, next_step)
    return float(value)


def probability(name: str, value: Any) -> float:
    """Return ``value`` as a float within [0, 1].

    Raises:
        BadValue: It is not.
    """
    hint = _("5 percent are written 0.05.")
    return number(name, value, 0, 1, next_step=hint)


def whole_number(name: str, value: Any, low: int, high: int, unit: str = "") -> int:
    """Return ``value`` as an int within [low, high].

    Raises:
        BadValue: It is not a whole number, or is outside the range.
    """
    allowed = _("a whole number from {low:,} to {high:,}").format(low=low, high=high)
    allowed = f"{allowed} {unit}".rstrip()
    whole = isinstance(value, Integral) or (isinstance(value, float) and value.is_integer())
    if not whole or isinstance(value, bool) or not low <= value <= high:
        raise bad_value(name, value, allowed)
    return int(value)


def flag(name: str, value: Any) -> bool:
    """Return ``value``, which has to be True or False.

    Raises:
        BadValue: It is something else.
    """
    if not isinstance(value, bool):
        raise bad_value(name, value, _("True or False"))
    return value
