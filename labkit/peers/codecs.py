"""Which video codecs a call can ask for."""

from __future__ import annotations

import av.codec
from aiortc import RTCRtpSender, RTCRtpTransceiver

from labkit.errors import BadValue, MediaError
from labkit.words import _

__all__ = ["VIDEO_CODECS", "check_codec", "prefer_codec"]

VIDEO_CODECS = {"vp8": "libvpx", "h264": "libx264"}
"""Name of a codec in the lab, and the FFmpeg encoder that aiortc makes it with."""


def check_codec(codec: str) -> None:
    """Refuse a codec that this engine does not know or this PyAV build lacks.

    Raises:
        BadValue: The name is not one of ``VIDEO_CODECS``.
        MediaError: The encoder is missing on this machine.
    """
    if codec not in VIDEO_CODECS:
        raise BadValue(
            _("codec={codec!r} is not a video codec of this engine.").format(codec=codec),
            next_step=_("Use one of: {names}.").format(names=", ".join(VIDEO_CODECS)),
        )
    try:
        av.codec.Codec(VIDEO_CODECS[codec], "w")
    except ValueError as error:
        raise MediaError(
            _("The encoder for {codec} is missing.").format(codec=codec),
            _("This build of PyAV has no {encoder}.").format(encoder=VIDEO_CODECS[codec]),
            _("Run “labkit doctor”, or use another codec."),
        ) from error


def prefer_codec(transceiver: RTCRtpTransceiver, codec: str) -> None:
    """Offer ``codec`` and its retransmissions, and no other."""
    mime = f"video/{codec}"
    wanted = [
        capability
        for capability in RTCRtpSender.getCapabilities("video").codecs
        if capability.mimeType.lower() in (mime, "video/rtx")
    ]
    transceiver.setCodecPreferences(wanted)
