from __future__ import annotations

import struct

import pytest
from aioice import stun
from hypothesis import given
from hypothesis import strategies as st

from labkit.net.wire import kind_of, packet_row, rtp_fields
from labkit.run.schema import COLUMNS

RTP = struct.pack("!BBHII", 0x80, 96, 65_535, 4_294_967_295, 77) + b"media"
RTCP = struct.pack("!BBHI", 0x81, 200, 6, 78) + b"report"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST, b"transaction!")), "stun"),
        (b"\x16\xfe\xfd", "dtls"),
        (b"\x40\x00\x00\x04abcd", "turn"),
        (RTP, "rtp"),
        (b"\x80\xe0" + RTP[2:], "rtp"),  # payload type 96 with the marker bit
        (RTCP, "rtcp"),
        (b"\xff", "other"),
        (b"\x80", "other"),
        (b"\x10zrtp", "other"),
        (b"", "other"),
    ],
)
def test_kind_follows_rfc_7983(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


def test_reads_the_headers_that_are_there() -> None:
    assert rtp_fields(RTP, "rtp") == {
        "ssrc": 77,
        "sequence": 65_535,
        "rtp_timestamp": 4_294_967_295,
    }
    assert rtp_fields(RTCP, "rtcp") == {"ssrc": 78}
    assert rtp_fields(RTP[:11], "rtp") == {}
    assert rtp_fields(RTCP[:7], "rtcp") == {}
    assert rtp_fields(RTP, "dtls") == {}


@given(st.binary(max_size=40))
def test_any_bytes_make_a_row(data: bytes) -> None:
    row = packet_row(data, sender="alice", receiver="bob", number=3, copy=0, fate="lost")
    values = dict(zip(COLUMNS["packets"], row, strict=True))
    assert (values["layer"], values["kind"], values["data"]) == ("wire", kind_of(data), data)
    assert values["size_bytes"] == len(data)
    assert values["arrived_s"] is None


def test_bytes_can_be_left_out() -> None:
    values = dict(zip(COLUMNS["packets"], packet_row(RTP, with_data=False), strict=True))
    assert values["data"] is None
    assert values["ssrc"] == 77
