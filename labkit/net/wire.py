"""What a datagram of a call is, by its first bytes, and how it is written down."""

from __future__ import annotations

import struct
from typing import Any

from labkit.run.schema import row

__all__ = ["kind_of", "packet_row", "rtp_fields"]

_RTP = struct.Struct("!BBHII")
_RTCP_SSRC = struct.Struct("!4xI")


def kind_of(data: bytes) -> str:
    """Return what the datagram carries: stun, dtls, turn, rtp, rtcp or other.

    Source: RFC 7983 (first byte) and RFC 5761 section 4 (RTP or RTCP).
    """
    first = data[0] if data else 255
    if first <= 3:
        return "stun"
    if 20 <= first <= 63:
        return "dtls"
    if 64 <= first <= 79:
        return "turn"
    if 128 <= first <= 191 and len(data) > 1:
        return "rtcp" if 192 <= data[1] <= 223 else "rtp"
    return "other"


def rtp_fields(data: bytes, kind: str) -> dict[str, int]:
    """Return ssrc, sequence and rtp_timestamp as far as the header of that kind has them.

    The headers are readable in SRTP and SRTCP too. Source: RFC 3550 sections 5.1 and 6.4.
    """
    if kind == "rtp" and len(data) >= _RTP.size:
        _flags, _payload_type, sequence, timestamp, ssrc = _RTP.unpack_from(data)
        return {"ssrc": ssrc, "sequence": sequence, "rtp_timestamp": timestamp}
    if kind == "rtcp" and len(data) >= _RTCP_SSRC.size:
        return {"ssrc": _RTCP_SSRC.unpack_from(data)[0]}
    return {}


def packet_row(data: bytes, *, with_data: bool = True, **values: Any) -> tuple[Any, ...]:
    """Return a row of ``packets`` on the wire.

    Args:
        data: The datagram.
        with_data: Whether its bytes go into the row.
        values: The columns that the datagram does not tell: sender, receiver, number, copy,
            sent_s, due_s, arrived_s and fate.
    """
    kind = kind_of(data)
    return row(
        "packets",
        layer="wire",
        kind=kind,
        size_bytes=len(data),
        data=data if with_data else None,
        **rtp_fields(data, kind),
        **values,
    )
