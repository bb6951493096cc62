"""H.264 payloads: single NAL unit, aggregation, fragmentation (RFC 6184 §5.2 to §5.8)."""

from __future__ import annotations

from labkit.codecs.bits import BitReader
from labkit.words import _

__all__ = ["read_h264"]

STAP_A, STAP_B, MTAP16, MTAP24, FU_A, FU_B = range(24, 30)


def read_h264(bits: BitReader) -> None:
    """Read one payload."""
    kind = _read_nal_header(bits)
    if kind in (FU_A, FU_B):
        _read_fragment(bits, kind)
    elif STAP_A <= kind <= MTAP24:
        _read_aggregate(bits, kind)
    else:
        bits.rest("data", _("the NAL unit’s data"))


def _read_nal_header(bits: BitReader) -> int:
    bits.read("F", 1, _("no known error"), _("the unit is damaged"))
    bits.read(
        "NRI",
        2,
        _("no frame refers to it: may be dropped"),
        _("other frames refer to it"),
        _("other frames refer to it, more important"),
        _("other frames refer to it, most important"),
    )
    return _read_type(bits)


def _read_type(bits: BitReader) -> int:
    kind = bits.read("Type", 5)
    bits.explain(_types().get(kind, _("reserved")))
    return kind


def _types() -> dict[int, str]:
    return {
        1: _("slice of a frame that is no IDR (key) frame"),
        2: _("slice data partition A"),
        3: _("slice data partition B"),
        4: _("slice data partition C"),
        5: _("slice of an IDR (key) frame"),
        6: _("SEI: additional information"),
        7: _("SPS: sequence parameter set"),
        8: _("PPS: picture parameter set"),
        9: _("access unit delimiter"),
        10: _("end of sequence"),
        11: _("end of stream"),
        12: _("filler data"),
        STAP_A: _("STAP-A: several NAL units of one time"),
        STAP_B: _("STAP-B: several NAL units of one time, with decoding order"),
        MTAP16: _("MTAP16: several NAL units of several times"),
        MTAP24: _("MTAP24: several NAL units of several times"),
        FU_A: _("FU-A: a part of a NAL unit"),
        FU_B: _("FU-B: the first part of a NAL unit, with decoding order"),
    }


def _read_fragment(bits: BitReader, kind: int) -> None:
    bits.read("S", 1, _("not the first part"), _("first part of the NAL unit"))
    bits.read("E", 1, _("not the last part"), _("last part of the NAL unit"))
    bits.read("R", 1, _("reserved"))
    _read_type(bits)
    if kind == FU_B:
        bits.read("DON", 16, _("decoding order number"))
    bits.rest("data", _("a part of the NAL unit’s data"))


def _read_aggregate(bits: BitReader, kind: int) -> None:
    if kind == STAP_B:
        bits.read("DON", 16, _("decoding order number"))
    elif kind != STAP_A:
        bits.read("DONB", 16, _("decoding order number base"))
    while bits.bits_left:
        size = bits.read("NALU size", 16, _("bytes of the next NAL unit"))
        if kind in (MTAP16, MTAP24):
            bits.read("DOND", 8, _("difference of the decoding order number"))
            bits.read("TS offset", 16 if kind == MTAP16 else 24, _("offset of the timestamp"))
        if size:
            _read_nal_header(bits)
            bits.blob("data", size - 1, _("the NAL unit’s data"))
