"""Sound as samples: read it, make something like speech, see how far its spectrum reaches."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from labkit.errors import BadValue
from labkit.media import AudioSource, MediaFile, check_audio_source
from labkit.media.audio import BLOCK, SAMPLE_RATE
from labkit.words import _

__all__ = ["Sound", "bandwidth_hz", "read_sound", "speech_like"]

Samples = NDArray[np.int16]

WINDOW_S = 0.04
BAND_HZ = 200.0
"""Width over which a spectrum is evened out before its end is looked for."""


@dataclass(frozen=True, eq=False)
class Sound:
    """One channel of sound.

    Args:
        samples: Shape (n,), int16.
        rate: Samples per second.
    """

    samples: Samples
    rate: int

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return len(self.samples) / self.rate

    @property
    def level_dbfs(self) -> float:
        """Root mean square against a full-scale square wave, dB; minus infinity for silence."""
        return level_dbfs(self.samples)

    def at_rate(self, rate: int) -> Sound:
        """Return the sound resampled, as long as before.

        Args:
            rate: Samples per second.
        """
        if rate == self.rate:
            return self
        resampler = av.AudioResampler("s16", "mono", rate)
        parts = [
            *resampler.resample(to_frame(self.samples, self.rate, 0)),
            *resampler.resample(None),
        ]
        samples = np.concatenate([part.to_ndarray().ravel() for part in parts])
        length = round(len(self.samples) * rate / self.rate)
        return Sound(np.resize(samples.astype(np.int16), length), rate)

    def __repr__(self) -> str:
        return f"<Sound {self.duration_s:.2f} s, {self.rate} Hz, {self.level_dbfs:.1f} dBFS>"


def level_dbfs(samples: Samples) -> float:
    """Return the root mean square of int16 samples in dB below full scale."""
    power = float(np.mean((samples / 32768.0) ** 2)) if len(samples) else 0.0
    return 10 * float(np.log10(power)) if power > 0 else float("-inf")


def to_frame(samples: Samples, rate: int, at: int) -> av.AudioFrame:
    """Return samples as a frame of PyAV that begins at sample ``at``."""
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, at, Fraction(1, rate)
    return frame


def read_sound(source: AudioSource | Path | str, seconds: float = 4.0) -> Sound:
    """Read the first seconds of a source of sound at 48 kHz.

    Args:
        source: ``Chirp()``, ``Tone()``, ``MediaFile(…)``, or a media file's path.
        seconds: How long, 0.1 to 600; a file is not read past its end.

    Raises:
        BadValue: An argument is out of its range.
        MediaError: The file cannot be used.
        WaitTimeout: The file gave nothing in time.
    """
    _check_seconds(seconds)
    if isinstance(source, (str, Path)):
        source = MediaFile(source)
    source = check_audio_source(source)
    seconds = min(seconds, float(getattr(source, "duration_s", seconds)))
    blocks = max(1, round(seconds * SAMPLE_RATE / BLOCK))
    with source.open_audio() as reader:
        return Sound(np.concatenate([reader.block(k) for k in range(blocks)]), SAMPLE_RATE)


def _check_seconds(seconds: float) -> None:
    number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not number or not 0.1 <= seconds <= 600:
        raise BadValue(
            _("{seconds!r} s of sound cannot be had.").format(seconds=seconds),
            next_step=_("Use a number from 0.1 to 600."),
        )


def speech_like(seconds: float = 4.0, *, seed: int = 1) -> Sound:
    """Return sound that codecs take for speech: voiced syllables with hissing between them.

    It is made of a gliding voice with formants, and of noise above 3 kHz; it says nothing.

    Args:
        seconds: 0.1 to 600.
        seed: Any whole number from 0; hiss and vowels follow from it.

    Raises:
        BadValue: The length is out of its range.
    """
    _check_seconds(seconds)
    at_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    rng = np.random.default_rng(seed)
    syllable = at_s * SYLLABLES_PER_S % 1.0
    voice = _voice(at_s, rng) * np.sin(np.pi * np.clip(syllable / 0.65, 0, 1)) ** 0.5
    hiss = _hiss(len(at_s), rng) * np.sin(np.pi * np.clip((syllable - 0.68) / 0.3, 0, 1))
    breath = 0.003 * rng.standard_normal(len(at_s))
    loudest = max(np.abs(hiss).max(), 1e-9)  # in a very short sound no hiss has come yet
    sound = voice / np.abs(voice).max() + 0.25 * hiss / loudest + breath
    return Sound(np.rint(sound * 8000).astype(np.int16), SAMPLE_RATE)


SYLLABLES_PER_S = 3.5
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480))
"""Formants in Hz of the vowels in "father", "see", "boot" and "bed" (Peterson and Barney 1952)."""


def _voice(at_s: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    pitch_hz = 130 + 25 * np.sin(2 * np.pi * 0.4 * at_s)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE
    formants = _formants(at_s, rng)
    voice = np.zeros_like(at_s)
    for harmonic in range(1, 31):
        at_hz = harmonic * pitch_hz
        gain = sum(1 / (1 + ((at_hz - formants[i]) / 120) ** 2) / (i + 1) for i in range(3))
        # All in one phase they would make pulses so sharp that Opus’s voice model clips.
        voice += (gain + 0.01) / harmonic * np.sin(harmonic * phase + rng.uniform(0, 2 * np.pi))
    return voice


def _formants(at_s: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Formants in Hz over time, shape (3, n), gliding from vowel to vowel within 0.1 s."""
    syllable = (at_s * SYLLABLES_PER_S).astype(int)
    vowel = rng.integers(0, len(VOWELS), syllable[-1] + 1)[syllable]
    half = SAMPLE_RATE // 20
    glide = np.hanning(2 * half + 1)
    steps = np.pad(np.array(VOWELS, np.float64)[vowel].T, ((0, 0), (half, half)), "edge")
    return np.stack([_smooth(row, glide / glide.sum()) for row in steps])


