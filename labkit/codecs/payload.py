"""What an encoded frame looks like on the wire: RTP payloads, taken apart field by field.

VP8 by RFC 7741, H.264 by RFC 6184. Whatever the bytes are, the answer is a list of fields; where
the payload is cut off, the last one says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from labkit.codecs.bits import BitReader, Field, TooShort
from labkit.codecs.h264payload import read_h264
from labkit.codecs.vp8payload import read_vp8
from labkit.errors import BadValue
from labkit.words import _

if TYPE_CHECKING:
    from aiortc.codecs.h264 import H264Encoder
    from aiortc.codecs.vpx import Vp8Encoder

__all__ = ["PAYLOADS", "Field", "describe_payload", "packetise"]

PAYLOADS: dict[str, Callable[[BitReader], None]] = {"vp8": read_vp8, "h264": read_h264}
"""Codecs whose payloads can be taken apart."""


def describe_payload(codec: str, payload: bytes) -> list[Field]:
    """Return the fields of one RTP payload in their order; all their bits are the whole payload.

    Args:
        codec: ``vp8`` or ``h264``.
        payload: What follows the RTP header; of a retransmission, what follows the original
            sequence number.

    Raises:
        BadValue: The codec is another one, or the payload is not bytes.
    """
    read = PAYLOADS.get(codec)
    if read is None:
        raise BadValue(
            _("Payloads of {codec!r} cannot be taken apart.").format(codec=codec),
            next_step=_("Use one of: {names}.").format(names=", ".join(PAYLOADS)),
        )
    bits = BitReader(check_bytes(payload))
    try:
        read(bits)
    except TooShort:
        bits.rest(_("cut off"), _("too short for the field that belongs here"))
    return bits.fields


def check_bytes(data: bytes) -> bytes:
    """Return ``data`` as bytes.

    Raises:
        BadValue: It is something else, for instance a packet whose bytes were not kept.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise BadValue(
            _("{value!r} cannot be taken apart.").format(value=data),
            _("It is not bytes: a Run keeps the bytes of its first packets only."),
            _("Take a row of run.packets whose data is not missing."),
        )
    return bytes(data)


def packetise(codec: str, data: bytes) -> list[bytes]:
    """Return the RTP payloads that aiortc makes of one encoded frame.

    Args:
        codec: ``vp8`` or ``h264``.
        data: The frame as the encoder gives it; H.264 with start codes (Annex B).

    Raises:
        BadValue: The codec is another one, or the frame is empty.
    """
    from fractions import Fraction

    from av import Packet

    if codec not in PAYLOADS or not data:
        raise BadValue(
            _("A {codec!r} frame of {size} bytes cannot be packetised.").format(
                codec=codec, size=len(data)
            ),
            next_step=_("Use an encoded frame of: {names}.").format(names=", ".join(PAYLOADS)),
        )
    packet = Packet(data)
    packet.pts, packet.time_base = 0, Fraction(1, 90_000)
    payloads, _timestamp = _packetiser(codec).pack(packet)
    return payloads


def _packetiser(codec: str) -> Vp8Encoder | H264Encoder:
    from aiortc.codecs.h264 import H264Encoder
    from aiortc.codecs.vpx import Vp8Encoder

    return Vp8Encoder() if codec == "vp8" else H264Encoder()
