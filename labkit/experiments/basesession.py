"""What a call's session and a room's share: rows, a recorder, whoever watches, the end.

A session belongs to one asyncio loop: the worker's, or the lab's loop in the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from labkit.errors import BadValue, LabError, WaitTimeout
from labkit.experiments.breaks import relay_died_error
from labkit.experiments.sampling import sample_forever
from labkit.experiments.watching import Watch
from labkit.net.relay_handle import Relay
from labkit.peers.clock import Clock
from labkit.peers.packetbook import PacketBook
from labkit.run.feed import Feed
from labkit.run.tap import Tap
from labkit.signaling.base import wire_size
from labkit.words import _

__all__ = ["BaseSession"]

FLUSH_S = 0.1
"""How often rows go to the recorder."""

STRAGGLERS_S = 1.0
"""How long a recording waits for frames that are still under way."""


class BaseSession:
    """Peers of this process, a relay, and the rows of both.

    Args:
        relay: The relay process; the session closes it.
        clock: The session's clock; the relay has the same second 0.
        notify: Called with a name and a payload for whoever watches.
        book: Plain RTP packets of this process.
    """

    spec: Any
    "What was asked for, with the names of everybody."

    def __init__(
        self,
        relay: Relay,
        clock: Clock,
        notify: Callable[[str, Any], None],
        *,
        tap: Tap,
        book: PacketBook,
    ) -> None:
        self.clock = clock
        self.tap = tap
        self.first_frame = asyncio.Event()
        self.sides: dict[str, Any] = {}
        "Everybody who sends or receives, by name."
        self.peers: dict[str, Any] = {}
        "Those of them that live in this process."
        self._relay = relay
        self._book = book
        self._tasks: list[asyncio.Task[None]] = []
        self._watch = Watch(self, notify)
        self._notify = notify
        self._last_shown: dict[tuple[str, str], int] = {}
        self._numbered: set[str] = set()

    async def attach(self, address: tuple[str, int], token: bytes) -> None:
        """Send rows to a recorder, from now on and of the set-up."""
        self.tap.attach(Feed.connect(address, token))
        await self._relay.attach(address, token)
        self._note_event("recording_started")

    async def detach(self) -> int:
        """Hand over the last rows and let the recorder go; return how many it did not take."""
        self._note_event("recording_stopped")
        for peer in self.peers.values():
            peer.sweep(0.0)
        self._book.sweep(0.0)
        missing = self.tap.detach()
        with contextlib.suppress(LabError):  # a dead relay must not cost the peers' rows
            missing += await self._relay.detach()
        return missing

    async def wait_first_frame(self, within_s: float) -> float:
        """Return the second at which the first frame was decoded.

        Raises:
            WaitTimeout: None was decoded in time.
        """
        try:
            async with asyncio.timeout(within_s):
                await self.first_frame.wait()
        except TimeoutError:
            raise WaitTimeout(
                _("No frame arrived within {seconds:g} s.").format(seconds=within_s),
                _("The link may lose or hold back too much."),
                _("Try less loss, or a higher rate_kbps."),
            ) from None
        return self.clock.now()

    async def stragglers(self) -> None:
        """Wait until the frames captured so far have arrived, at most ``STRAGGLERS_S``."""
        newest = {
            probe.track: probe.newest
            for peer in self.peers.values()
            for probe in peer.senders
            if probe.newest is not None and probe.track.endswith(":video")
        }
        wanted = {(r, t): newest[t] for r, t in self._expected() if t in newest}
        asked_s = self.clock.now()
        while self.clock.now() < asked_s + STRAGGLERS_S:
            shown = all(self._last_shown.get(key, -1) >= n for key, n in wanted.items())
            if shown and self._has_heard_since(asked_s):
                return
            await asyncio.sleep(0.02)

    async def ask(self, peer: str, function: Callable[[Any], Any]) -> Any:
        """Run ``function(peer)`` where the peer lives; await its result if it is a coroutine.

        Args:
            peer: Its name.
            function: Takes the peer; what it returns must be plain data where the peer lives
                elsewhere.

        Raises:
            BadValue: There is no such peer.
        """
        if peer not in self.peers:
            raise BadValue(
                _("There is no peer {peer!r} in this call.").format(peer=peer),
                next_step=_("Use one of: {names}.").format(names=", ".join(self.peers)),
            )
        result = function(self.peers[peer])
        return await result if asyncio.iscoroutine(result) else result

    def watch(self, pictures_hz: float, numbers_hz: float, seen_by: str | None = None) -> None:
        """Send pictures (of one receiver, None: of all) and numbers; 0 Hz stops them."""
        self._watch.set_rates(pictures_hz, numbers_hz, seen_by)

    async def received_bytes(self) -> dict[str, int]:
        """Return what everybody of this process has received on the wire, headers included."""
        received: dict[str, int] = {}
        for peer in self.peers.values():  # somebody may have several connections
            received[peer.name] = received.get(peer.name, 0) + peer.received_bytes
        return received

    def watched_as(self, receiver: str, track: str) -> str:
        """Return what a watcher calls a track at one of its receivers."""
        return track

    async def close(self) -> None:
        """Close everything, also what was opened halfway."""
        self._watch.set_rates(0, 0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._watch.close()
        await self._close_sides()
        self.tap.detach()
        self._relay.died.remove_done_callback(self._relay_died)
        await self._relay.close()

    async def _close_sides(self) -> None:
        closing = (side.close() for side in self.sides.values())
        await asyncio.gather(*closing, return_exceptions=True)

    # What sessions differ in.

    def _expected(self) -> Iterable[tuple[str, str]]:
        """Return receiver and track of whatever somebody waits for."""
        raise NotImplementedError

    def _has_heard_since(self, asked_s: float) -> bool:
        """Whether everybody outside this process has told what was known at ``asked_s``."""
        return True

    # What they share.

    def _begin(self, seed: int) -> None:
        self._relay.died.add_done_callback(self._relay_died)
        # Second 0, whatever the lab itself needed between that and now (a recorder's connection).
        self.tap.add("events", at_s=0.0, peer=self.spec.names[0], name="call_started",
                     detail=json.dumps({"seed": seed}))  # fmt: skip
        self._tasks.append(asyncio.create_task(self._flush_forever(), name="flush rows"))
        self._tasks.append(asyncio.create_task(sample_forever(self), name="sample values"))

    def _decoded(
        self, receiver: str, track: str, frame: Any, number: int | None, at_s: float
    ) -> None:
        if number is not None:
            self._last_shown[receiver, track] = number
        if number is not None or track not in self._numbered:
            self.first_frame.set()
        self._watch.decoded(receiver, track, frame, number, at_s)

    def _relay_died(self, _died: asyncio.Future[None]) -> None:
        self._notify("failed", relay_died_error())

    def _note(self, sender: str, receiver: str, channel: str, name: str, body: str) -> None:
        size = wire_size(body)
        hidden = re.sub(r"(?m)^(a=ice-pwd:).*$", r"\1(hidden)", body)
        self.tap.add("messages", at_s=self.clock.now(), sender=sender, receiver=receiver,
                     channel=channel, name=name, size_bytes=size, body=hidden)  # fmt: skip

    def _note_event(self, name: str, detail: Any = "") -> None:
        next(iter(self.sides.values())).event(name, detail)

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            for peer in self.peers.values():
                peer.sweep()
            self._book.sweep()
            self.tap.flush()
