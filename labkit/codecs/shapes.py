"""The triangle of a call: size, frame rate and bitrate, of which two decide the third."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from labkit.codecs.clip import Clip, Pictures
from labkit.codecs.compare import encoding_bar
from labkit.codecs.encoders import choose_encoders
from labkit.codecs.quality import QualityMeter
from labkit.codecs.video import EncodeJob, Encoding, encode
from labkit.errors import BadValue, MediaError
from labkit.words import _

__all__ = ["Shape", "compare_shapes"]

Shape = tuple[int, int, int]
"""Width, height and pictures a second."""

MIN_SIDE = 32


def compare_shapes(
    clip: Clip,
    shapes: Iterable[Shape],
    rates_kbps: Iterable[float] = (100.0, 400.0, 1600.0),
    codec: str = "vp8",
    *,
    progress: bool = True,
) -> pd.DataFrame:
    """Encode one clip in several sizes and frame rates, and judge all on the same screen.

    The clip is scaled down (area) and pictures are left out; what is decoded is scaled up again
    (bicubic) and stays until the next picture comes. So every picture of the clip is compared
    with what a viewer of the clip's own size has on the screen at that time.

    Args:
        clip: From ``read_clip``.
        shapes: Width and height in pixels, even and at most the clip's, and pictures a second,
            of which the clip's frame rate is a multiple.
        rates_kbps: Asked rates in kbit/s.
        codec: One of ``VIDEO_CODECS``.
        progress: Whether to show a bar, where there is a notebook.

    Returns:
        One row a shape and rate: shape (``640×360@30``), width, height, fps, asked_kbps,
        achieved_kbps, bits_per_pixel (achieved), psnr_db (of luma, mean over the clip's
        pictures), encode_ms (mean of a picture).

    Raises:
        BadValue: A shape or the codec cannot be used.
        MediaError: This PyAV build lacks the codec, or an encoding did not work.
    Notebook: notebooks/02-codecs.ipynb
    """
    asked = [_checked(clip, shape) for shape in shapes]
    rates = [float(rate) for rate in rates_kbps]
    smaller = {shape: _reshaped(clip, shape) for shape in asked}
    rows: list[dict[str, Any]] = []
    with encoding_bar(progress, len(asked) * len(rates)) as show:
        for shape, rate in itertools.product(asked, rates):
            rows.append(_measure(clip, smaller[shape], rate, codec))
            show(len(rows) / (len(asked) * len(rates)))
    return pd.DataFrame(rows)


def _checked(clip: Clip, shape: Shape) -> Shape:
    width, height, fps = shape
    fits = MIN_SIDE <= width <= clip.width and MIN_SIDE <= height <= clip.height
    even = width % 2 == 0 and height % 2 == 0
    if not fits or not even or fps < 1 or clip.fps % fps:
        raise BadValue(
            _("{width}x{height}@{fps} cannot be made of {clip!r}.").format(
                width=width, height=height, fps=fps, clip=clip
            ),
            _("The clip is only made smaller, and only whole pictures are left out."),
            _("Use even sides up to {width}x{height}, and {fps}, {half:g} ... a second.").format(
                width=clip.width, height=clip.height, fps=clip.fps, half=clip.fps / 2
            ),
        )
    return shape


def _reshaped(clip: Clip, shape: Shape) -> Clip:
    """Return the clip with smaller pictures, and fewer of them."""
    width, height, fps = shape
    kept = range(0, len(clip), clip.fps // fps)
    pictures = np.stack([_scaled(clip, k, width, height) for k in kept])
    return Clip(pictures, fps, clip.about)


def _scaled(clip: Clip, k: int, width: int, height: int, way: str = "AREA") -> Pictures:
    if (width, height) == (clip.width, clip.height):
        picture: Pictures = clip.pictures[k]
        return picture
    frame = clip.frame(k).reformat(width, height, interpolation=way)
    return frame.to_ndarray().astype(np.uint8, copy=False)


def _measure(clip: Clip, smaller: Clip, rate_kbps: float, codec: str) -> dict[str, Any]:
    (encoder,), _missing = choose_encoders([codec])
    everything = tuple(range(len(smaller)))
    done = encode(EncodeJob(smaller, encoder, rate_kbps, xpsnr=False, keep_frames=everything))
    if done.failed is not None:
        raise MediaError(
            _("{codec} could not encode {clip!r} at {rate:g} kbit/s.").format(
                codec=codec, clip=smaller, rate=rate_kbps
            ),
            done.failed,
            _("Use a larger shape, or another rate."),
        )
    achieved = sum(row["size_bytes"] for row in done.rows) * 8 / smaller.duration_s / 1000
    pixels_per_s = smaller.width * smaller.height * smaller.fps
    return {
        "shape": f"{smaller.width}×{smaller.height}@{smaller.fps}",
        "width": smaller.width,
        "height": smaller.height,
        "fps": smaller.fps,
        "asked_kbps": rate_kbps,
        "achieved_kbps": achieved,
        "bits_per_pixel": achieved * 1000 / pixels_per_s,
        "psnr_db": _seen_psnr_db(clip, smaller, done),
        "encode_ms": float(np.mean([row["encode_ms"] for row in done.rows])),
    }


def _seen_psnr_db(clip: Clip, smaller: Clip, done: Encoding) -> float:
    """Compare each picture of the clip with what is on the screen at its time."""
    meter = QualityMeter(clip.width, clip.height, clip.fps, xpsnr=False)
    step = clip.fps // smaller.fps
    values = []
    seen: Clip | None = None
    for k in range(len(clip)):
        if k % step == 0 and k // step in done.pictures:
            seen = _enlarged(done.pictures[k // step], clip)
        if seen is not None:
            values.append(meter.compare(clip.frame(k), seen.frame(0)).psnr_db)
    return float(np.mean(values)) if values else float("nan")


def _enlarged(picture: Pictures, clip: Clip) -> Clip:
    one = Clip(picture[None], clip.fps, clip.about)
    return Clip(_scaled(one, 0, clip.width, clip.height, "BICUBIC")[None], clip.fps, clip.about)
