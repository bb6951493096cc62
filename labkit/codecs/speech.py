"""A spoken sentence as a ``Sound``, to hear what codecs do to a voice."""

from __future__ import annotations

from labkit.codecs.sound import Sound
from labkit.media.audio import SAMPLE_RATE
from labkit.media.speech import has_voice, speak

__all__ = ["has_voice", "spoken"]


def spoken(text: str, *, voice: str = "en", words_per_minute: int = 150) -> Sound:
    """Return a sentence, spoken by espeak-ng, at 48 kHz; see ``labkit.media.speech.speak``.

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
    return Sound(speak(text, voice, words_per_minute), SAMPLE_RATE)
