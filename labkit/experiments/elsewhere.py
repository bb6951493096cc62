"""A server whose media are on another machine: the lab's links reach this one alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from labkit.errors import CallError
from labkit.net.sdp import Address
from labkit.rooms.settings import own_addresses
from labkit.words import _

__all__ = ["MORE_ADDRESSES_S", "ServerPlace", "check_here"]

MORE_ADDRESSES_S = 0.5
"""How long an address that the server tells later, one by one, may come after the first."""


def check_here(addresses: Sequence[Address]) -> None:
    """Refuse a server of which no UDP address is on this machine; none at all says nothing.

    The relay's sockets are bound to loopback: a datagram of theirs never leaves the machine.

    Args:
        addresses: What the server offers.

    Raises:
        CallError: They are elsewhere.
    """
    hosts = list(dict.fromkeys(host for host, _port in addresses))
    if not hosts or any(host.startswith("127.") for host in hosts):
        return
    if not set(hosts) & set(own_addresses()):
        raise CallError(
            _("The media of this LiveKit server are at {addresses}.").format(
                addresses=", ".join(hosts)
            ),
            _(
                "That is another machine, or a container, and the lab's links reach this "
                "machine alone."
            ),
            _("Use a server of the lab's own: leave server out, or take lab.livekit(own=True)."),
        )


class ServerPlace:
    """Where a server says, bit by bit, that its media are."""

    def __init__(self) -> None:
        self._addresses: list[Address] = []
        self._told = asyncio.Event()

    def hear(self, addresses: Sequence[Address]) -> None:
        """Take what the server has just told."""
        self._addresses += addresses
        self._told.set()

    async def elsewhere(self) -> CallError:
        """Return the error for media on another machine; where they are here, never return."""
        while True:
            await self._told.wait()
            await asyncio.sleep(MORE_ADDRESSES_S)
            self._told.clear()
            try:
                check_here(self._addresses)
            except CallError as error:
                return error
