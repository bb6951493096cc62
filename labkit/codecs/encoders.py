"""Which encoders the bench knows, and how each is set up for a call.

All have the same task: one thread, constant bitrate over a buffer of one second, no look-ahead,
one key frame at the beginning. So frame k comes out before frame k + 1 goes in, as in a call.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import av.codec

from labkit.errors import BadValue, MediaError
from labkit.words import _

__all__ = ["VIDEO_CODECS", "VideoEncoder", "choose_encoders", "has_codec", "why_missing"]

GOP_SIZE = 3000
"""Frames from key frame to key frame: in a call they come when they are asked for."""


@dataclass(frozen=True)
class VideoEncoder:
    """One way to encode, small enough to travel to another process.

    Args:
        name: What tables and figures call it.
        encoder: FFmpeg's name of the encoder.
        decoder: FFmpeg's name of the decoder.
        options: The encoder's options; ``{bps}`` and ``{kbps}`` stand for the asked rate.
        profile: FFmpeg's name of the profile, None for the encoder's own choice.
        gop_size: Frames from one key frame to the next.
    """

    name: str
    encoder: str
    decoder: str
    options: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None
    gop_size: int = GOP_SIZE

    def changed(self, name: str, options: Mapping[str, str | None]) -> VideoEncoder:
        """Return the same encoder with other options, under another name.

        Args:
            name: The new name.
            options: What to set; None takes an option away.
        """
        merged = {**self.options, **options}
        kept = {key: value for key, value in merged.items() if value is not None}
        return replace(self, name=name, options=kept)

    def options_at(self, rate_kbps: float) -> dict[str, str]:
        """Return the options for an asked rate in kbit/s.

        Args:
            rate_kbps: Above 0.
        """
        numbers = {"bps": round(rate_kbps * 1000), "kbps": round(rate_kbps)}
        return {key: value.format(**numbers) for key, value in self.options.items()}


_LIBVPX = {
    "deadline": "realtime",
    "lag-in-frames": "0",
    "minrate": "{bps}",
    "maxrate": "{bps}",
    "bufsize": "{bps}",
    "qmin": "2",
    "qmax": "56",
}

_ENCODERS = (
    VideoEncoder(
        "vp8",
        "libvpx",
        "libvpx",
        {**_LIBVPX, "cpu-used": "-6", "static-thresh": "1", "undershoot-pct": "100"},
    ),
    VideoEncoder(
        "h264",
        "libx264",
        "h264",
        {"preset": "veryfast", "tune": "zerolatency", "maxrate": "{bps}", "bufsize": "{bps}"},
        profile="Constrained Baseline",
    ),
    VideoEncoder("vp9", "libvpx-vp9", "vp9", {**_LIBVPX, "cpu-used": "7", "aq-mode": "3"}),
    VideoEncoder(
        "h265",
        "libx265",
        "hevc",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": "vbv-maxrate={kbps}:vbv-bufsize={kbps}:pools=none:frame-threads=1"
            ":log-level=none",
        },
    ),
    VideoEncoder(
        "av1",
        "libsvtav1",
        "libdav1d",
        {"preset": "12", "svtav1-params": "rtc=1:pred-struct=1:rc=2:lp=1"},
    ),
)

VIDEO_CODECS = {encoder.name: encoder for encoder in _ENCODERS}
"""The encoder of each codec, by the codec's name in the lab."""


def why_missing(encoder: VideoEncoder) -> str | None:
    """Return why this PyAV build cannot use an encoder, None where it can.

    Args:
        encoder: One of ``VIDEO_CODECS``, or one's own.
    """
    if not has_codec(encoder.encoder, "w"):
        return _("This build of PyAV has no encoder {name}.").format(name=encoder.encoder)
    if not has_codec(encoder.decoder, "r"):
        return _("This build of PyAV has no decoder {name}.").format(name=encoder.decoder)
    return None


def has_codec(name: str, mode: Literal["r", "w"]) -> bool:
    """Return whether this PyAV build has an FFmpeg codec.

    Args:
        name: FFmpeg's name.
        mode: ``w`` to encode, ``r`` to decode.
    """
    try:
        av.codec.Codec(name, mode)
    except ValueError:
        return False
    return True


def choose_encoders(
    codecs: Iterable[str | VideoEncoder] | None,
) -> tuple[list[VideoEncoder], dict[str, str]]:
    """Return the encoders that can be used, and by name why the others cannot.

    Args:
        codecs: Names of codecs or encoders of one's own; None for every codec of the lab.

    Raises:
        BadValue: A name is unknown, is there twice, or none is given.
        MediaError: This PyAV build lacks them all.
    """
    asked = [_one(codec) for codec in (VIDEO_CODECS if codecs is None else codecs)]
    names = [encoder.name for encoder in asked]
    if not names or len(set(names)) < len(names):
        raise BadValue(
            _("{names} cannot be compared.").format(names=names),
            _("A comparison needs encoders, each with a name of its own."),
            _("Use some of: {names}.").format(names=", ".join(VIDEO_CODECS)),
        )
    reasons = {encoder.name: why_missing(encoder) for encoder in asked}
    missing = {name: why for name, why in reasons.items() if why is not None}
    if len(missing) == len(asked):
        raise MediaError(
            _("None of these codecs can be used: {names}.").format(names=", ".join(names)),
            " ".join(missing.values()),
            _("Install the PyAV that the lab is made for: run “make install”."),
        )
    return [encoder for encoder in asked if encoder.name not in missing], missing


def _one(codec: str | VideoEncoder) -> VideoEncoder:
    if isinstance(codec, VideoEncoder):
        return codec
    if codec not in VIDEO_CODECS:
        raise BadValue(
            _("{codec!r} is not a video codec of the lab.").format(codec=codec),
            next_step=_("Use some of: {names}.").format(names=", ".join(VIDEO_CODECS)),
        )
    return VIDEO_CODECS[codec]
