"""The relay, a process of its own: receives, waits as the links say, sends, and writes it down.

It has one thread that does everything but reading its parent's commands. The next datagram
that is due is always sent before anything else is looked at; the last 0.2 ms before it are
spent polling, because a sleeping thread wakes up too late.
"""

from __future__ import annotations

import gc
import heapq
import select
import socket
import sys
import threading
import time
from collections import deque
from typing import Any

from labkit.errors import CallError, LabError, RecordingError
from labkit.net.bridge import HELD_DATAGRAMS, Bridge, Flight, Side, Way
from labkit.net.journal import Journal
from labkit.net.link import Link
from labkit.net.sdp import Address
from labkit.net.udp import receive
from labkit.process import Pipe, end_soon
from labkit.run.feed import Feed
from labkit.words import _

__all__ = ["Relay", "main"]

_SPIN_S = 0.0002
"""How long before a datagram is due the relay stops sleeping."""

_QUIET_S = 0.001
"""How long nothing may be due for the journal to have its turn."""

_DRAIN = 64
"""Datagrams read from a socket before the others have their turn."""

_Command = tuple[int | None, str, dict[str, Any]]


class Relay:
    """Bridges, the datagrams under way, and the loop that serves them.

    Args:
        pipe: The way to the parent.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._zero = 0.0
        self._bridges: dict[int, Bridge] = {}
        self._sides: dict[socket.socket, tuple[Side, Way]] = {}
        self._under_way: list[tuple[float, int, Flight]] = []
        self._serial = 0
        self._journal = Journal()
        self._commands: deque[_Command] = deque()
        self._ended = False
        self._bell, self._bell_push = socket.socketpair()
        self._bell.setblocking(False)

    def run(self) -> None:
        """Work until the parent is gone."""
        while not self._ended:
            self._send_due()
            now_s = self._now_s()
            if self._write_journal(now_s):
                continue
            readable = [self._bell, *self._sides]
            for ready in select.select(readable, [], [], self._sleep_s(now_s))[0]:
                if ready is self._bell:
                    self._obey()
                else:
                    self._drain(ready)
        self._close()

    # From the reader's thread.

    def command(self, command: _Command) -> None:
        """Take a command from the parent to the relay's thread."""
        number, method, arguments = command
        if method == "attach":  # connecting may take a while: not in the relay's thread
            try:
                address, token = arguments.pop("address"), arguments.pop("token")
                arguments["feed"] = Feed.connect(address, token)
            except OSError as error:
                self._answer(number, False, _no_recorder(error))
                return
        self._commands.append((number, method, arguments))
        self._ring()

    def parent_gone(self) -> None:
        """Leave the loop; end by force if that does not happen soon."""
        end_soon()
        self._ended = True
        self._ring()

    def _ring(self) -> None:
        try:
            self._bell_push.send(b"!")
        except OSError:
            pass  # the loop is over

    # Datagrams.

    def _now_s(self) -> float:
        return time.perf_counter() - self._zero

    def _sleep_s(self, now_s: float) -> float:
        times = [now_s + 1.0]
        if self._under_way:
            times.append(self._under_way[0][0] - _SPIN_S)
        # A journal whose time has come waits for what is due first, and then has its turn.
        if self._journal.next_s is not None and self._journal.next_s > now_s:
            times.append(self._journal.next_s)
        return max(0.0, min(times) - now_s)

    def _drain(self, source: socket.socket) -> None:
        for _count in range(_DRAIN):
            datagram = receive(source)
            if datagram is None:
                return
            data, address, came = datagram
            self._enter(source, data, address, came - self._zero)
            self._send_due()

    def _enter(self, source: socket.socket, data: bytes, address: Address, now_s: float) -> None:
        side, way = self._sides[source]
        if not side.admits(address):
            return
        self._release(side)
        passage, flights = way.enter(now_s, data)
        for flight in flights:
            self._schedule(flight)
        if passage.fate != "delivered":
            self._journal.note_dropped(way, passage.number, 0, now_s, data, passage.fate)
        elif passage.duplicated and len(flights) < 2:
            self._journal.note_dropped(way, passage.number, 1, now_s, data, "queue_full")

    def _schedule(self, flight: Flight) -> None:
        self._serial += 1
        heapq.heappush(self._under_way, (flight.due_s, self._serial, flight))

    def _send_due(self) -> None:
        while self._under_way and self._under_way[0][0] <= self._now_s():
            self._send(heapq.heappop(self._under_way)[2])

    def _send(self, flight: Flight) -> None:
        receiver = flight.way.receiver
        if receiver.far is None:
            self._hold(flight)
            return
        try:
            receiver.socket.sendto(flight.data, receiver.far)
        except OSError:  # its buffer is full, or the system refuses the address
            flight.way.not_sent += 1
            self._journal.note(flight, "lost")
            return
        arrived_s = self._now_s()
        flight.way.leave(flight, arrived_s)
        self._journal.note(flight, "delivered", arrived_s)

    def _hold(self, flight: Flight) -> None:
        held = flight.way.receiver.held
        if len(held) >= HELD_DATAGRAMS:
            flight.way.not_held += flight.copy == 0
            self._journal.note(flight, "queue_full")
        else:
            held.append(flight)

    def _release(self, side: Side) -> None:
        """Send what was held for a side, now that its address is known: now it is due."""
        while side.held and side.far is not None:
            flight = side.held.popleft()
            flight.due_s = self._now_s()
            self._schedule(flight)

    def _write_journal(self, now_s: float) -> bool:
        next_s = self._journal.next_s
        if next_s is None or next_s > now_s:
            return False
        quiet = not self._under_way or self._under_way[0][0] > now_s + _QUIET_S
        if quiet or self._journal.overdue:
            self._journal.flush(now_s)
        return quiet

    # Commands, in the relay's thread.

    def _obey(self) -> None:
        try:
            self._bell.recv(4096)
        except BlockingIOError:
            pass
        while self._commands:
            number, method, arguments = self._commands.popleft()
            try:
                answer, fine = getattr(self, f"do_{method}")(number=number, **arguments), True
            except LabError as error:
                answer, fine = error, False
            except OSError as error:
                answer, fine = CallError(_("The relay has no socket."), f"{error}."), False
            if method != "detach":
                self._answer(number, fine, answer)

    def _answer(self, number: int | None, fine: bool, answer: Any) -> None:
        if number is not None:
            self._pipe.send((number, fine, answer))

    def do_set_time_zero(self, number: int, time_zero: float) -> None:
        """Take the reading of ``perf_counter`` that is second 0 of the call."""
        self._zero = time_zero

    def do_open(
        self, number: int, names: tuple[str, str], forward: Link, back: Link, seed: int
    ) -> tuple[int, dict[str, Address]]:
        """Open a bridge; return its key, and the address that each side is given."""
        bridge = Bridge(names, forward, back, seed)
        self._bridges[number] = bridge
        for side in bridge.sides.values():
            self._sides[side.socket] = (side, bridge.way_from(side))
        return number, {side.name: side.address for side in bridge.sides.values()}

    def do_set_far(self, number: int, bridge: int, name: str, addresses: list[Address]) -> None:
        """Take the real addresses of a side from its description."""
        side = self._bridges[bridge].sides[name]
        side.tell(addresses)
        self._release(side)

    def do_change(self, number: int, bridge: int, direction: str, link: Link) -> float:
        """Change a link while datagrams are under way; return when (seconds of the call)."""
        now_s = self._now_s()
        self._bridges[bridge].ways[direction].model.change(link, now_s)
        return now_s

    def do_counts(self, number: int, bridge: int) -> dict[str, dict[str, Any]]:
        """Return what each way has counted."""
        return {name: way.counts() for name, way in self._bridges[bridge].ways.items()}

    def do_close_bridge(self, number: int, bridge: int) -> None:
        """Close a bridge; what is under way on it is gone."""
        closed = self._bridges.pop(bridge)
        for side in closed.sides.values():
            del self._sides[side.socket]
        ways = set(closed.ways.values())
        self._under_way = [entry for entry in self._under_way if entry[2].way not in ways]
        heapq.heapify(self._under_way)
        closed.close()

    def do_attach(self, number: int, feed: Feed, mode: str) -> None:
        """Send the wire to a recorder from now on."""
        self._journal.attach(feed, mode)

    def do_detach(self, number: int) -> None:
        """Let the recorder go once it has everything; a thread waits for that and answers."""
        feed = self._journal.detach()
        threading.Thread(target=self._finish, args=(number, feed), daemon=True).start()

    def _finish(self, number: int, feed: Feed | None) -> None:
        missing = 0
        if feed is not None:
            complete = feed.flush(1.0)
            missing = feed.dropped_rows if complete else max(1, feed.dropped_rows)
            feed.close()
        self._answer(number, True, missing)

    def _close(self) -> None:
        for bridge in self._bridges.values():
            bridge.close()
        feed = self._journal.detach()
        if feed is not None:
            feed.flush(0.5)
            feed.close()
        self._bell.close()
        self._bell_push.close()


def _no_recorder(error: OSError) -> RecordingError:
    return RecordingError(
        _("The relay cannot reach the recorder."), f"{error}.", _("Start the recording again.")
    )


def main(pipe: Pipe) -> None:
    """Serve one parent until it is gone."""
    relay = Relay(pipe)
    reader = threading.Thread(
        target=pipe.listen, args=(relay.command, relay.parent_gone), daemon=True
    )
    reader.start()
    # A collection, or a thread that keeps the interpreter, would make datagrams late.
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(0.0001)
    relay.run()
