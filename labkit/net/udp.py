"""UDP sockets on loopback that say when a datagram came in."""

from __future__ import annotations

import socket
import struct
import sys
import time
from typing import Any

from labkit.net.sdp import Address

__all__ = ["LOOPBACK", "open_udp", "receive"]

LOOPBACK = "127.0.0.1"

_MAX_BYTES = 65_535
_BUFFER_BYTES = 1 << 21

# Linux stamps a datagram when it enters the socket (SO_TIMESTAMPNS, socket(7)); Python has no
# name for it. A process that wakes up late then still knows when the datagram came.
_STAMPED = sys.platform == "linux"
_SO_TIMESTAMPNS = 35
_STAMP = struct.Struct("@ll")
_ANCILLARY_BYTES = 64
_OLDEST_S = 1.0


def open_udp() -> socket.socket:
    """Return a non-blocking UDP socket on a free port of 127.0.0.1."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        udp.setsockopt(socket.SOL_SOCKET, option, _BUFFER_BYTES)
    if _STAMPED:
        udp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    udp.bind((LOOPBACK, 0))
    return udp


def receive(udp: socket.socket) -> tuple[bytes, Address, float] | None:
    """Return the next datagram, its source, and the ``perf_counter`` reading when it came.

    None when nothing is there. Where the system does not stamp datagrams, the reading is the
    present.
    """
    try:
        if not _STAMPED:
            data, source = udp.recvfrom(_MAX_BYTES)
            return data, source, time.perf_counter()
        data, ancillary, _flags, source = udp.recvmsg(_MAX_BYTES, _ANCILLARY_BYTES)
        return data, source, time.perf_counter() - _age_s(ancillary)
    except (BlockingIOError, InterruptedError):
        return None
    except ConnectionResetError:  # Windows: a datagram sent before could not be delivered
        return receive(udp)


def _age_s(ancillary: list[tuple[int, int, Any]]) -> float:
    """Return how long ago the system stamped the datagram (0 where it did not)."""
    for _level, kind, value in ancillary:
        if kind == _SO_TIMESTAMPNS and len(value) == _STAMP.size:
            seconds, nanoseconds = _STAMP.unpack(value)
            age_s = (time.time_ns() - seconds * 1_000_000_000 - nanoseconds) / 1e9
            # The wall clock may be set while the datagram waits: then its stamp is worthless.
            return age_s if 0 <= age_s < _OLDEST_S else 0.0
    return 0.0
