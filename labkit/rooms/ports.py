"""Ports that are free on one address of this machine."""

from __future__ import annotations

import os
import random
import socket
from typing import Literal

from labkit.errors import BadValue, LabError
from labkit.words import _

__all__ = ["PortTaken", "Transport", "free_port", "free_udp_range", "port_is_free"]

Transport = Literal["tcp", "udp"]

_BELOW_EPHEMERAL = range(20_000, 32_000)
"""Where ranges are looked for: below the ports that the systems give out by themselves."""


class PortTaken(Exception):
    """Somebody else has a port that a server needs."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.port = port

    def in_words(self) -> BadValue:
        """Return the error that a user sees."""
        return BadValue(
            _("Port {port} is taken.").format(port=self.port),
            _("Another program listens there, perhaps another LiveKit server."),
            _("End that program, or leave the port out to get a free one."),
        )


def port_is_free(address: str, port: int, transport: Transport = "tcp") -> bool:
    """Return whether a server could open the port now.

    Args:
        address: An IPv4 address of this machine.
        port: 1–65535.
        transport: ``tcp`` or ``udp``.
    """
    with _socket(transport) as probe:
        if os.name == "posix" and transport == "tcp":  # on Windows it means something else
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            if transport == "tcp":
                probe.listen()
        except OSError:
            return False
    return True


def free_port(address: str, transport: Transport = "tcp") -> int:
    """Return a port that is free now.

    Args:
        address: An IPv4 address of this machine.
        transport: ``tcp`` or ``udp``.
    """
    with _socket(transport) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


def free_udp_range(address: str, count: int) -> range:
    """Return ``count`` UDP ports in a row that are free now.

    Args:
        address: An IPv4 address of this machine.
        count: 1–1000.

    Raises:
        LabError: Fifty places were tried, and none was free.
    """
    for _attempt in range(50):
        first = random.randrange(_BELOW_EPHEMERAL.start, _BELOW_EPHEMERAL.stop - count)
        ports = range(first, first + count)
        if all(port_is_free(address, port, "udp") for port in ports):
            return ports
    raise LabError(
        _("No {count} free UDP ports in a row were found.").format(count=count),
        next_step=_("Close other programs, for instance other labs, and try again."),
    )


def _socket(transport: Transport) -> socket.socket:
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    return socket.socket(socket.AF_INET, kind)
