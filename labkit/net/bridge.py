"""Two sockets with a link each way between them, as the relay's process holds them."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.net.bottleneck import HEADER_BYTES
from labkit.net.link import Link
from labkit.net.model import LinkModel, Passage
from labkit.net.sdp import Address
from labkit.net.udp import open_udp

__all__ = ["HELD_DATAGRAMS", "MOST_PATHS", "Bridge", "Flight", "Side", "Way"]

HELD_DATAGRAMS = 256
"""How many datagrams wait for a side whose address is not known yet."""

MOST_PATHS = 64
"""Sources of a roaming side that have a socket of their own; the one unused longest goes first."""

_ERRORS_KEPT = 2_000


@dataclass(slots=True)
class Flight:
    """A datagram between entering and leaving; times in seconds of the call.

    ``path`` and ``to`` are for roaming sides: the socket that it leaves by, and where to, if that
    is not the receiver's one socket and its one address.
    """

    way: Way
    number: int
    copy: int
    entered_s: float
    due_s: float
    data: bytes
    path: socket.socket | None = None
    to: Address | None = None

    def send(self) -> bool:
        """Send it; False while nobody knows where to.

        Raises:
            OSError: A buffer is full, the path was given up, or the system refuses the address.
        """
        to = self.to or self.way.receiver.far
        if to is not None:
            (self.path or self.way.receiver.socket).sendto(self.data, to)
        return to is not None


class Side:
    """One endpoint: the socket that it talks to, and where it really is.

    Its address comes from its description, or from its first datagram. What it has spoken
    from is the only source that may enter from then on.

    A roaming side may speak from any number of addresses, as libwebrtc does: it tries all its
    sockets, and takes new ones after a reconnection. Each is carried on a socket of its own
    towards the other side, as a NAT would do, so that answers find their way back.

    Args:
        name: Name of the peer, for instance ``alice``.
        roaming: Whether every source may enter.
    """

    def __init__(self, name: str, *, roaming: bool = False) -> None:
        self.name = name
        self.roaming = roaming
        self.paths: dict[Address, socket.socket] = {}
        self.socket = open_udp()
        self.far: Address | None = None
        self.strangers = 0
        self.held: deque[Flight] = deque()
        self._told: list[Address] = []
        self._heard = False

    @property
    def address(self) -> Address:
        """What the endpoint is given in place of the other side's address."""
        host, port = self.socket.getsockname()
        return host, port

    def tell(self, addresses: Sequence[Address]) -> None:
        """Take the endpoint's addresses from its description, the best first.

        An empty list (mDNS names only) leaves it to its first datagram.
        """
        self._told = [(host, port) for host, port in addresses]
        if self._told and not (self._heard and self.far in self._told):
            self._heard = False
            # We are bound to loopback, where only a loopback address is sure to be reached.
            self.far = min(self._told, key=lambda address: not address[0].startswith("127."))

    def admits(self, source: Address) -> bool:
        """Return whether a datagram from ``source`` may enter; the first one settles it."""
        if self.roaming:
            return True
        if self._heard:
            known = source == self.far
        else:
            known = not self._told or source in self._told
        if not known:
            self.strangers += 1
        elif not self._heard:
            self.far, self._heard = source, True
        return known

    def path_of(self, source: Address) -> socket.socket | None:
        """Return the socket of a roaming side's source; None when it has none yet."""
        path = self.paths.pop(source, None)
        if path is not None:
            self.paths[source] = path  # used last: given up last
        return path

    def sockets(self) -> Iterator[socket.socket]:
        """Yield the side's socket and those of its sources."""
        yield self.socket
        yield from self.paths.values()


class Way:
    """One direction of a bridge: the link's model, and what came of it."""

    def __init__(self, sender: Side, receiver: Side, link: Link, seed: int) -> None:
        self.sender = sender
        self.receiver = receiver
        self.name = f"{sender.name}->{receiver.name}"
        self.model = LinkModel(link, seed=seed, direction=self.name)
        self.delivered = 0
        self.carried_bytes = 0
        "All that has left, with the headers of IP and UDP."
        self.not_held = 0
        self.not_sent = 0
        self._errors_ms: deque[float] = deque(maxlen=_ERRORS_KEPT)

    def enter(self, now_s: float, data: bytes) -> tuple[Passage, list[Flight]]:
        """Let a datagram enter the link; return its passage and what is under way now."""
        passage = self.model.push(now_s, len(data))
        flights = [
            Flight(self, passage.number, copy, now_s, due_s, data)
            for copy, due_s in enumerate(passage.due_s)
        ]
        return passage, flights

    def leave(self, flight: Flight, arrived_s: float) -> None:
        """Count a datagram that has left."""
        self.delivered += flight.copy == 0
        self.carried_bytes += len(flight.data) + HEADER_BYTES
        self._errors_ms.append(abs(arrived_s - flight.due_s) * 1000)

    def counts(self) -> dict[str, Any]:
        """Return how many datagrams met which fate, and the errors of the last 2,000 in ms."""
        seen = self.model.counts
        return {
            "received": seen.received,
            "delivered": self.delivered,
            "lost": seen.lost,
            "queue_full": seen.queue_full + self.not_held,
            "duplicated": seen.duplicated,
            "not_sent": self.not_sent,
            "held": sum(flight.way is self for flight in self.receiver.held),
            "strangers": self.sender.strangers,
            "errors_ms": list(self._errors_ms),
        }


class Bridge:
    """Two sides and the two ways between them.

    Args:
        names: The two peers.
        forward: Link from the first to the second.
        back: Link from the second to the first.
        seed: The call's seed.
        roaming: Name of the side that may speak from many addresses, None for neither.
    """

    def __init__(
        self,
        names: tuple[str, str],
        forward: Link,
        back: Link,
        seed: int,
        roaming: str | None = None,
    ) -> None:
        self.sides = {name: Side(name, roaming=name == roaming) for name in names}
        one, other = self.sides.values()
        self.ways = {
            way.name: way for way in (Way(one, other, forward, seed), Way(other, one, back, seed))
        }

    def way_from(self, side: Side) -> Way:
        """Return the way that begins at ``side``."""
        return next(way for way in self.ways.values() if way.sender is side)

    def close(self) -> None:
        """Close all sockets."""
        for each in self.sockets():
            each.close()

    def sockets(self) -> list[socket.socket]:
        """Return all sockets of both sides."""
        return [each for side in self.sides.values() for each in side.sockets()]
