"""The RTP header (RFC 3550 §5.1) with its extensions (RFC 8285), field by field."""

from __future__ import annotations

from labkit.codecs.bits import BitReader, Field, TooShort
from labkit.codecs.payload import check_bytes, describe_payload
from labkit.words import _

__all__ = ["describe_packet", "describe_rtp"]

ONE_BYTE = 0xBEDE
TWO_BYTES = 0x100


def describe_packet(codec: str, data: bytes, *, rtx: bool = False) -> list[Field]:
    """Return the fields of an RTP packet, header and payload.

    Args:
        codec: ``vp8`` or ``h264``.
        data: The packet, for instance of a row of ``run.packets`` whose layer is rtp and whose
            kind is rtp or rtx.
        rtx: Whether it is a retransmission (RFC 4588), kind rtx.

    Raises:
        BadValue: The codec is another one, or the data is not bytes.
    """
    data = check_bytes(data)
    bits = BitReader(data)
    try:
        padding = _read_header(bits)
        if rtx:
            bits.read("OSN", 16, _("sequence number of the packet that is sent again"))
    except TooShort:
        bits.rest(_("cut off"), _("too short for the field that belongs here"))
        return bits.fields
    payload, padded = _without_padding(data[len(data) - bits.bits_left // 8 :], padding)
    return [*bits.fields, *describe_payload(codec, payload), *padded]


def describe_rtp(data: bytes) -> list[Field]:
    """Return the fields of an RTP packet's header, and its payload as one field.

    Args:
        data: The packet.

    Raises:
        BadValue: The data is not bytes.
    """
    bits = BitReader(check_bytes(data))
    try:
        _read_header(bits)
    except TooShort:
        bits.rest(_("cut off"), _("too short for the field that belongs here"))
    bits.rest("payload", _("what the codec’s payload format says"))
    return bits.fields


def _read_header(bits: BitReader) -> int:
    """Read all up to the payload; return whether padding follows it."""
    version = bits.read("V", 2)
    bits.explain(_("version of RTP") if version == 2 else _("no RTP: the version must be 2"))
    padding = bits.read("P", 1, _("no padding"), _("padding at the end"))
    extension = bits.read("X", 1, _("no header extension"), _("a header extension follows"))
    sources = bits.read("CC", 4, _("no contributing sources"), _("contributing sources follow"))
    bits.read("M", 1, _("more packets of this frame follow"), _("last packet of the frame"))
    bits.read("PT", 7, _("payload type: which codec, as the SDP says"))
    bits.read("sequence number", 16, _("one more each packet"))
    bits.read("timestamp", 32, _("when the frame was captured, in ticks of the codec’s clock"))
    bits.read("SSRC", 32, _("which stream"))
    for _source in range(sources):
        bits.read("CSRC", 32, _("a source that a mixer mixed in"))
    if extension:
        _read_extension(bits)
    return padding


def _read_extension(bits: BitReader) -> None:
    profile = bits.read("profile", 16)
    wide = profile >> 4 == TWO_BYTES
    kinds = {ONE_BYTE: _("elements with a header of one byte")}
    two = _("elements with a header of two bytes") if wide else _("of another kind")
    bits.explain(kinds.get(profile, two))
    words = bits.read("length", 16, _("words of 4 bytes that follow"))
    end = bits.bits_left - 32 * words
    if end < 0:
        raise TooShort
    if profile != ONE_BYTE and not wide:
        bits.blob("extension", 4 * words, _("data of the extension"))
    while bits.bits_left > end:
        _read_element(bits, end, wide)


def _read_element(bits: BitReader, end: int, wide: bool) -> None:
    width = 8 if wide else 4
    number = bits.peek(width)
    if number == 0:
        bits.read("padding", 8, _("fills up"))
        return
    if number == 15 and not wide:  # reserved: the rest is to be ignored
        bits.blob("ID 15", (bits.bits_left - end) // 8, _("to be ignored"))
        return
    bits.read("ID", width, _("which extension, as the SDP’s a=extmap says"))
    size = bits.read("len", width, _("bytes of the element") if wide else _("bytes less one"))
    size_bytes = size if wide else size + 1
    bits.blob("element", min(size_bytes, (bits.bits_left - end) // 8), _("data of the extension"))


def _without_padding(payload: bytes, padding: int) -> tuple[bytes, list[Field]]:
    """Cut off the padding, whose last byte says how long it is."""
    length = payload[-1] if padding and payload else 0
    if not 0 < length <= len(payload):
        return payload, []
    bits = BitReader(payload[len(payload) - length :])
    bits.rest("padding", _("its last byte says how many bytes it has"))
    return payload[: len(payload) - length], bits.fields