def _smooth(values: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convolve by FFT, without the ends."""
    size = len(values) + len(kernel) - 1
    product = np.fft.rfft(values, size) * np.fft.rfft(kernel, size)
    return np.fft.irfft(product, size)[len(kernel) - 1 : len(values)]


def _hiss(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise from 3 kHz upward."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum[np.fft.rfftfreq(length, 1 / SAMPLE_RATE) < 3000] = 0
    return np.fft.irfft(spectrum, length)


def bandwidth_hz(sound: Sound, original: Sound | None = None, *, below_db: float = 30.0) -> float:
    """Return the frequency above which the spectrum stays ``below_db`` below what it should be.

    That is the original's spectrum at the same frequency, or without one the strongest part of
    the sound's own. NaN for silence.

    Args:
        sound: What came out.
        original: What went in, at the same rate.
        below_db: How far the spectrum has fallen, dB.

    Raises:
        BadValue: The two sounds have different rates.
    """
    if original is not None and original.rate != sound.rate:
        raise BadValue(
            _("Sounds of {one} Hz and {other} Hz cannot be compared.").format(
                one=sound.rate, other=original.rate
            ),
            next_step=_("Bring one to the other’s rate with sound.at_rate(rate)."),
        )
    power = _power(sound)
    should = np.full_like(power, power.max()) if original is None else _power(original)
    heard = should > should.max() * 1e-6  # not where there was next to nothing
    above = np.flatnonzero((power > should * 10 ** (-below_db / 10)) & heard)
    return float(above[-1] / WINDOW_S) if above.size and power.max() > 0 else float("nan")


def _power(sound: Sound) -> NDArray[np.float64]:
    """Mean power at each multiple of 25 Hz, evened out over 200 Hz."""
    length = round(WINDOW_S * sound.rate)
    samples = sound.samples[: len(sound.samples) // length * length].astype(np.float64)
    if not samples.size:
        return np.zeros(length // 2 + 1)
    windows = samples.reshape(-1, length) * np.hanning(length)
    power = (np.abs(np.fft.rfft(windows)) ** 2).mean(axis=0)
    width = round(BAND_HZ * WINDOW_S)
    return np.convolve(power, np.full(width, 1 / width), "same")
