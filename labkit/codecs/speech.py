"""A sentence spoken by this machine, to hear what codecs do to a voice."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import wave
from pathlib import Path

import numpy as np

from labkit.codecs.sound import Sound
from labkit.errors import BadValue, MediaError, MissingPart, WaitTimeout
from labkit.media.audio import SAMPLE_RATE
from labkit.words import _

__all__ = ["has_voice", "spoken"]

PROGRAM = "espeak-ng"
TIMEOUT_S = 10.0
MAX_LETTERS = 500


def has_voice() -> bool:
    """Return whether this machine can speak: whether espeak-ng is installed."""
    return shutil.which(PROGRAM) is not None


def spoken(text: str, *, voice: str = "en", words_per_minute: int = 150) -> Sound:
    """Return a sentence, spoken by espeak-ng, at 48 kHz.

    Its voice has 22050 samples a second, so nothing in it lies above 11 kHz.

    Args:
        text: What to say, 1 to 500 letters.
        voice: One of espeak-ng's voices, for instance ``en`` or ``ru``.
        words_per_minute: 80 to 450.

    Raises:
        BadValue: An argument is out of its range.
        MissingPart: espeak-ng is not installed; ``has_voice()`` tells before.
        MediaError: espeak-ng refused, for instance because it has no such voice.
        WaitTimeout: espeak-ng did not end in time.
    """
    if not text.strip() or len(text) > MAX_LETTERS or not 80 <= words_per_minute <= 450:
        raise BadValue(
            _("This cannot be spoken: {letters} letters at {speed} words a minute.").format(
                letters=len(text), speed=words_per_minute
            ),
            next_step=_("Use 1 to {most} letters, and 80 to 450 words a minute.").format(
                most=MAX_LETTERS
            ),
        )
    if not has_voice():
        raise MissingPart(
            _("This machine cannot speak: espeak-ng is not installed."),
            next_step=_("Install it (apt install espeak-ng), or use speech_like()."),
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "spoken.wav")
        _run([PROGRAM, "-v", voice, "-s", str(words_per_minute), "-w", str(path), "--stdin"], text)
        return _read(path).at_rate(SAMPLE_RATE)


def _run(command: list[str], text: str) -> None:
    try:
        done = subprocess.run(
            command,
            input=text,
            encoding="utf-8",
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WaitTimeout(
            _("espeak-ng did not end within {timeout:g} s.").format(timeout=TIMEOUT_S),
            next_step=_("Try a shorter text, or speech_like()."),
        ) from error
    if done.returncode:
        raise MediaError(
            _("espeak-ng could not speak."),
            done.stderr.strip(),
            _("Look at “espeak-ng --voices”, or use speech_like()."),
        )


def _read(path: Path) -> Sound:
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.int16)
        return Sound(samples, file.getframerate())
