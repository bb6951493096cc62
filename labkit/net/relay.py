"""The relay, a process of its own: receives, waits as the links say, sends, and writes it down.

It has one thread that does everything but reading its parent's commands. The next datagram
that is due is always sent before anything else is looked at; the last 0.2 ms before it are
spent polling, because a sleeping thread wakes up too late.
"""

from __future__ import annotations

import gc
import os
import select
import socket
import sys
import threading
import time
from collections import deque
from typing import Any

from labkit.errors import CallError, LabError, RecordingError
from labkit.net.bridge import Bridge
from labkit.net.journal import Journal
from labkit.net.link import Link
from labkit.net.sdp import Address
from labkit.net.traffic import Traffic
from labkit.process import Pipe, end_soon
from labkit.run.feed import Feed
from labkit.words import _

__all__ = ["Relay", "main"]

_SPIN_S = 0.0002
"""How long before a datagram is due the relay stops sleeping."""

_QUIET_S = 0.001
"""How long nothing may be due for the journal to have its turn."""

_LONGEST_S = 1.0

_Command = tuple[int | None, str, dict[str, Any]]


class Relay:
    """Bridges, the datagrams under way, and the loop that serves them.

    Args:
        pipe: The way to the parent.
    """

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._journal = Journal()
        self._traffic = Traffic(self._journal)
        self._bridges: dict[int, Bridge] = {}
        self._commands: deque[_Command] = deque()
        self._ended = False
        self._bell, self._bell_push = socket.socketpair()
        self._bell.setblocking(False)

    def run(self) -> None:
        """Work until the parent is gone."""
        while not self._ended:
            self._traffic.send_due()
            now_s = self._traffic.now_s()
            if self._write_journal(now_s):
                continue
            readable = [self._bell, *self._traffic.sockets]
            for ready in select.select(readable, [], [], self._sleep_s(now_s))[0]:
                if ready is self._bell:
                    self._obey()
                else:
                    self._traffic.drain(ready)
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

    def _sleep_s(self, now_s: float) -> float:
        times = [now_s + _LONGEST_S, self._traffic.next_due_s - _SPIN_S]
        # A journal whose time has come waits for what is due first, and then has its turn.
        if self._journal.next_s is not None and self._journal.next_s > now_s:
            times.append(self._journal.next_s)
        return max(0.0, min(times) - now_s)

    def _write_journal(self, now_s: float) -> bool:
        next_s = self._journal.next_s
        if next_s is None or next_s > now_s:
            return False
        quiet = self._traffic.next_due_s > now_s + _QUIET_S
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

    def do_set_time_zero(self, number: int, time_zero: float) -> bool:
        """Take the reading that is second 0; return whether this thread has real-time priority."""
        self._traffic.time_zero = time_zero
        return hasattr(os, "sched_getscheduler") and os.sched_getscheduler(0) == os.SCHED_FIFO

    def do_cpu_s(self, number: int) -> float:
        """Return the seconds of processor time that this process has used."""
        return time.process_time()

    def do_open(
        self,
        number: int,
        names: tuple[str, str],
        forward: Link,
        back: Link,
        seed: int,
        roaming: str | None = None,
    ) -> tuple[int, dict[str, Address]]:
        """Open a bridge; return its key, and the address that each side is given."""
        bridge = Bridge(names, forward, back, seed, roaming)
        self._bridges[number] = bridge
        self._traffic.add(bridge)
        return number, {side.name: side.address for side in bridge.sides.values()}

    def do_set_far(self, number: int, bridge: int, name: str, addresses: list[Address]) -> None:
        """Take the real addresses of a side from its description."""
        side = self._bridges[bridge].sides[name]
        side.tell(addresses)
        self._traffic.release(side)

    def do_change(self, number: int, bridge: int, direction: str, link: Link) -> float:
        """Change a link while datagrams are under way; return when (seconds of the call)."""
        now_s = self._traffic.now_s()
        way = self._bridges[bridge].ways[direction]
        way.model.change(link, now_s)
        self._traffic.hurry(way)
        return now_s

    def do_counts(self, number: int, bridge: int) -> dict[str, dict[str, Any]]:
        """Return what each way has counted."""
        return {name: way.counts() for name, way in self._bridges[bridge].ways.items()}

    def do_carried_bytes(self, number: int) -> dict[str, int]:
        """Return the bytes that each direction has carried, over all bridges."""
        carried: dict[str, int] = {}
        for bridge in self._bridges.values():
            for name, way in bridge.ways.items():
                carried[name] = carried.get(name, 0) + way.carried_bytes
        return carried

    def do_close_bridge(self, number: int, bridge: int) -> None:
        """Close a bridge; what is under way on it is gone."""
        closed = self._bridges.pop(bridge)
        self._traffic.remove(closed)
        closed.close()

    def do_attach(self, number: int, feed: Feed, mode: str) -> None:
        """Send the wire to a recorder from now on."""
        if self._journal.recording:
            feed.close()
            raise RecordingError(
                _("The relay is being recorded already."),
                next_step=_("Wait for that recording to end."),
            )
        self._journal.attach(feed, mode)

    def do_detach(self, number: int) -> None:
        """Let the recorder go once it has everything; a thread waits for that and answers."""
        self._traffic.send_due()
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
    _be_punctual()
    relay.run()


def _be_punctual() -> None:
    # A collection, or a thread that keeps the interpreter, would make datagrams late.
    gc.freeze()
    gc.disable()
    sys.setswitchinterval(0.0001)
    try:
        # On busy cores a normal thread waits for the next tick of the scheduler (4 ms); one of
        # real-time priority does not, and the relay works for moments only.
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    except (AttributeError, OSError):
        pass  # no right to it, or no such thing here: `do_set_time_zero` says so
