"""Speech: a sentence spoken by this machine, or a recorded one where it cannot speak.

Where espeak-ng is not installed, the recorded sentences of ``labkit/media/sentences`` are
played; that folder's ``README.md`` says how they were made.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from labkit.errors import BadValue, MediaError, MissingPart, WaitTimeout
from labkit.media.audio import BLOCK, SAMPLE_RATE, AudioReader, AudioSource, Samples
from labkit.media.decode import whole_sound
from labkit.words import _

__all__ = ["RECORDED", "Speech", "has_voice", "speak"]

PROGRAM = "espeak-ng"
TIMEOUT_S = 10.0
MAX_LETTERS = 500
SLOWEST, FASTEST = 80, 450
PAUSE_S = 0.8
"""Silence behind a sentence, before it is spoken again."""

RECORDED = {
    "en": "Hello! Can you hear me well? This sentence was spoken by a computer.",
    "ru": "Привет! Хорошо ли меня слышно? Эту фразу произнёс компьютер.",
}
"""What the recorded sentences say, by language."""

_FOLDER = Path(__file__).with_name("sentences")
_VOICE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,40}")


def has_voice() -> bool:
    """Return whether this machine can speak: whether espeak-ng is installed."""
    return shutil.which(PROGRAM) is not None


def recorded_path(language: str) -> Path:
    """Return the file of a recorded sentence, for one of the languages of ``RECORDED``."""
    return _FOLDER / f"{language}.opus"


@dataclass(frozen=True)
class Speech(AudioSource):
    """A sentence, spoken by espeak-ng where that is installed.

    Elsewhere it is a recorded sentence in the voice's language: Russian for ``ru``, English for
    all others. ``is_recorded`` and ``describe()`` say which one is heard.

    Args:
        text: What to say, 1 to 500 letters.
        voice: One of espeak-ng's voices, for instance ``en`` or ``ru``.
        words_per_minute: 80 to 450.
        loop: Say it again and again; else silence follows it.

    Raises:
        BadValue: An argument is out of its range.

    Notebook: notebooks/01-media.ipynb
    """

    text: str = RECORDED["en"]
    voice: str = "en"
    words_per_minute: int = 150
    loop: bool = True

    def __post_init__(self) -> None:
        check_speech(self.text, self.voice, self.words_per_minute)
        if not isinstance(self.loop, bool):
            raise BadValue(
                _("loop={loop!r} is neither True nor False.").format(loop=self.loop),
                next_step=_("True says it again and again, False once."),
            )

    @property
    def is_recorded(self) -> bool:
        """Whether the recorded sentence is heard, because this machine cannot speak."""
        return not has_voice()

    def open_audio(self) -> AudioReader:
        """Return the reader; the whole sentence is spoken before this returns.

        Raises:
            MediaError: espeak-ng refused, for instance because it has no such voice.
            WaitTimeout: espeak-ng did not end in time.
        """
        if self.is_recorded:
            samples = whole_sound(recorded_path(self._language))
        else:
            samples = speak(self.text, self.voice, self.words_per_minute)
        return _SentenceReader(samples, self.loop)

    def describe(self) -> str:
        """Return what is heard, in a few words."""
        if self.is_recorded:
            return f"speech, the recorded sentence “{RECORDED[self._language]}”"
        return f"speech “{self.text}” voice {self.voice} {self.words_per_minute} words/min"

    @property
    def _language(self) -> str:
        return "ru" if self.voice.partition("+")[0].split("-")[0] == "ru" else "en"


class _SentenceReader(AudioReader):
    """Plays a sentence and a pause, in whole blocks, once or over and over."""

    def __init__(self, samples: Samples, loop: bool) -> None:
        length = len(samples) + round(PAUSE_S * SAMPLE_RATE)
        padded = np.zeros(-(-length // BLOCK) * BLOCK, np.int16)
        padded[: len(samples)] = samples
        self._blocks, self._loop = padded.reshape(-1, BLOCK), loop

    def block(self, k: int) -> Samples:
        if k >= len(self._blocks) and not self._loop:
            return np.zeros(BLOCK, np.int16)
        block: Samples = self._blocks[k % len(self._blocks)]
        return block


def check_speech(text: Any, voice: Any, words_per_minute: Any) -> None:
    """Refuse what cannot be spoken.

    Raises:
        BadValue: Names the argument and its range.
    """
    fine = isinstance(text, str) and bool(text.strip()) and len(text) <= MAX_LETTERS
    speed = isinstance(words_per_minute, int) and SLOWEST <= words_per_minute <= FASTEST
    if not fine or not speed:
        raise BadValue(
            _("This cannot be spoken: {letters} letters at {speed!r} words a minute.").format(
                letters=len(text) if isinstance(text, str) else 0, speed=words_per_minute
            ),
            next_step=_("Use 1 to {most} letters, and {low} to {high} words a minute.").format(
                most=MAX_LETTERS, low=SLOWEST, high=FASTEST
            ),
        )
    if not isinstance(voice, str) or not _VOICE.fullmatch(voice):
        raise BadValue(
            _("voice={voice!r} is no name of a voice.").format(voice=voice),
            next_step=_("Use for instance “en” or “ru”; “espeak-ng --voices” lists them all."),
        )


def speak(text: str, voice: str = "en", words_per_minute: int = 150) -> Samples:
    """Return a sentence, spoken by espeak-ng: 48 kHz, mono, int16, shape (n,).

    Its voices have 22050 samples a second, so nothing in it lies above 11 kHz.

    Args:
        text: What to say, 1 to 500 letters.
        voice: One of espeak-ng's voices.
        words_per_minute: 80 to 450.

    Raises:
        BadValue: An argument is out of its range.
        MissingPart: espeak-ng is not installed; ``has_voice()`` tells before.
        MediaError: espeak-ng refused, for instance because it has no such voice.
        WaitTimeout: espeak-ng did not end in time.
    """
    check_speech(text, voice, words_per_minute)
    if not has_voice():
        raise MissingPart(
            _("This machine cannot speak: espeak-ng is not installed."),
            next_step=_("Install it (apt install espeak-ng), or use speech_like()."),
        )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "spoken.wav")
        _run([PROGRAM, "-v", voice, "-s", str(words_per_minute), "-w", str(path), "--stdin"], text)
        if not path.is_file():
            raise _refused(_("It wrote nothing."))
        return whole_sound(path)


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
        raise _refused(done.stderr.strip())


def _refused(why: str) -> MediaError:
    return MediaError(
        _("espeak-ng could not speak."),
        why,
        _("Look at “espeak-ng --voices”, or use speech_like()."),
    )
