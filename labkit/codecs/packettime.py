"""How long a packet of sound should be: headers against waiting."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import av
import numpy as np
import pandas as pd

from labkit.codecs.audio import AUDIO_CODECS, why_audio_missing
from labkit.codecs.sound import Sound, to_frame
from labkit.errors import BadValue, MediaError
from labkit.media.audio import SAMPLE_RATE
from labkit.words import _

__all__ = ["OPUS_TIMES_MS", "compare_packet_times"]

OPUS_TIMES_MS = (2.5, 5, 10, 20, 40, 60)
"""Lengths that one frame of Opus can have. Source: RFC 6716, section 2.1.4."""


def compare_packet_times(
    sound: Sound,
    *,
    header_bytes: float,
    rate_kbps: float = 24.0,
    times_ms: Iterable[float] = (10, 20, 40, 60),
) -> pd.DataFrame:
    """Encode a sound with Opus in packets of several lengths; one row a length.

    Columns: packet_ms (how long the first sample waits for the last one), packets_per_s,
    payload_bytes (mean), header_share (0 to 1, of all that is sent), payload_kbps, sent_kbps.

    Args:
        sound: Any rate.
        header_bytes: What each packet carries besides the sound.
        rate_kbps: What Opus is asked for, 6 to 510.
        times_ms: Some of ``OPUS_TIMES_MS``.

    Raises:
        BadValue: A length that Opus does not have, or a sound that is shorter than a packet.
        MediaError: This PyAV build lacks Opus.

    Notebook: notebooks/deeper/01-audio.ipynb
    """
    why = why_audio_missing(AUDIO_CODECS["opus"])
    if why is not None:
        raise MediaError(_("{codec} cannot be used.").format(codec="opus"), why)
    rows = [_row(sound, ms, header_bytes, rate_kbps) for ms in times_ms]
    return pd.DataFrame(rows)


def _row(sound: Sound, packet_ms: float, header_bytes: float, kbps: float) -> dict[str, float]:
    payload = float(np.mean(_sizes(sound, packet_ms, kbps)))
    per_s = 1000 / packet_ms
    return {
        "packet_ms": packet_ms,
        "packets_per_s": per_s,
        "payload_bytes": payload,
        "header_share": header_bytes / (header_bytes + payload),
        "payload_kbps": payload * 8 * per_s / 1000,
        "sent_kbps": (payload + header_bytes) * 8 * per_s / 1000,
    }


def _sizes(sound: Sound, packet_ms: float, kbps: float) -> list[int]:
    """Return the bytes of each packet that Opus makes of a sound."""
    samples = sound.at_rate(SAMPLE_RATE).samples
    size = round(packet_ms * SAMPLE_RATE / 1000)
    if packet_ms not in OPUS_TIMES_MS or len(samples) < size:
        raise BadValue(
            _("{sound!r} cannot be cut into packets of {ms:g} ms.").format(
                sound=sound, ms=packet_ms
            ),
            next_step=_("Use one of {times} ms, and a sound that is longer.").format(
                times=", ".join(f"{ms:g}" for ms in OPUS_TIMES_MS)
            ),
        )
    encoder: Any = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = SAMPLE_RATE, "mono", "s16"
    encoder.bit_rate = round(kbps * 1000)
    encoder.options = {"application": "voip", "frame_duration": f"{packet_ms:g}"}
    packets = []
    for at in range(0, len(samples) // size * size, size):
        packets += encoder.encode(to_frame(samples[at : at + size], SAMPLE_RATE, at))
    return [packet.size for packet in packets]
