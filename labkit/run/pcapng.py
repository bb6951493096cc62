"""A Run's packets as a pcapng file, written by hand: Wireshark and tshark open it.

Three interfaces: 0 the wire (IPv4 and UDP headers made up), 1 the plain RTP and RTCP inside it on
ports of its own, so that it is never taken for the DTLS flow, 2 plain SCTP. Times are the seconds
of the call, so a packet is found at the same time in the Run's tables.
Source: draft-ietf-opsawg-pcapng; link types 101 (RAW) and 248 (SCTP) of the tcpdump.org registry.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import Any

from labkit.run.run import Run
from labkit.run.schema import COLUMNS
from labkit.words import _

__all__ = ["INTERFACES", "RTCP_PORT", "RTP_PORT", "WIRE_PORT", "pcapng_bytes"]

INTERFACES = {"wire": ("wire", 101), "rtp": ("plain RTP and RTCP", 101), "sctp": ("SCTP", 248)}
"""Name and link type of each interface, by layer, in the order of their numbers."""

WIRE_PORT = 50_001
"""UDP port of the first peer on the wire; each further peer has the next one."""

RTP_PORT, RTCP_PORT = 5004, 5005

SRTCP_CLEAR_BYTES = 8
"""What SRTCP leaves readable: the first header and its SSRC (RFC 3711, section 3.4)."""

_SNAP_BYTES = 65_535
_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_COMMENT, _IF_NAME, _IF_TSRESOL, _SHB_APPLICATION = 1, 2, 9, 4


def pcapng_bytes(run: Run) -> bytes:
    """Return the packets of a Run as the bytes of a pcapng file, in order of time.

    A delivered packet stands at ``arrived_s``, one that was lost at ``sent_s`` with a comment
    that says so. A packet whose bytes were not kept has its headers and its true length.
    """
    packets = [dict(zip(COLUMNS["packets"], line, strict=True)) for line in run.rows("packets")]
    timed = [(_time_s(p), p) for p in packets if p["layer"] in INTERFACES]
    placed = [(at_s, packet) for at_s, packet in timed if at_s is not None]
    placed.sort(key=lambda pair: pair[0])
    numbers = _numbers(packets)
    blocks = [_section(run, len(timed) - len(placed)), *_interfaces()]
    blocks += [_packet(at_s, packet, numbers) for at_s, packet in placed]
    return b"".join(blocks)


def _time_s(packet: Mapping[str, Any]) -> float | None:
    at_s: float | None = packet["arrived_s"]
    return packet["sent_s"] if at_s is None else at_s


def _numbers(packets: list[dict[str, Any]]) -> dict[str, int]:
    """Number the peers from 1, in the order in which they are first named."""
    names = (packet[end] for packet in packets for end in ("sender", "receiver"))
    return {name: i for i, name in enumerate(dict.fromkeys(names), start=1)}


def _section(run: Run, without_time: int) -> bytes:
    comments = [_("Run {id}; times are seconds of the call").format(id=run.id)]
    if without_time:
        comments.append(_("{n} packets without a time are left out").format(n=without_time))
    options = _options(
        *((_COMMENT, text.encode()) for text in comments), (_SHB_APPLICATION, b"WebRTC Lab")
    )
    return _block(_SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def _interfaces() -> Iterator[bytes]:
    for name, link_type in INTERFACES.values():
        options = _options((_IF_NAME, name.encode()), (_IF_TSRESOL, b"\x09"))
        yield _block(_INTERFACE, struct.pack("<HHI", link_type, 0, _SNAP_BYTES) + options)


def _packet(at_s: float, packet: Mapping[str, Any], numbers: Mapping[str, int]) -> bytes:
    data, size = packet["data"] or b"", packet["size_bytes"]
    size = len(data) if size is None else size
    if _is_srtcp(packet):
        data = data[:SRTCP_CLEAR_BYTES]
    headers = b"" if packet["layer"] == "sctp" else _ip_udp(packet, size, numbers)
    seen = headers + data
    at_ns = max(0, round(at_s * 1e9))
    interface = list(INTERFACES).index(packet["layer"])
    fixed = struct.pack(
        "<IIIII",
        interface,
        at_ns >> 32,
        at_ns & 0xFFFFFFFF,
        len(seen),
        max(len(seen), len(headers) + size),
    )
    comments = [(_COMMENT, text.encode()) for text in _comments(packet)]
    return _block(_PACKET, fixed + _padded(seen) + _options(*comments))


def _comments(packet: Mapping[str, Any]) -> Iterator[str]:
    if packet["fate"] == "lost":
        yield _("lost on the link")
    elif packet["fate"] == "queue_full":
        yield _("dropped: the queue was full")
    if packet["copy"]:
        yield _("duplicate")
    if packet["kind"] == "rtx":
        yield _("retransmission (RTX)")
    if packet["data"] is None:
        yield _("bytes not kept")
    elif _is_srtcp(packet):
        yield _("encrypted body left out")


def _is_srtcp(packet: Mapping[str, Any]) -> bool:
    # Wireshark looks for the E bit of AES-GCM SRTCP where AES-CM has it (before the tag), takes
    # half of the packets for plain RTCP, and calls them malformed. The Run keeps every byte.
    return (packet["layer"], packet["kind"]) == ("wire", "rtcp")


def _ip_udp(packet: Mapping[str, Any], size: int, numbers: Mapping[str, int]) -> bytes:
    ends = [numbers[packet["sender"]], numbers[packet["receiver"]]]
    if packet["layer"] == "wire":
        ports = [WIRE_PORT + number - 1 for number in ends]
    else:
        ports = [RTCP_PORT if packet["kind"] == "rtcp" else RTP_PORT] * 2
    udp = struct.pack("!HHHH", *ports, 8 + size, 0)  # 0: no checksum, which IPv4 allows
    addresses = b"".join(bytes([10, 0, number >> 8, number & 0xFF]) for number in ends)
    head = struct.pack("!BBHHHBBH", 0x45, 0, 28 + size, 0, 0x4000, 64, 17, 0) + addresses
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + udp


def _checksum(data: bytes) -> int:
    """Return the checksum of an IPv4 header (RFC 791, section 3.1; RFC 1071)."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _options(*options: tuple[int, bytes]) -> bytes:
    if not options:
        return b""
    coded = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options]
    return b"".join(coded) + struct.pack("<HH", 0, 0)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length
