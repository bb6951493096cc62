"""The VP8 payload descriptor and payload header (RFC 7741 §4.2, §4.3; RFC 6386 §9.1)."""

from __future__ import annotations

from labkit.codecs.bits import BitReader
from labkit.words import _

__all__ = ["read_vp8"]

START_CODE = 0x9D012A


def read_vp8(bits: BitReader) -> None:
    """Read one payload."""
    extended = bits.read("X", 1, _("no extension follows"), _("an extension follows"))
    bits.read("R", 1, _("reserved"))
    bits.read("N", 1, _("other frames may refer to this one"), _("no frame refers to this one"))
    start = bits.read("S", 1, _("goes on in a partition"), _("begins a partition"))
    bits.read("R", 1, _("reserved"))
    partition = bits.read("PID", 3)
    bits.explain(_("number of the partition"))
    if extended:
        _read_extension(bits)
    if start and partition == 0:
        _read_header(bits)
    bits.rest("data", _("the frame’s compressed data"))


def _read_extension(bits: BitReader) -> None:
    picture_id = bits.read("I", 1, _("no PictureID"), _("a PictureID follows"))
    layer_zero = bits.read("L", 1, _("no TL0PICIDX"), _("a TL0PICIDX follows"))
    temporal = bits.read("T", 1, _("no TID"), _("a TID follows"))
    key = bits.read("K", 1, _("no KEYIDX"), _("a KEYIDX follows"))
    bits.read("RSV", 4, _("reserved"))
    if picture_id:
        long = bits.read("M", 1, _("PictureID of 7 bits"), _("PictureID of 15 bits"))
        bits.read("PictureID", 15 if long else 7, _("number of the frame, one more each"))
    if layer_zero:
        bits.read("TL0PICIDX", 8, _("number of the lowest temporal layer’s frame"))
    if temporal or key:
        tid = [_("temporal layer {number}").format(number=number) for number in range(4)]
        bits.read("TID", 2, *(tid if temporal else [_("to be ignored: T is 0")]))
        bits.read("Y", 1, _("refers to more than the lowest layer"), _("refers to layer 0 only"))
        bits.read("KEYIDX", 5, _("number of the key frame") if key else _("to be ignored: K is 0"))


def _read_header(bits: BitReader) -> None:
    size = bits.read("Size0", 3)
    bits.explain(_("lowest 3 bits of the first partition’s size"))
    bits.read("H", 1, _("not to be shown"), _("to be shown"))
    bits.read("VER", 3, _("version of the bitstream"))
    inter = bits.read("P", 1, _("a key frame"), _("not a key frame: it refers to others"))
    size += bits.read("Size1", 8, _("next 8 bits of that size")) << 3
    size += bits.read("Size2", 8) << 11
    bits.explain(_("highest 8 bits; the first partition has {size} bytes").format(size=size))
    if not inter:
        _read_key_frame(bits)


def _read_key_frame(bits: BitReader) -> None:
    if bits.read("start code", 24) != START_CODE:
        bits.explain(_("9d 01 2a was expected here"))
        return
    bits.explain(_("9d 01 2a: beginning of a key frame"))
    _read_side(bits, "width", _("pixels, lower byte first; the 2 highest bits ask for scaling"))
    _read_side(bits, "height", _("pixels, lower byte first; the 2 highest bits ask for scaling"))


def _read_side(bits: BitReader, name: str, meaning: str) -> None:
    """Read 16 bits, lower byte first: 14 of size and 2 of scaling."""
    swapped = bits.read(name, 16, meaning)
    bits.fields[-1] = bits.fields[-1]._replace(value=(swapped >> 8 | swapped << 8) & 0x3FFF)
