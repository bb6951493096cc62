"""Plain RTP packets, each written once: what the sender knew and what the receiver saw."""

from __future__ import annotations

import struct
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.peers.clock import Clock
from labkit.run.schema import COLUMNS, row
from labkit.run.tap import Tap

if TYPE_CHECKING:
    from labkit.peers.sendprobe import SendProbe

__all__ = ["PacketBook", "RtpHeader", "is_rtcp", "noting", "rtp_header"]

LOST_AFTER_S = 12.0
"""How long a packet may be under way (a link's delay is 10 s at most) before it is lost."""

_HEADER = struct.Struct("!BBHII")
_ARRIVED = COLUMNS["packets"].index("arrived_s")
_FATE = COLUMNS["packets"].index("fate")


class RtpHeader(NamedTuple):
    """The fixed part of an RTP header (RFC 3550 section 5.1)."""

    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int


def rtp_header(data: bytes) -> RtpHeader:
    """Return the header of a plain RTP packet."""
    _flags, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    return RtpHeader(second & 0x80 != 0, second & 0x7F, sequence, timestamp, ssrc)


def is_rtcp(data: bytes) -> bool:
    """Tell RTCP from RTP on one port (RFC 5761 section 4)."""
    return len(data) > 1 and 192 <= data[1] <= 223


class PacketBook:
    """Gathers plain RTP and RTCP packets of the peers that live in this process.

    Where both ends are here, a packet becomes one row with both times. One whose arrival nobody
    saw is written as lost after ``LOST_AFTER_S``, or when the recording ends; what the relay knows
    of it goes before (``labkit.run.fates``).

    Args:
        tap: Where the rows go.
        clock: The call's clock.
        followed: Whether what is sent arrives here under the same SSRC. Behind a server that
            gives each receiver its own, nobody knows what became of a packet.
    """

    def __init__(self, tap: Tap, clock: Clock, *, followed: bool = True) -> None:
        self._tap = tap
        self._clock = clock
        self._followed = followed
        self._open: OrderedDict[tuple[int, int], list[Any]] = OrderedDict()

    def sent(self, sender: str, receiver: str, header: RtpHeader, data: bytes, kind: str) -> None:
        """Note an RTP packet that goes to the transport now."""
        if not self._tap.recording:
            return
        told = row(
            "packets",
            sender=sender,
            receiver=receiver,
            layer="rtp",
            kind=kind,
            copy=0,
            sent_s=self._clock.now(),
            size_bytes=len(data),
            ssrc=header.ssrc,
            sequence=header.sequence,
            rtp_timestamp=header.timestamp,
            data=data,
        )
        if self._followed:
            self._open[header.ssrc, header.sequence] = list(told)
        else:
            self._tap.add_row("packets", told)

    def sent_rtcp(self, sender: str, receiver: str, data: bytes) -> None:
        """Note an RTCP packet that goes to the transport now; its arrival is not followed."""
        if self._tap.recording:
            self._tap.add(
                "packets",
                sender=sender,
                receiver=receiver,
                layer="rtp",
                kind="rtcp",
                copy=0,
                sent_s=self._clock.now(),
                size_bytes=len(data),
                data=data,
            )

    def arrived(self, ssrc: int, sequence: int, at_s: float) -> None:
        """Note that a packet reached its receiver."""
        found = self._open.pop((ssrc, sequence), None)
        if found is not None:
            found[_ARRIVED] = at_s
            found[_FATE] = "delivered"
            self._tap.add_row("packets", tuple(found))

    def sweep(self, older_than_s: float = LOST_AFTER_S) -> None:
        """Write down as lost what has been under way for too long."""
        limit = self._clock.now() - older_than_s
        sent_s = COLUMNS["packets"].index("sent_s")
        while self._open:
            key, oldest = next(iter(self._open.items()))
            if oldest[sent_s] > limit:
                return
            del self._open[key]
            oldest[_FATE] = "lost"
            self._tap.add_row("packets", tuple(oldest))


def noting(
    send: Callable[[bytes], Any],
    book: PacketBook,
    way: tuple[str, str],
    probes: Sequence[SendProbe],
) -> Callable[[bytes], Any]:
    """Return ``send`` for plain RTP and RTCP, changed so that each packet is noted first.

    Args:
        send: Sends a packet.
        book: Where packets are noted.
        way: Sender and receiver.
        probes: Of the sender's tracks, which are told when their packets go.
    """
    by_ssrc = {probe.ssrc: probe for probe in probes}
    rtx = {probe.rtx_ssrc for probe in probes}

    async def send_noted(data: bytes) -> None:
        if is_rtcp(data):
            book.sent_rtcp(*way, data)
        else:
            header = rtp_header(data)
            book.sent(*way, header, data, "rtx" if header.ssrc in rtx else "rtp")
            probe = by_ssrc.get(header.ssrc)
            if probe is not None:
                probe.sent(header)
        await send(data)

    return send_noted
