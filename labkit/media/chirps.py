"""Chirps: sounds whose place in a recording can be found to the sample."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labkit.errors import BadValue
from labkit.words import _

__all__ = ["CHIRP_S", "FoundChirp", "chirp", "find_chirps"]

CHIRP_S = 0.2
LOW_HZ, HIGH_HZ = 300.0, 3000.0
SHAPES = (
    (LOW_HZ, HIGH_HZ),
    (HIGH_HZ, LOW_HZ),
    (LOW_HZ, HIGH_HZ, LOW_HZ),
    (HIGH_HZ, LOW_HZ, HIGH_HZ),
)
"""Corner frequencies of chirp 0 to 3: up, down, up and down, down and up."""

MIN_STRENGTH = 0.5
SILENCE_RMS = 1e-4
"""Quieter than -80 dBFS counts as silence: no chirp is looked for in rounding noise."""


class FoundChirp(NamedTuple):
    """Where a chirp was found.

    Args:
        time_s: Its beginning, in seconds from the first sample.
        number: Its number modulo 4.
        strength: Likeness to the chirp that was sent, 0 to 1 (1: the same but for loudness).
    """

    time_s: float
    number: int
    strength: float


@lru_cache(maxsize=32)
def chirp(number: int, rate: int) -> NDArray[np.float64]:
    """Return the samples of one chirp: 0.2 s between 300 and 3000 Hz, Hann window, peak 1.

    Args:
        number: Only its remainder modulo 4 counts; each has a shape of its own.
        rate: Samples per second.
    """
    length = round(CHIRP_S * rate)
    corners = SHAPES[number % len(SHAPES)]
    at = np.linspace(0, len(corners) - 1, length, endpoint=False)
    frequency = np.interp(at, np.arange(len(corners)), corners)
    samples: NDArray[np.float64] = np.sin(2 * np.pi * np.cumsum(frequency) / rate)
    samples *= np.hanning(length)
    samples.setflags(write=False)
    return samples


def find_chirps(samples: ArrayLike, rate: int) -> list[FoundChirp]:
    """Find the chirps in a recording with a matched filter, exact to the sample when clean.

    Args:
        samples: One channel, shape (n,), integers or floats of any scale up to 16 bits.
        rate: Samples per second, at least 8000.

    Returns:
        The chirps in their order of time; chirps that are cut off are left out.

    Raises:
        BadValue: Not one channel, or a rate too low for 3000 Hz.
    """
    signal = np.asarray(samples)
    if signal.ndim != 1 or rate < 8000:
        raise BadValue(
            _("Chirps cannot be looked for in an array of shape {shape} at {rate} Hz.").format(
                shape=signal.shape, rate=rate
            ),
            next_step=_("Pass one channel with at least 8000 samples per second."),
        )
    scale = 32768.0 if np.issubdtype(signal.dtype, np.integer) else 1.0
    length = round(CHIRP_S * rate)
    if len(signal) < length:
        return []
    likeness = _likeness(signal / scale, length, rate)
    return _peaks(likeness, length, rate)


def _likeness(signal: NDArray[np.float64], length: int, rate: int) -> NDArray[np.float64]:
    """Normalised correlation of every position with every chirp, shape (4, positions)."""
    positions = len(signal) - length + 1
    size = 1 << (len(signal) - 1).bit_length()
    spectrum = np.fft.rfft(signal, size)
    energy = np.concatenate([[0.0], np.cumsum(signal**2)])
    loudness = np.sqrt(np.maximum(energy[length:] - energy[:-length], SILENCE_RMS**2 * length))
    rows = np.empty((len(SHAPES), positions))
    for number, row in enumerate(rows):
        template = chirp(number, rate)
        product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(template, size)), size)
        row[:] = np.abs(product[:positions]) / (loudness * np.linalg.norm(template))
    return rows


def _peaks(likeness: NDArray[np.float64], length: int, rate: int) -> list[FoundChirp]:
    """Strongest position first, nothing else within a chirp's length of it; then by time."""
    best = likeness.max(axis=0)
    found = []
    while (strength := best[at := int(best.argmax())]) >= MIN_STRENGTH:
        number = int(likeness[:, at].argmax())
        found.append(FoundChirp(at / rate, number, float(min(strength, 1.0))))
        best[max(0, at - length) : at + length] = 0
    return sorted(found)
