"""The datagrams of a relay: who may enter, what is under way, and what is due."""

from __future__ import annotations

import heapq
import socket
import time
from dataclasses import dataclass

from labkit.net.bridge import HELD_DATAGRAMS, MOST_PATHS, Bridge, Flight, Side, Way
from labkit.net.journal import Journal
from labkit.net.sdp import Address
from labkit.net.udp import open_udp, receive

__all__ = ["Traffic"]

_DRAIN = 64
"""Datagrams read from a socket before the others have their turn."""


@dataclass(slots=True)
class _End:
    """What comes in at a socket: from which side, on which way and, if a path, for whom."""

    side: Side
    way: Way
    back: Way
    to: Address | None = None


class Traffic:
    """All bridges of a relay and the datagrams between entering and leaving.

    Args:
        journal: Where the end of each datagram is noted.
    """

    def __init__(self, journal: Journal) -> None:
        self.time_zero = 0.0
        self._journal = journal
        self._ends: dict[socket.socket, _End] = {}
        self._under_way: list[tuple[float, int, Flight]] = []
        self._serial = 0

    @property
    def sockets(self) -> list[socket.socket]:
        """What to listen to."""
        return list(self._ends)

    @property
    def next_due_s(self) -> float:
        """When the next datagram has to leave (seconds of the call); infinite without one."""
        return self._under_way[0][0] if self._under_way else float("inf")

    def now_s(self) -> float:
        """Return the time since the start of the call."""
        return time.perf_counter() - self.time_zero

    def add(self, bridge: Bridge) -> None:
        """Carry the datagrams of a bridge from now on."""
        there, back = bridge.ways.values()
        self._ends[there.sender.socket] = _End(there.sender, there, back)
        self._ends[back.sender.socket] = _End(back.sender, back, there)

    def remove(self, bridge: Bridge) -> None:
        """Forget a bridge; what is under way on it is gone."""
        for each in bridge.sockets():
            del self._ends[each]
        ways = list(bridge.ways.values())
        self._under_way = [entry for entry in self._under_way if entry[2].way not in ways]
        heapq.heapify(self._under_way)

    def drain(self, source: socket.socket) -> None:
        """Let in what waits in a socket; what becomes due meanwhile is sent at once."""
        for _count in range(_DRAIN):
            if source not in self._ends:  # its bridge was closed since it became readable
                return
            datagram = receive(source)
            if datagram is None:
                return
            data, address, came = datagram
            self._enter(source, data, address, came - self.time_zero)
            self.send_due()

    def send_due(self) -> None:
        """Send everything that is due."""
        while self._under_way and self._under_way[0][0] <= self.now_s():
            self._send(heapq.heappop(self._under_way)[2])

    def release(self, side: Side) -> None:
        """Send what was held for a side, if its address is known: now it is due."""
        while side.held and side.far is not None:
            flight = side.held.popleft()
            flight.due_s = self.now_s()
            self._schedule(flight)

    def _enter(self, source: socket.socket, data: bytes, address: Address, now_s: float) -> None:
        end = self._ends[source]
        way = end.way
        if not end.side.admits(address):
            return
        self.release(end.side)
        path = self._path(end, address) if end.side.roaming else None
        passage, flights = way.enter(now_s, data)
        self.hurry(way)  # a phase of the link may have begun
        for flight in flights:
            flight.path, flight.to = path, end.to
            self._schedule(flight)
        if passage.fate != "delivered":
            self._journal.note_dropped(way, passage.number, 0, now_s, data, passage.fate)
        elif passage.duplicated and len(flights) < 2:
            self._journal.note_dropped(way, passage.number, 1, now_s, data, "queue_full")

    def hurry(self, way: Way) -> None:
        """Let those go earlier that a higher rate of their way has freed."""
        due_s = way.model.take_hurried()
        if not due_s:
            return
        for place, (_at_s, serial, flight) in enumerate(self._under_way):
            key = (flight.number, flight.copy)
            if flight.way is way and key in due_s:
                flight.due_s = due_s[key]
                self._under_way[place] = (flight.due_s, serial, flight)
        heapq.heapify(self._under_way)

    def _path(self, end: _End, source: Address) -> socket.socket:
        """Return the socket towards the other side that belongs to a source."""
        side = end.side
        path = side.path_of(source)
        if path is None:
            if len(side.paths) >= MOST_PATHS:
                given_up = side.paths.pop(next(iter(side.paths)))
                del self._ends[given_up]
                given_up.close()
            path = side.paths[source] = open_udp()
            self._ends[path] = _End(end.way.receiver, end.back, end.way, source)
        return path

    def _schedule(self, flight: Flight) -> None:
        self._serial += 1
        heapq.heappush(self._under_way, (flight.due_s, self._serial, flight))

    def _send(self, flight: Flight) -> None:
        try:
            if not flight.send():
                self._hold(flight)
                return
        except OSError:  # its buffer is full, or the system refuses the address
            flight.way.not_sent += 1
            self._journal.note(flight, "lost")
            return
        arrived_s = self.now_s()
        flight.way.leave(flight, arrived_s)
        self._journal.note(flight, "delivered", arrived_s)

    def _hold(self, flight: Flight) -> None:
        held = flight.way.receiver.held
        if len(held) >= HELD_DATAGRAMS:
            flight.way.not_held += flight.copy == 0
            self._journal.note(flight, "queue_full")
        else:
            held.append(flight)
