"""Payloads taken apart: whole, never crashing, and as aiortc reads them."""

from __future__ import annotations

import asyncio
import dataclasses
from functools import lru_cache

import pytest
from aiortc.codecs.h264 import H264PayloadDescriptor
from aiortc.codecs.vpx import VpxPayloadDescriptor
from aiortc.rtcrtpparameters import RTCRtpHeaderExtensionParameters, RTCRtpParameters
from aiortc.rtp import HeaderExtensions, HeaderExtensionsMap, RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from labkit.codecs import describe_packet, describe_payload, describe_rtp, packetise
from labkit.codecs.bits import BitReader, Field
from labkit.codecs.encoders import VIDEO_CODECS
from labkit.codecs.video import EncodeJob, open_encoder
from labkit.errors import BadValue
from labkit.experiments import call
from labkit.media import TestPattern
from labkit.net import Link
from tests.codecs.clips import small_clip

codecs = st.sampled_from(["vp8", "h264"])


@lru_cache
def frames_of(codec: str) -> list[bytes]:
    """Encode a few small frames; the rate is high enough for several packets a frame."""
    clip = small_clip()
    encoder = open_encoder(EncodeJob(clip, VIDEO_CODECS[codec], 3000))
    packets = [packet for k in range(len(clip)) for packet in encoder.encode(clip.frame(k))]
    return [bytes(packet) for packet in [*packets, *encoder.encode(None)]]


def values(fields: list[Field]) -> dict[str, int | str]:
    """Return the fields by name, the first of each."""
    return {each.field: each.value for each in reversed(fields)}


def bits(fields: list[Field]) -> int:
    return sum(each.bits for each in fields)


@given(codecs, st.binary(max_size=200))
def test_random_bytes_are_all_accounted_for(codec: str, payload: bytes) -> None:
    assert bits(describe_payload(codec, payload)) == 8 * len(payload)


@given(codecs, st.binary(max_size=120), st.booleans(), st.booleans())
def test_random_packets_are_all_accounted_for(
    codec: str, data: bytes, rtx: bool, like_rtp: bool
) -> None:
    if like_rtp and len(data) > 14:
        data = bytes([0xB2]) + data[1:12] + data[12:]
    assert bits(describe_packet(codec, data, rtx=rtx)) == 8 * len(data)
    assert bits(describe_rtp(data)) == 8 * len(data)


@given(
    st.integers(0, 1),
    st.integers(0, 7),
    st.none() | st.integers(0, 0x7FFF),
    st.none() | st.integers(0, 255),
    st.none() | st.tuples(st.integers(0, 3), st.integers(0, 1)),
    st.none() | st.integers(0, 31),
)
def test_vp8_descriptors_are_read_as_aiortc_writes_them(
    start: int,
    partition: int,
    picture_id: int | None,
    tl0picidx: int | None,
    tid: tuple[int, int] | None,
    keyidx: int | None,
) -> None:
    written = VpxPayloadDescriptor(start, partition, picture_id, tl0picidx, tid, keyidx)
    read = values(describe_payload("vp8", bytes(written)))
    assert (read["S"], read["PID"]) == (start, partition)
    assert read.get("PictureID") == picture_id
    assert read.get("TL0PICIDX") == tl0picidx
    if tid is not None:
        assert (read["TID"], read["Y"]) == tid
    if keyidx is not None:
        assert read["KEYIDX"] == keyidx


def test_vp8_frames_are_read_as_aiortc_reads_them() -> None:
    for number, frame in enumerate(frames_of("vp8")):
        payloads = packetise("vp8", frame)
        assert number > 0 or len(payloads) > 1
        for at, payload in enumerate(payloads):
            theirs, data = VpxPayloadDescriptor.parse(payload)
            fields = describe_payload("vp8", payload)
            read = values(fields)
            assert (read["S"], read["PID"]) == (theirs.partition_start, theirs.partition_id)
            assert read["PictureID"] == theirs.picture_id
            assert read["S"] == (at == 0)
            if at == 0:
                assert read["P"] == (number > 0)
            header = 0 if at else 80 if number == 0 else 24
            assert fields[-1].bits == 8 * len(data) - header


def test_a_vp8_key_frame_says_its_size() -> None:
    first = describe_payload("vp8", packetise("vp8", frames_of("vp8")[0])[0])
    said = {each.field: each.meaning for each in first}
    assert (values(first)["width"], values(first)["height"]) == (160, 120)
    assert "key frame" in said["P"]
    sizes = values(first)
    size = int(sizes["Size0"]) + 8 * int(sizes["Size1"]) + 2048 * int(sizes["Size2"])
    assert f"{size} bytes" in said["Size2"]


def test_h264_frames_are_read_as_aiortc_reads_them() -> None:
    kinds = set()
    for frame in frames_of("h264"):
        for payload in packetise("h264", frame):
            theirs, data = H264PayloadDescriptor.parse(payload)
            fields = describe_payload("h264", payload)
            kind = values(fields)["Type"]
            kinds.add(kind)
            if kind == 28:
                assert values(fields)["S"] == theirs.first_fragment
                # aiortc gives back the NAL header that the fragment stands for, as well.
                assert fields[-1].bits == 8 * (len(data) - (5 if theirs.first_fragment else 0))
            else:
                assert theirs.first_fragment
                sizes = [each for each in fields if each.field == "data"]
                units = data.split(b"\0\0\0\1")[1:]
                assert [each.bits for each in sizes] == [8 * len(unit) - 8 for unit in units]
    assert {24, 28} <= kinds


