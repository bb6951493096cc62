"""BD-rate: how much less rate a codec needs for the same quality, as one number.

Source: G. Bjøntegaard, "Calculation of average PSNR differences between RD-curves",
VCEG-M33 (2001), with a third-order polynomial through the points ("cubic"); the joint teams
JCT-VC and JVET took piecewise cubic interpolation ("pchip"), which does not swing between them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from labkit.errors import BadValue
from labkit.words import _

__all__ = ["MIN_POINTS", "Interpolation", "bd_rate", "overlap_share", "why_no_bd_rate"]

Interpolation = Literal["pchip", "cubic"]
Curve = tuple[Sequence[float], Sequence[float]]
"""Rates in kbit/s and the quality at each, for instance PSNR in dB; in any order."""

MIN_POINTS = 4

Values = NDArray[np.float64]


def bd_rate(anchor: Curve, test: Curve, interpolation: Interpolation = "pchip") -> float:
    """Return the rate that ``test`` needs against ``anchor``, in percent; negative is better.

    Both curves are log10 of the rate over quality; the mean of their difference is taken where
    both have quality. NaN where that is not defined: ``why_no_bd_rate`` says why.

    Args:
        anchor: Rates in kbit/s and qualities of the reference.
        test: The same of the other codec; the numbers of points may differ.
        interpolation: ``pchip`` (piecewise cubic, Fritsch and Carlson 1980) or ``cubic`` (one
            polynomial of third order, least squares).

    Raises:
        BadValue: A curve has more rates than qualities or the reverse, or a rate that is not
            above 0, or the interpolation is unknown.
    """
    if interpolation not in _INTEGRALS:
        raise BadValue(
            _("{value!r} is no interpolation.").format(value=interpolation),
            next_step=_("Use “pchip” or “cubic”."),
        )
    if why_no_bd_rate(anchor, test) is not None:
        return float("nan")
    curves = _points(anchor), _points(test)
    low, high = _overlap(curves[0][1], curves[1][1])
    integral = _INTEGRALS[interpolation]
    areas = [integral(quality, log_rate, low, high) for log_rate, quality in curves]
    return float((10 ** ((areas[1] - areas[0]) / (high - low)) - 1) * 100)


def why_no_bd_rate(anchor: Curve, test: Curve) -> str | None:
    """Return why two curves have no BD-rate, None where they have one.

    Args:
        anchor: Rates (kbit/s) and qualities of the codec that is compared with, as ``bd_rate``
            takes them.
        test: The same of the other codec.

    Raises:
        BadValue: As ``bd_rate``.
    """
    curves = [_points(curve) for curve in (anchor, test)]
    qualities = [quality for _log_rate, quality in curves]
    if min(map(len, qualities)) < MIN_POINTS:
        return _("BD-rate needs at least {count} points a codec.").format(count=MIN_POINTS)
    if not all(np.isfinite(quality).all() for quality in qualities):
        return _("BD-rate needs a finite quality at every point.")
    if any((np.diff(values) <= 0).any() for points in curves for values in points):
        return _("BD-rate needs quality that rises with the rate, point by point.")
    low, high = _overlap(*qualities)
    return None if low < high else _("The two codecs never reach the same quality.")


def overlap_share(anchor: Curve, test: Curve) -> float:
    """Return which part of all the quality that either codec reaches both reach, 0 to 1.

    A BD-rate over a small share says little. NaN where a curve is empty or not finite.

    Args:
        anchor: Rates (kbit/s) and qualities of the codec that is compared with, as ``bd_rate``
            takes them.
        test: The same of the other codec.
    """
    qualities = [_points(curve)[1] for curve in (anchor, test)]
    every = np.concatenate(qualities)
    if min(map(len, qualities)) == 0 or not np.isfinite(every).all():
        return float("nan")
    low, high = _overlap(*qualities)
    whole = float(np.ptp(every))
    return max(0.0, high - low) / whole if whole > 0 else 1.0


def _points(curve: Curve) -> tuple[Values, Values]:
    """Return log10 of the rates and the qualities, by rising rate."""
    rates, quality = (np.asarray(values, np.float64) for values in curve)
    if rates.shape != quality.shape or rates.ndim != 1 or not (rates > 0).all():
        raise BadValue(
            _("These points are no rate–distortion curve: {rates} and {quality}.").format(
                rates=rates.tolist(), quality=quality.tolist()
            ),
            next_step=_("Use as many qualities as rates, and rates above 0."),
        )
    order = np.argsort(rates, kind="stable")
    return np.log10(rates[order]), quality[order]


def _overlap(one: Values, other: Values) -> tuple[float, float]:
    return float(max(one.min(), other.min())), float(min(one.max(), other.max()))


def _cubic_integral(x: Values, y: Values, low: float, high: float) -> float:
    # Around its middle the fit is far better conditioned than around zero dB.
    middle = float(x.mean())
    area = np.polyint(np.polyfit(x - middle, y, 3))
    return float(np.polyval(area, high - middle) - np.polyval(area, low - middle))


def _pchip_integral(x: Values, y: Values, low: float, high: float) -> float:
    """Integrate the piecewise cubic Hermite curve exactly, piece by piece."""
    slopes = _pchip_slopes(x, y)
    area = 0.0
    for i, width in enumerate(np.diff(x).tolist()):
        begin, end = (float(np.clip(at, x[i], x[i + 1])) for at in (low, high))
        if begin < end:
            piece = np.polyint(_hermite(width, y[i : i + 2], slopes[i : i + 2]))
            area += float(np.polyval(piece, end - x[i]) - np.polyval(piece, begin - x[i]))
    return area


def _hermite(width: float, y: Values, slopes: Values) -> Values:
    """Coefficients, highest power first, of the cubic over 0 .. width."""
    mean = (y[1] - y[0]) / width
    cubic = (slopes[0] + slopes[1] - 2 * mean) / width**2
    square = (3 * mean - 2 * slopes[0] - slopes[1]) / width
    return np.array([cubic, square, slopes[0], y[0]])


def _pchip_slopes(x: Values, y: Values) -> Values:
    """Slopes that keep the curve between its points: a weighted harmonic mean inside."""
    width = np.diff(x)
    mean = np.diff(y) / width
    slopes = np.zeros_like(y)
    for i in range(1, len(x) - 1):
        before, after = mean[i - 1], mean[i]
        if before * after > 0:
            first, second = 2 * width[i] + width[i - 1], width[i] + 2 * width[i - 1]
            slopes[i] = (first + second) / (first / before + second / after)
    slopes[0] = _end_slope(width[0], width[1], mean[0], mean[1])
    slopes[-1] = _end_slope(width[-1], width[-2], mean[-1], mean[-2])
    return slopes


def _end_slope(near: float, far: float, near_mean: float, far_mean: float) -> float:
    """Three-point slope at an end, held back where it would overshoot."""
    slope = ((2 * near + far) * near_mean - near * far_mean) / (near + far)
    if slope * near_mean <= 0:
        return 0.0
    if near_mean * far_mean < 0 and abs(slope) > 3 * abs(near_mean):
        return 3 * near_mean
    return slope


_INTEGRALS: dict[str, Callable[[Values, Values, float, float], float]] = {
    "pchip": _pchip_integral,
    "cubic": _cubic_integral,
}
