"""PSNR and SSIM against a second tool, XPSNR against what it must be."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from labkit.codecs import compare_video, read_clip
from labkit.codecs.quality import QualityMeter
from labkit.media import TestPattern
from tests.codecs.clips import small_clip

Picture = NDArray[np.uint8]


def frame(picture: Picture, at: int = 0) -> av.VideoFrame:
    made = av.VideoFrame.from_ndarray(picture, format="yuv420p")
    made.pts, made.time_base = at, Fraction(1, 20)
    return made


def noisy(picture: Picture, strength: float, seed: int = 1) -> Picture:
    noise = np.random.default_rng(seed).normal(0, strength, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def ssim_8x8(one: NDArray[Any], other: NDArray[Any]) -> float:
    """SSIM by its definition, over windows of 8 x 8 pixels that lie 4 apart, as FFmpeg's."""
    windows = [
        np.lib.stride_tricks.sliding_window_view(picture.astype(float), (8, 8))[::4, ::4]
        for picture in (one, other)
    ]
    means = [each.mean((2, 3)) for each in windows]
    off = [each - mean[..., None, None] for each, mean in zip(windows, means, strict=True)]
    variances = [(each**2).sum((2, 3)) / 63 for each in off]
    covariance = (off[0] * off[1]).sum((2, 3)) / 63
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    luminance = (2 * means[0] * means[1] + c1) / (means[0] ** 2 + means[1] ** 2 + c1)
    structure = (2 * covariance + c2) / (variances[0] + variances[1] + c2)
    return float((luminance * structure).mean())


@pytest.fixture
def meter() -> QualityMeter:
    return QualityMeter(160, 120, 20)


@pytest.mark.parametrize("codec", ["vp8", "h264", "av1"])
def test_a_second_tool_says_the_same(codec: str) -> None:
    metrics = pytest.importorskip("skimage.metrics")
    clip = read_clip(TestPattern(320, 240), 0.2)
    compared = compare_video(clip, [codec], [200, 800], keep_frames=[0, 5], xpsnr=False)
    rows = compared.frames.set_index(["codec", "asked_kbps", "frame"])
    for place, picture in compared.pictures.items():
        one, two = clip.pictures[place[2]][:240], picture[:240]
        theirs = metrics.peak_signal_noise_ratio(one, two, data_range=255)
        assert rows["psnr_db"][place] == pytest.approx(theirs, abs=0.05)
        # FFmpeg's windows have 8 pixels and lie 4 apart; scikit-image's are odd and lie 1 apart.
        maps = [
            metrics.structural_similarity(one, two, win_size=side, data_range=255, full=True)[1]
            for side in (7, 9)
        ]
        assert rows["ssim"][place] == pytest.approx(np.mean(maps), abs=0.01)


@pytest.mark.parametrize("strength", [1, 4, 10, 25])
def test_psnr_and_ssim_are_as_defined(meter: QualityMeter, strength: float) -> None:
    for k in range(3):
        original = small_clip().pictures[k]
        other = noisy(original, strength, k)
        ours = meter.compare(frame(original, k), frame(other, k))
        one, two = original[:120], other[:120]
        error = np.mean((one.astype(float) - two) ** 2)
        assert ours.psnr_db == pytest.approx(10 * np.log10(255**2 / error), abs=1e-3)
        assert ours.ssim == pytest.approx(ssim_8x8(one, two), abs=1e-3)


def test_the_same_picture_is_perfect(meter: QualityMeter) -> None:
    quality = meter.compare(frame(small_clip().pictures[0]), frame(small_clip().pictures[0]))
    assert (quality.psnr_db, quality.ssim, quality.xpsnr_db) == (np.inf, 1, np.inf)


def test_xpsnr_forgives_noise_where_the_original_is_busy() -> None:
    rng = np.random.default_rng(1)
    flat = np.full((180, 160), 128, np.uint8)
    busy = flat.copy()
    busy[:60] = rng.integers(28, 228, (60, 160))
    in_busy, in_flat = busy.copy(), busy.copy()
    in_busy[4:56] = noisy(busy[4:56], 5)
    in_flat[64:116] = noisy(busy[64:116], 5)
    qualities = [
        QualityMeter(160, 120, 20).compare(frame(busy), frame(other))
        for other in (in_busy, in_flat)
    ]
    assert qualities[0].psnr_db == pytest.approx(qualities[1].psnr_db, abs=0.3)
    assert qualities[0].xpsnr_db > qualities[1].xpsnr_db + 2  # type: ignore[operator]


def test_xpsnr_only_where_it_was_asked_for() -> None:
    picture = small_clip().pictures[0]
    quality = QualityMeter(160, 120, 20, xpsnr=False).compare(frame(picture), frame(picture))
    assert quality.xpsnr_db is None
