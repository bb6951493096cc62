"""How loud people hear a sound: loudness in LUFS, as broadcasters measure it."""

from __future__ import annotations

import math
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray

from labkit.errors import BadValue
from labkit.words import _

__all__ = ["loudness_lufs"]

MIN_S = 0.4
"""One block of the measurement."""

SILENT_LUFS = -70.0
"""Blocks below this do not count; what is all below it has no loudness."""


def loudness_lufs(samples: NDArray[np.int16], rate: int) -> float:
    """Return the integrated loudness of a sound in LUFS, NaN for silence.

    The sound is first weighted by frequency as a head and ears would (K-weighting); then quiet
    blocks of 0.4 s are left out. A full-scale sine of 997 Hz in one channel has -3.01 LUFS.

    Args:
        samples: One channel, shape (n,), int16, at least 0.4 s.
        rate: Samples per second.

    Raises:
        BadValue: Not one channel of int16, or too short.
    Source: ITU-R BS.1770; measured by FFmpeg's filter ``ebur128``.

    Notebook: notebooks/deeper/01-audio.ipynb
    """
    if samples.ndim != 1 or samples.dtype != np.int16 or len(samples) < MIN_S * rate:
        raise BadValue(
            _("The loudness of an array of shape {shape}, {kind}, cannot be measured.").format(
                shape=samples.shape, kind=samples.dtype
            ),
            next_step=_("Pass one channel of int16, at least {seconds:g} s of it.").format(
                seconds=MIN_S
            ),
        )
    last = math.nan
    for frame in _measured(samples, rate):
        last = float(frame.metadata["lavfi.r128.I"])
    return last if last > SILENT_LUFS else math.nan


def _measured(samples: NDArray[np.int16], rate: int) -> list[av.AudioFrame]:
    graph = av.filter.Graph()
    given = graph.add_abuffer(
        sample_rate=rate, format="s16", layout="mono", time_base=Fraction(1, rate)
    )
    meter = graph.add("ebur128", "metadata=1")
    out = graph.add("abuffersink")
    given.link_to(meter)
    meter.link_to(out)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
    graph.push(frame)
    graph.push(None)
    return list(_pulled(graph))


def _pulled(graph: av.filter.Graph) -> list[av.AudioFrame]:
    frames: list[av.AudioFrame] = []
    while True:
        try:
            frame = graph.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return frames
        if isinstance(frame, av.AudioFrame):
            frames.append(frame)
