"""What the panel's sliders offer, and what of a link they show."""

from __future__ import annotations

from typing import Any

from labkit.net import Link, LossModel
from labkit.words import _

__all__ = ["link_values", "slider_specs"]

_DELAYS = [0, 5, 10, 20, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400, 500]
_JITTERS = [0, 1, 2, 3, 5, 8, 10, 15, 20, 30, 40, 50, 70, 100]
_LOSSES = [0, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50]
_RATES = [50, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000, 10000, None]


def slider_specs() -> list[dict[str, Any]]:
    """Return field, label, unit, the values of each slider, and the value of a clean link."""
    rows = [
        ("delay_ms", _("Delay"), "ms", _DELAYS, 0),
        ("jitter_ms", _("Jitter"), "ms", _JITTERS, 0),
        ("loss", _("Loss"), "%", _LOSSES, 0),
        ("rate_kbps", _("Rate"), "kbit/s", _RATES, None),
    ]
    names = ("field", "label", "unit", "values", "clean")
    return [dict(zip(names, row, strict=True)) for row in rows]


def link_values(link: Link) -> dict[str, Any]:
    """Return a link as the sliders show it: loss in percent, and which of them are fixed."""
    fixed = []
    if link.trace is not None:
        fixed.append("rate_kbps")
    if isinstance(link.loss, LossModel):  # a number would take the place of the whole model
        fixed.append("loss")
    return {
        "delay_ms": _plain(link.delay_ms),
        "jitter_ms": _plain(link.jitter_ms),
        "loss": _plain(100 * link.losses().mean),
        "rate_kbps": None if link.rate_kbps is None else _plain(link.rate_kbps),
        "fixed": fixed,
    }


def _plain(value: float) -> float:
    """A whole number without its ``.0``, so that it equals the slider's own."""
    value = round(value, 3)
    return int(value) if value == int(value) else value
