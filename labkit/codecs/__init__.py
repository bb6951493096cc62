"""The codec bench: one clip through many encoders, and what came of it, as tables.

The one part of the lab that measures without a call. The names below are loaded when they are
first used, so that a process that encodes does not pay for what draws or reads packets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.lazy import load_names

if TYPE_CHECKING:
    from labkit.codecs.audio import AUDIO_CODECS, AudioCodec, code_audio
    from labkit.codecs.audiotable import compare_audio, measure_audio
    from labkit.codecs.bdrate import bd_rate, overlap_share, why_no_bd_rate
    from labkit.codecs.clip import Clip, read_clip
    from labkit.codecs.compare import Comparison, compare_video
    from labkit.codecs.encoders import VIDEO_CODECS, VideoEncoder, why_missing
    from labkit.codecs.film import film_like
    from labkit.codecs.packettime import compare_packet_times
    from labkit.codecs.payload import Field, describe_payload, packetise
    from labkit.codecs.rtp import describe_packet, describe_rtp
    from labkit.codecs.samerate import compare_at_rate
    from labkit.codecs.shapes import compare_shapes
    from labkit.codecs.sound import Sound, bandwidth_hz, read_sound, speech_like
    from labkit.codecs.speech import has_voice, spoken

_HOMES = {
    "AUDIO_CODECS": ".audio",
    "AudioCodec": ".audio",
    "Clip": ".clip",
    "Comparison": ".compare",
    "Field": ".payload",
    "Sound": ".sound",
    "VIDEO_CODECS": ".encoders",
    "VideoEncoder": ".encoders",
    "bandwidth_hz": ".sound",
    "bd_rate": ".bdrate",
    "code_audio": ".audio",
    "compare_at_rate": ".samerate",
    "compare_audio": ".audiotable",
    "compare_packet_times": ".packettime",
    "compare_shapes": ".shapes",
    "compare_video": ".compare",
    "describe_packet": ".rtp",
    "describe_payload": ".payload",
    "describe_rtp": ".rtp",
    "film_like": ".film",
    "has_voice": ".speech",
    "measure_audio": ".audiotable",
    "overlap_share": ".bdrate",
    "packetise": ".payload",
    "read_clip": ".clip",
    "read_sound": ".sound",
    "speech_like": ".sound",
    "spoken": ".speech",
    "why_missing": ".encoders",
    "why_no_bd_rate": ".bdrate",
}

__all__ = [
    "AUDIO_CODECS",
    "AudioCodec",
    "Clip",
    "Comparison",
    "Field",
    "Sound",
    "VIDEO_CODECS",
    "VideoEncoder",
    "bandwidth_hz",
    "bd_rate",
    "code_audio",
    "compare_at_rate",
    "compare_audio",
    "compare_packet_times",
    "compare_shapes",
    "compare_video",
    "describe_packet",
    "describe_payload",
    "describe_rtp",
    "film_like",
    "has_voice",
    "measure_audio",
    "overlap_share",
    "packetise",
    "read_clip",
    "read_sound",
    "speech_like",
    "spoken",
    "why_missing",
    "why_no_bd_rate",
]

__getattr__, __dir__ = load_names(__name__, _HOMES)
