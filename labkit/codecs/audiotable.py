"""The audio codecs side by side: rate, delay, bandwidth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from labkit.codecs.audio import AUDIO_CODECS, FRAME_MS, asked_rate, code_audio, why_audio_missing
from labkit.codecs.sound import Sound, bandwidth_hz, speech_like
from labkit.errors import BadValue
from labkit.media.chirps import chirp, find_chirps
from labkit.words import _

__all__ = ["DEFAULT_AUDIO", "compare_audio", "measure_audio"]

DEFAULT_AUDIO = (
    ("opus", 6.0),
    ("opus", 16.0),
    ("opus", 32.0),
    ("opus", 96.0),
    ("g722", 64.0),
    ("pcmu", 64.0),
    ("pcma", 64.0),
)
"""Codecs and asked rates in kbit/s."""

CHIRPS = 4


def compare_audio(
    codecs: Iterable[tuple[str, float]] = DEFAULT_AUDIO,
    sound: Sound | None = None,
    *,
    on_result: Callable[[dict[str, Any], int, int], None] | None = None,
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Measure audio codecs, one row each; and say by name why some cannot be.

    Args:
        codecs: Pairs of a codec's name and its asked rate in kbit/s.
        sound: What is encoded; ``speech_like()`` without it.
        on_result: Called after each with its row, how many are done and how many there are.

    Returns:
        The table, with the columns of ``measure_audio``, and the missing codecs.

    Raises:
        BadValue: A codec or a rate is another one.
    """
    asked = list(codecs)
    _check_names(name for name, _rate in asked)
    sound = speech_like() if sound is None else sound
    missing: dict[str, str] = {}
    rows = []
    for done, (name, rate_kbps) in enumerate(asked, start=1):
        why = why_audio_missing(AUDIO_CODECS[name])
        if why is not None:
            missing[name] = why
            continue
        rows.append(measure_audio(name, rate_kbps, sound))
        if on_result is not None:
            on_result(rows[-1], done, len(asked))
    return pd.DataFrame(rows), missing


def _check_names(names: Iterable[str]) -> None:
    unknown = [name for name in names if name not in AUDIO_CODECS]
    if unknown:
        raise BadValue(
            _("{codec!r} is not an audio codec of the lab.").format(codec=unknown[0]),
            next_step=_("Use one of: {names}.").format(names=", ".join(AUDIO_CODECS)),
        )


def measure_audio(
    codec: str = "opus", rate_kbps: float | None = None, sound: Sound | None = None
) -> dict[str, Any]:
    """Measure one codec at one rate.

    The algorithmic delay is that of the method, on a computer that takes no time: a packet must
    be full before it is encoded (frame_ms), and what comes out lies later than what went in
    (lookahead_ms, found with chirps at the codec's own sample rate, so that no resampler counts).

    Args:
        codec: ``opus``, ``g722``, ``pcmu`` or ``pcma``.
        rate_kbps: As for ``code_audio``.
        sound: What is encoded for rate and bandwidth; ``speech_like()`` without it.

    Returns:
        codec, asked_kbps, achieved_kbps, sample_rate_hz, bandwidth_hz (where the spectrum has
        fallen 30 dB below what went in), frame_ms, lookahead_ms, delay_ms, encode_ms and
        decode_ms (means of the packets). lookahead_ms is NaN where no chirp was found again.

    Raises:
        BadValue: The codec or the rate is another one.
        MediaError: This PyAV build lacks the codec.
    """
    sound = speech_like() if sound is None else sound
    coded = code_audio(sound, codec, rate_kbps)
    known = AUDIO_CODECS[codec]
    asked = asked_rate(known, rate_kbps)
    lookahead_ms = _lookahead_ms(codec, rate_kbps)
    return {
        "codec": codec,
        "asked_kbps": asked,
        "achieved_kbps": coded.kbps,
        "sample_rate_hz": known.sample_rate,
        "bandwidth_hz": bandwidth_hz(coded.sound, sound.at_rate(known.sample_rate)),
        "frame_ms": float(FRAME_MS),
        "lookahead_ms": lookahead_ms,
        "delay_ms": FRAME_MS + lookahead_ms,
        "encode_ms": float(coded.packets["encode_ms"].mean()),
        "decode_ms": float(coded.packets["decode_ms"].mean()),
    }


def _lookahead_ms(codec: str, rate_kbps: float | None) -> float:
    """Return how much later chirps lie in what came out, the median of four."""
    rate = AUDIO_CODECS[codec].sample_rate
    samples = np.zeros(CHIRPS * rate)
    for second in range(CHIRPS):
        shape = chirp(second, rate)
        samples[second * rate : second * rate + len(shape)] = shape
    sent = Sound(np.rint(samples * 10_000).astype(np.int16), rate)
    found = find_chirps(code_audio(sent, codec, rate_kbps).sound.samples, rate)
    late = [each.time_s % 1.0 for each in found if each.time_s % 1.0 < 0.5]
    return median(late) * 1000 if late else float("nan")
