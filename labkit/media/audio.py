"""Sources of sound: a tone, numbered chirps, silence. Each only describes; a reader plays.

Sound is 48 kHz, mono, 16 bit, in blocks of 20 ms, as Opus likes it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.errors import BadValue, MediaError
from labkit.media.chirps import CHIRP_S, SHAPES, chirp
from labkit.words import _

__all__ = [
    "AudioReader",
    "AudioSource",
    "BLOCK",
    "Chirp",
    "SAMPLE_RATE",
    "Silence",
    "Tone",
    "check_audio_source",
]

SAMPLE_RATE = 48_000
BLOCK = 960
"""Samples in a block: 20 ms."""

Samples = NDArray[np.int16]


class AudioReader(ABC):
    """Makes the sound of one source; a context manager."""

    @abstractmethod
    def block(self, k: int) -> Samples:
        """Return samples ``960 * k`` to ``960 * k + 959`` as int16, shape (960,), at once.

        Args:
            k: Number of the block, from 0; ``k`` never decreases.
        """

    def close(self) -> None:  # noqa: B027  (most readers hold nothing)
        """Let go of everything the reader holds; more than once is fine."""

    def __enter__(self) -> AudioReader:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()


class AudioSource(ABC):
    """Base of everything that can be a call's ``audio=``."""

    @abstractmethod
    def open_audio(self) -> AudioReader:
        """Return a reader; close it, or use it as a context manager."""

    @abstractmethod
    def describe(self) -> str:
        """Return the source in a few words, for the tracks of a Run."""


@dataclass(frozen=True)
class Tone(AudioSource):
    """A steady sine tone.

    Args:
        frequency_hz: 20 to 20000.
        level_dbfs: Peak of the sine against full scale, -90 to 0 dB.

    Raises:
        BadValue: An argument is out of its range.
    """

    frequency_hz: float = 440
    level_dbfs: float = -20

    def __post_init__(self) -> None:
        _check_range("frequency_hz", self.frequency_hz, 20, 20_000)
        _check_range("level_dbfs", self.level_dbfs, -90, 0)

    def open_audio(self) -> AudioReader:
        """Return the reader that makes the tone."""
        return _ToneReader(self)

    def describe(self) -> str:
        """Return the tone in a few words."""
        return f"tone {self.frequency_hz:g} Hz {self.level_dbfs:g} dBFS"


@dataclass(frozen=True)
class Chirp(AudioSource):
    """A chirp at the beginning of every second, silence between: sound whose time can be read.

    A chirp is 0.2 s between 300 and 3000 Hz. Second n plays shape n modulo 4 (up, down, up and
    down, down and up), so that ``find_chirps`` tells which second it hears.

    Args:
        level_dbfs: Peak of the chirp against full scale, -60 to 0 dB.

    Raises:
        BadValue: The level is out of its range.
    """

    level_dbfs: float = -10

    def __post_init__(self) -> None:
        _check_range("level_dbfs", self.level_dbfs, -60, 0)

    def open_audio(self) -> AudioReader:
        """Return the reader that makes the chirps."""
        return _ChirpReader(self)

    def describe(self) -> str:
        """Return the chirps in a few words."""
        return f"chirp every second {self.level_dbfs:g} dBFS"


@dataclass(frozen=True)
class Silence(AudioSource):
    """Digital silence: a track that is there and says nothing."""

    def open_audio(self) -> AudioReader:
        """Return the reader that makes the silence."""
        return _LoopReader(np.zeros(BLOCK, np.int16))

    def describe(self) -> str:
        """Return the silence in a word."""
        return "silence"


class _ToneReader(AudioReader):
    def __init__(self, tone: Tone) -> None:
        self._frequency_hz = tone.frequency_hz
        self._peak = _peak(tone.level_dbfs)

    def block(self, k: int) -> Samples:
        at = np.arange(k * BLOCK, (k + 1) * BLOCK)
        phase = at * self._frequency_hz / SAMPLE_RATE % 1.0
        return _whole(self._peak * np.sin(2 * np.pi * phase))


class _LoopReader(AudioReader):
    """Plays samples, a whole number of blocks, over and over."""

    def __init__(self, samples: Samples) -> None:
        self._blocks = samples.reshape(-1, BLOCK)

    def block(self, k: int) -> Samples:
        block: Samples = self._blocks[k % len(self._blocks)]
        return block


class _ChirpReader(_LoopReader):
    def __init__(self, source: Chirp) -> None:
        seconds = np.zeros((len(SHAPES), SAMPLE_RATE))
        for number, second in enumerate(seconds):
            second[: round(CHIRP_S * SAMPLE_RATE)] = chirp(number, SAMPLE_RATE)
        super().__init__(_whole(_peak(source.level_dbfs) * seconds.ravel()))


def _peak(level_dbfs: float) -> float:
    return float(32767 * 10 ** (level_dbfs / 20))


def _whole(samples: NDArray[np.float64]) -> Samples:
    return np.rint(samples).astype(np.int16)


def _check_range(name: str, value: Any, first: float, last: float) -> None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not first <= value <= last:
        raise BadValue(
            _("{name}={value!r} cannot be used.").format(name=name, value=value),
            next_step=_("Use a number from {first} to {last}.").format(first=first, last=last),
        )


def check_audio_source(source: Any) -> AudioSource:
    """Return ``source`` if a call can send it as audio.

    Raises:
        BadValue: It is no source of sound.
        MediaError: It is a media file without an audio stream.
    """
    names = ("open_audio", "describe")
    if isinstance(source, type) or not all(hasattr(source, name) for name in names):
        raise BadValue(
            _("{value!r} is no source of audio.").format(value=source),
            next_step=_("Use Speech(), Tone(), Chirp(), Silence() or MediaFile('clip.mp4')."),
        )
    if not getattr(source, "has_audio", True):
        raise MediaError(
            _("{source} has no audio stream.").format(source=source.describe()),
            _("It only has pictures."),
            _("Leave out audio=, or take a file with sound."),
        )
    checked: AudioSource = source
    return checked
