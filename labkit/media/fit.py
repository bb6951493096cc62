"""Pictures of a file as they fit into a box: scaled, and the right side up."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from labkit.media.stamp import planes

__all__ = ["fitted"]


def fitted(
    scaler: VideoReformatter, frame: av.VideoFrame, shape: Fraction, width: int, height: int
) -> av.VideoFrame:
    """Return a frame in yuv420p, turned as its file asks, as large as fits into a box.

    Args:
        scaler: Keeps what it has prepared for frames of one size.
        frame: As it was decoded.
        shape: Width of a pixel over its height.
        width: Of the box, pixels.
        height: Of the box, pixels.
    """
    quarters = round(frame.rotation / 90) % 4
    if quarters % 2:
        width, height = height, width
    wide = frame.width * shape
    scale = min(width / wide, Fraction(height, frame.height))
    scaled = scaler.reformat(
        frame,
        max(2, round(wide * scale / 2) * 2),
        max(2, round(frame.height * scale / 2) * 2),
        "yuv420p",
        dst_color_range="MPEG",
        interpolation="BICUBIC",
    )
    return _turned(scaled, quarters) if quarters else scaled


def _turned(frame: av.VideoFrame, quarters: int) -> av.VideoFrame:
    """Turn a picture counterclockwise: a phone films lying on its side and notes it."""
    sides = (frame.height, frame.width) if quarters % 2 else (frame.width, frame.height)
    turned = av.VideoFrame(*sides, "yuv420p")
    for target, source in zip(planes(turned), planes(frame), strict=True):
        target[:] = np.rot90(source, quarters)
    turned.color_range = frame.color_range
    return turned
