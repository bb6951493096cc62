"""Sound through a codec and back, packet by packet, with packets that get lost on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from time import perf_counter
from typing import Any

import av
import numpy as np
import pandas as pd

from labkit.codecs.encoders import has_codec
from labkit.codecs.sound import Samples, Sound, level_dbfs, to_frame
from labkit.errors import BadValue, MediaError
from labkit.words import _

__all__ = [
    "AUDIO_CODECS",
    "AudioCodec",
    "CodedSound",
    "asked_rate",
    "code_audio",
    "why_audio_missing",
]

FRAME_MS = 20
FIXED_KBPS = 64.0


@dataclass(frozen=True)
class AudioCodec:
    """One way to encode sound, in packets of 20 ms.

    Args:
        name: Its name in SDP, in small letters.
        encoder: FFmpeg's name of the encoder.
        decoder: FFmpeg's name of the decoder.
        sample_rate: Samples per second that it works with.
        kbps: Lowest and highest rate; the same where it has one.
        options: Of the encoder.
        plc: How its own decoder hides a lost packet; None where it has no way.
    """

    name: str
    encoder: str
    decoder: str
    sample_rate: int
    kbps: tuple[float, float] = (FIXED_KBPS, FIXED_KBPS)
    options: tuple[tuple[str, str], ...] = ()
    plc: str | None = None

    @property
    def frame_samples(self) -> int:
        """Samples in a packet."""
        return self.sample_rate * FRAME_MS // 1000


_CODECS = (
    AudioCodec(
        "opus",
        "libopus",
        "libopus",
        48_000,
        (6.0, 510.0),
        (("application", "voip"), ("frame_duration", str(FRAME_MS))),
        "libopus",
    ),
    AudioCodec("g722", "g722", "g722", 16_000),
    AudioCodec("pcmu", "pcm_mulaw", "pcm_mulaw", 8_000),
    AudioCodec("pcma", "pcm_alaw", "pcm_alaw", 8_000),
)

AUDIO_CODECS = {codec.name: codec for codec in _CODECS}
"""The audio codecs of WebRTC (RFC 7874) by name; pcmu and pcma are G.711 µ-law and A-law."""


@dataclass
class CodedSound:
    """What came out.

    Args:
        sound: At the codec's rate, as long as what went in, in whole packets.
        packets: One row a packet: packet, size_bytes, encode_ms, decode_ms (missing for a lost
            one that nothing replaces), lost, concealed (``libopus``: by the codec's own
            concealment; ``repeat``: the last packet decoded again; missing: not at all),
            level_dbfs.
        kbps: Bytes of all packets over their time, without headers.
    """

    sound: Sound
    packets: pd.DataFrame = field(repr=False)
    kbps: float


def why_audio_missing(codec: AudioCodec) -> str | None:
    """Return why this PyAV build cannot use a codec, None where it can."""
    if has_codec(codec.encoder, "w") and has_codec(codec.decoder, "r"):
        return None
    return _("This build of PyAV has no {name}.").format(name=codec.encoder)


def code_audio(
    sound: Sound,
    codec: str = "opus",
    rate_kbps: float | None = None,
    *,
    lost: Iterable[int] = (),
    conceal: bool = True,
) -> CodedSound:
    """Encode a sound, lose packets, and decode what is left.

    Opus hides a loss by its own model, which PyAV reaches with a packet that is only its first
    byte (RFC 6716 §3.2.1: a frame of length zero counts as lost). FFmpeg has none for G.711
    (ITU-T G.711 Appendix I) and G.722: there the last packet is played once more.

    Args:
        sound: Any rate; it is resampled to the codec's.
        codec: ``opus``, ``g722``, ``pcmu`` or ``pcma``.
        rate_kbps: Opus: 6 to 510, 32 without it; the others have 64 and nothing else.
        lost: Numbers of the packets that get lost, from 0.
        conceal: Whether the receiver hides losses; silence otherwise.

    Raises:
        BadValue: The codec or its rate is another one, or the sound is shorter than a packet.
        MediaError: This PyAV build lacks the codec.
    """
    found = _codec(codec)
    rate = asked_rate(found, rate_kbps)
    samples = sound.at_rate(found.sample_rate).samples
    if len(samples) < found.frame_samples:
        raise BadValue(
            _("{sound!r} is too short.").format(sound=sound),
            next_step=_("Use at least {ms} ms of sound.").format(ms=FRAME_MS),
        )
    way = _Way(found, rate, frozenset(lost), conceal)
    return way.all(samples)


def _codec(name: str) -> AudioCodec:
    if name not in AUDIO_CODECS:
        raise BadValue(
            _("{codec!r} is not an audio codec of the lab.").format(codec=name),
            next_step=_("Use one of: {names}.").format(names=", ".join(AUDIO_CODECS)),
        )
    codec = AUDIO_CODECS[name]
    why = why_audio_missing(codec)
    if why is not None:
        raise MediaError(
            _("{codec} cannot be used.").format(codec=name), why, _("Use another codec.")
        )
    return codec


def asked_rate(codec: AudioCodec, rate_kbps: float | None) -> float:
    """Return the rate in kbit/s that a codec is asked for, its default for None.

    Raises:
        BadValue: The codec has no such rate.
    """
    low, high = codec.kbps
    if rate_kbps is None:
        return 32.0 if low < high else low
    if not low <= rate_kbps <= high:
        raise BadValue(
            _("{codec} cannot be encoded at {rate!r} kbit/s.").format(
                codec=codec.name, rate=rate_kbps
            ),
            next_step=_("Use {low:g} to {high:g}.").format(low=low, high=high),
        )
    return float(rate_kbps)


class _Way:
    """Encoder, network and decoder of one sound."""

    def __init__(
        self, codec: AudioCodec, rate_kbps: float, lost: frozenset[int], conceal: bool
    ) -> None:
        self._codec, self._lost, self._conceal = codec, lost, conceal
        self._encoder = _open(codec, "w")
        self._encoder.bit_rate = round(rate_kbps * 1000)
        self._encoder.options = dict(codec.options)
        self._decoder = _open(codec, "r")
        self._last: bytes | None = None
        self._rows: list[dict[str, Any]] = []
        self._out: list[Samples] = []

    def all(self, samples: Samples) -> CodedSound:
        size = self._codec.frame_samples
        for k in range(len(samples) // size):
            self._packet(k, samples[k * size : (k + 1) * size])
        packets = pd.DataFrame(self._rows).astype({"concealed": pd.StringDtype(na_value=np.nan)})
        kbps = float(packets["size_bytes"].mean()) * 8 / FRAME_MS
        return CodedSound(Sound(np.concatenate(self._out), self._codec.sample_rate), packets, kbps)

    def _packet(self, k: int, samples: Samples) -> None:
        frame = to_frame(samples, self._codec.sample_rate, k * len(samples))
        begin_s = perf_counter()
        data = b"".join(bytes(packet) for packet in self._encoder.encode(frame))
        encoded_s = perf_counter()
        lost = k in self._lost
        arrived, how = self._hidden() if lost else (data, None)
        decoded = self._decode(arrived, k)
        self._rows.append(
            {
                "packet": k,
                "size_bytes": len(data),
                "encode_ms": (encoded_s - begin_s) * 1000,
                "decode_ms": (perf_counter() - encoded_s) * 1000 if arrived else np.nan,
                "lost": lost,
                "concealed": how,
                "level_dbfs": level_dbfs(decoded),
            }
        )
        self._out.append(decoded)
        self._last = self._last if lost else data

    def _hidden(self) -> tuple[bytes | None, str | None]:
        """Return what is decoded in place of a lost packet, and what that is called."""
        if not self._conceal or self._last is None:
            return None, None
        if self._codec.plc is not None:
            return self._last[:1], self._codec.plc
        return self._last, "repeat"

    def _decode(self, data: bytes | None, k: int) -> Samples:
        size = self._codec.frame_samples
        if data is None:
            return np.zeros(size, np.int16)
        packet = av.Packet(data)
        packet.pts, packet.time_base = k * size, Fraction(1, self._codec.sample_rate)
        parts = [frame.to_ndarray().ravel() for frame in self._decoder.decode(packet)]
        samples: Samples = np.concatenate(parts).astype(np.int16, copy=False)
        return samples


def _open(codec: AudioCodec, mode: str) -> Any:
    name = codec.encoder if mode == "w" else codec.decoder
    context: Any = av.CodecContext.create(name, mode)  # type: ignore[call-overload]
    context.sample_rate, context.layout = codec.sample_rate, "mono"
    if mode == "w":
        context.format, context.time_base = "s16", Fraction(1, codec.sample_rate)
    return context