@pytest.mark.parametrize(
    ("payload", "names"),
    [
        (bytes([0x78, 0, 2, 0x67, 0x42, 0, 1, 0x68]), "F NRI Type NALU size F NRI Type data"),
        (bytes([0x7C, 0x85, 1, 2]), "F NRI Type S E R Type data"),
        (bytes([0x7D, 0x85, 0, 9, 2]), "F NRI Type S E R Type DON data"),
        (bytes([0x79, 0, 1, 0, 2, 0x65, 1]), "F NRI Type DON NALU size F NRI Type data"),
        (
            bytes([0x7A, 0, 1, 0, 2, 5, 0, 9, 0x65, 1]),
            "F NRI Type DONB NALU size DOND TS offset F NRI Type data",
        ),
        (bytes([0x65, 1, 2, 3]), "F NRI Type data"),
        (bytes([0x7C]), "F NRI Type"),
        (bytes([0x78, 0]), "F NRI Type cut off"),
    ],
)
def test_every_kind_of_h264_payload(payload: bytes, names: str) -> None:
    fields = describe_payload("h264", payload)
    assert " ".join(each.field for each in fields).startswith(names)


def test_bits_are_read_most_significant_first() -> None:
    reader = BitReader(bytes([0b1010_0000, 0xFF]))
    assert (reader.read("a", 1), reader.read("b", 3), reader.peek(5)) == (1, 2, 1)
    assert reader.read("c", 5, "zero", "one or more") == 1
    assert reader.fields[-1].meaning == "one or more"
    assert reader.bits_left == 7


def test_an_rtp_packet_is_read_as_aiortc_reads_it() -> None:
    known = HeaderExtensionsMap()
    uris = (
        "urn:ietf:params:rtp-hdrext:sdes:mid",
        "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    )
    known.configure(
        RTCRtpParameters(
            headerExtensions=[
                RTCRtpHeaderExtensionParameters(id=number, uri=uri)
                for number, uri in enumerate(uris, start=1)
            ]
        )
    )
    packet = RtpPacket(payload_type=97, marker=1, sequence_number=7, timestamp=9000, ssrc=0xABCD)
    packet.csrc = [5, 6]
    packet.extensions = dataclasses.replace(HeaderExtensions(), mid="0", abs_send_time=15846540)
    packet.payload = packetise("vp8", frames_of("vp8")[0])[0]
    packet.padding_size = 3
    data = packet.serialize(known)
    fields = describe_packet("vp8", data)
    read = values(fields)
    assert (read["V"], read["PT"], read["M"]) == (2, 97, 1)
    assert (read["sequence number"], read["timestamp"], read["SSRC"]) == (7, 9000, 0xABCD)
    assert [each.value for each in fields if each.field == "CSRC"] == [5, 6]
    assert [each.value for each in fields if each.field == "ID"] == [1, 2]
    assert read["profile"] == 0xBEDE
    assert fields[-1].field == "padding"
    assert fields[-1].bits == 24
    assert bits(fields) == 8 * len(data)
    assert read["PictureID"] == VpxPayloadDescriptor.parse(packet.payload)[0].picture_id


def test_a_retransmission_has_the_old_number_first() -> None:
    packet = RtpPacket(payload_type=98, payload=b"\x00\x2a" + bytes([0x10, 0x01, 0, 0]))
    fields = describe_packet("vp8", packet.serialize(), rtx=True)
    assert values(fields)["OSN"] == 42
    assert values(fields)["S"] == 1


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadValue, match="vp8, h264"):
        describe_payload("vp9", b"\0")
    with pytest.raises(BadValue, match="not bytes"):
        describe_packet("vp8", None)  # type: ignore[arg-type]
    with pytest.raises(BadValue, match="cannot be packetised"):
        packetise("vp8", b"")
    with pytest.raises(BadValue, match="cannot be packetised"):
        packetise("av1", b"\0")


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_every_packet_of_a_run_can_be_taken_apart(codec: str) -> None:
    made = call(video=TestPattern(320, 240), codec=codec, link=Link(loss=0.1), seed=1)
    run = asyncio.run(made.record(1, progress=False))
    packets = run.packets[(run.packets["layer"] == "rtp") & run.packets["data"].notna()]
    packets = packets[packets["kind"].isin(["rtp", "rtx"])]
    assert {"rtp", "rtx"} <= set(packets["kind"])
    for row in packets.itertuples():
        fields = describe_packet(codec, row.data, rtx=row.kind == "rtx")
        assert bits(fields) == 8 * len(row.data)
        assert "cut off" not in [each.field for each in fields]
        read = values(fields)
        assert (read["SSRC"], read["sequence number"]) == (row.ssrc, row.sequence)
        assert read["timestamp"] == row.rtp_timestamp
