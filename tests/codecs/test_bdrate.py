"""BD-rate, against an independent implementation on the same points and interpolation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.codecs.bdrate import Curve, bd_rate, overlap_share, why_no_bd_rate
from labkit.errors import BadValue

H264: Curve = ([157, 282, 585, 1201], [24.4, 30.6, 33.8, 37.4])
VP9: Curve = ([188, 442, 848, 1462], [30.2, 33.9, 35.9, 37.7])

steps = st.floats(0.05, 3.0)


@st.composite
def curves(draw: st.DrawFn, least: float = 30.0) -> Curve:
    """Draw four to seven points whose quality rises with the rate."""
    count = draw(st.integers(4, 7))
    rates = 100 * np.cumprod([1 + draw(steps) for _point in range(count)])
    quality = least + np.cumsum([draw(steps) for _point in range(count)])
    return rates.tolist(), quality.tolist()


def scipy_rate(anchor: Curve, test: Curve) -> float:
    """Compute BD-rate with scipy's own interpolator and integral."""
    interpolate = pytest.importorskip("scipy.interpolate")
    low = max(min(anchor[1]), min(test[1]))
    high = min(max(anchor[1]), max(test[1]))
    areas = [
        interpolate.PchipInterpolator(quality, np.log10(rates)).integrate(low, high)
        for rates, quality in (anchor, test)
    ]
    return float((10 ** ((areas[1] - areas[0]) / (high - low)) - 1) * 100)


@settings(deadline=None)  # scipy takes a second to load
@given(curves(), curves(31.0))
def test_pchip_is_scipys(anchor: Curve, test: Curve) -> None:
    if why_no_bd_rate(anchor, test) is not None:
        assert math.isnan(bd_rate(anchor, test))
        return
    assert bd_rate(anchor, test) == pytest.approx(scipy_rate(anchor, test), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("method", ["pchip", "cubic"])
@pytest.mark.parametrize(("anchor", "test"), [(H264, VP9), (VP9, H264)])
def test_an_independent_implementation_agrees(anchor: Curve, test: Curve, method: str) -> None:
    package = pytest.importorskip("bjontegaard")
    theirs = package.bd_rate(*anchor, *test, method=method, min_overlap=0)
    assert bd_rate(anchor, test, method) == pytest.approx(theirs, abs=0.1)  # type: ignore[arg-type]


def test_half_the_rate_for_the_same_quality_is_minus_50_percent() -> None:
    half: Curve = ([rate / 2 for rate in H264[0]], H264[1])
    assert bd_rate(H264, half) == pytest.approx(-50)
    assert bd_rate(H264, half, "cubic") == pytest.approx(-50)
    assert bd_rate(half, H264) == pytest.approx(100)
    assert bd_rate(H264, H264) == 0


@given(curves(), st.randoms())
def test_the_order_of_the_points_does_not_matter(curve: Curve, random: object) -> None:
    pairs = list(zip(*curve, strict=True))
    random.shuffle(pairs)  # type: ignore[attr-defined]
    shuffled: Curve = tuple(zip(*pairs, strict=True))  # type: ignore[assignment]
    assert bd_rate(curve, shuffled) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        (([100, 200, 300], [30, 31, 32]), "at least 4"),
        (([], []), "at least 4"),
        (([100, 200, 300, 400], [10, 11, 12, 13]), "never reach"),
        (([100, 200, 300, 400], [30, 32, 31, 33]), "rises"),
        (([100, 100, 300, 400], [30, 31, 32, 33]), "rises"),
        (([100, 200, 300, 400], [30, 31, 32, math.inf]), "finite"),
        (([100, 200, 300, 400], [30, 31, math.nan, 33]), "finite"),
    ],
)
def test_where_it_is_not_defined_it_is_missing_and_says_why(test: Curve, why: str) -> None:
    for pair in ((H264, test), (test, H264)):
        assert math.isnan(bd_rate(*pair))
        assert why in str(why_no_bd_rate(*pair))
    assert why_no_bd_rate(H264, VP9) is None


def test_the_common_part_of_the_quality() -> None:
    assert overlap_share(H264, VP9) == pytest.approx((37.4 - 30.2) / (37.7 - 24.4))
    assert overlap_share(H264, H264) == 1
    assert overlap_share(H264, ([1], [99.0])) == 0
    assert math.isnan(overlap_share(H264, ([], [])))


def test_what_is_no_curve_is_refused() -> None:
    with pytest.raises(BadValue, match="rates above 0"):
        bd_rate(H264, ([0, 1, 2, 3], [30, 31, 32, 33]))
    with pytest.raises(BadValue, match="as many qualities"):
        bd_rate(H264, ([1, 2], [30]))
    with pytest.raises(BadValue, match="pchip"):
        bd_rate(H264, VP9, "linear")  # type: ignore[arg-type]
