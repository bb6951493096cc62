"""One call as it runs: two sides, a relay between them, and whoever watches.

A session belongs to one asyncio loop: the worker's, or the lab's loop in the kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

from labkit.errors import BadValue, CallError, LabError, WaitTimeout
from labkit.experiments.breaks import (
    failed_error,
    no_media_path_error,
    not_connected_error,
    page_left_error,
    relay_died_error,
)
from labkit.experiments.sampling import sample_forever
from labkit.experiments.sides import Sides
from labkit.experiments.spec import CallSpec
from labkit.experiments.watching import Watch
from labkit.net import Link
from labkit.net.relay_handle import Bridge, Relay
from labkit.net.sdp import replace_candidates
from labkit.peers.clock import Clock
from labkit.peers.codecs import check_codec
from labkit.peers.endpoint import Peer
from labkit.peers.packetbook import PacketBook
from labkit.peers.remote import RemoteSide
from labkit.run.feed import Feed
from labkit.run.tap import Tap
from labkit.signaling.base import signaling_named
from labkit.words import _

__all__ = ["CONNECT_TIMEOUT_S", "Session"]

CONNECT_TIMEOUT_S = 15.0
"""A bent link may lose many of the first packets; a healthy call needs 0.1 s."""

PAGE_TIMEOUT_S = 8.0
"""The same for a page: who pressed a button waits for it."""

GOODBYE_S = 0.5
"""How long a connection that was closed waits for the message that says why."""

FLUSH_S = 0.1
"""How often rows go to the recorder."""

STRAGGLERS_S = 1.0
"""How long a recording waits for frames that are still under way."""

UDP_CANDIDATE = re.compile(r"(?im)^a=candidate:\S+ \d+ udp ")


class Session:
    """A running call; ``start`` opens it, ``close`` leaves nothing behind.

    Args:
        spec: What the call is made of.
        relay: The relay process of this call; the session closes it.
        clock: The clock of this call; the relay has the same second 0.
        notify: Called with a name and a payload for whoever watches.
    """

    def __init__(
        self, spec: CallSpec, relay: Relay, clock: Clock, notify: Callable[[str, Any], None]
    ) -> None:
        self.spec = spec
        self.clock = clock
        self.tap = Tap()
        self.first_frame = asyncio.Event()
        self._relay = relay
        self._bridge: Bridge | None = None
        self._book = PacketBook(self.tap, self.clock)
        self._tasks: list[asyncio.Task[None]] = []
        self._watch = Watch(self, notify)
        self._notify = notify
        self._last_shown: dict[str, int] = {}
        self._leaving: asyncio.TimerHandle | None = None
        sides = Sides(spec, tap=self.tap, clock=clock, book=self._book,
                      on_decoded=self._decoded, notify=notify)  # fmt: skip
        self._numbered = sides.numbered()
        self.sides = sides.make()
        self.peers = {name: s for name, s in self.sides.items() if isinstance(s, Peer)}
        self._page = next((s for s in self.sides.values() if isinstance(s, RemoteSide)), None)

    async def start(self) -> None:
        """Connect the two peers; media flows when this returns.

        Raises:
            CallError: They could not connect.
            WaitTimeout: They did not connect in time.
        """
        check_codec(self.spec.codec)
        self._relay.died.add_done_callback(self._relay_died)
        self._note_event("call_started", {"seed": self.spec.seed})
        first, second = self.spec.names
        self._bridge = await self._relay.open(
            first, second, forward=self.spec.forward, back=self.spec.back, seed=self.spec.seed
        )
        for side in self.sides.values():
            await side.open()
        self._tasks.append(asyncio.create_task(self._flush_forever(), name="flush rows"))
        self._tasks.append(asyncio.create_task(sample_forever(self), name="sample values"))
        await signaling_named(self.spec.signaling).exchange(
            self.sides[first], self.sides[second], self._rewrite, self._note_message
        )
        await self._connected()

    async def attach(self, address: tuple[str, int], token: bytes) -> None:
        """Send rows to a recorder, from now on and of the set-up."""
        if self._page is not None:
            self._page.settle_clock()
        self.tap.attach(Feed.connect(address, token))
        await self._relay.attach(address, token)
        self._note_event("recording_started")

    async def detach(self) -> None:
        """Hand over the last rows and let the recorder go."""
        self._note_event("recording_stopped")
        for peer in self.peers.values():
            peer.sweep(0.0)
        self._book.sweep(0.0)
        self.tap.detach()
        with contextlib.suppress(LabError):  # a dead relay must not cost the peers' rows
            await self._relay.detach()

    async def change_link(self, direction: str, link: Link) -> None:
        """Bend one direction of the link while the call runs."""
        if self._bridge is None:
            raise CallError(_("The call has no link yet."), next_step=_("Start it first."))
        await self._bridge.change(direction, link)
        self._note_event("link_changed", {"direction": direction, **link.to_dict()})

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
        wanted = {
            probe.track: probe.newest
            for peer in self.peers.values()
            for probe in peer.senders
            if probe.newest is not None and probe.track.endswith(":video")
        }
        asked_s = self.clock.now()
        while self.clock.now() < asked_s + STRAGGLERS_S:
            shown = all(self._last_shown.get(track, -1) >= n for track, n in wanted.items())
            if shown and (self._page is None or self._page.told_until_s >= asked_s):
                return
            await asyncio.sleep(0.02)

    async def ask(self, peer: str, function: Callable[[Peer], Any]) -> Any:
        """Run ``function(peer)`` where the peer lives; await its result if it is a coroutine."""
        if peer not in self.peers:
            raise BadValue(
                _("There is no peer {peer!r} in this call.").format(peer=peer),
                next_step=_("Use one of: {names}.").format(names=", ".join(self.peers)),
            )
        result = function(self.peers[peer])
        return await result if asyncio.iscoroutine(result) else result

    def said(self, message: dict[str, Any]) -> None:
        """Take a message of the page that is one side of this call."""
        if self._page is not None:
            self._page.said(message)

    def watch(self, pictures_hz: float, numbers_hz: float) -> None:
        """Send pictures and numbers to the watcher; 0 Hz stops them."""
        self._watch.set_rates(pictures_hz, numbers_hz)

    async def facts(self) -> dict[str, Any]:
        """Return what the Run should say of this session, for its ``meta``."""
        page = {} if self._page is None else {"browser": self._page.agent}
        return {"relay_realtime": self._relay.realtime, **page}

    async def counts(self) -> dict[str, Any]:
        """Return the relay's counters by direction."""
        return {} if self._bridge is None else await self._bridge.counts()

    async def close(self) -> None:
        """Close everything, also what was opened halfway."""
        self._watch.set_rates(0, 0)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        await self._watch.close()
        closing = (side.close() for side in self.sides.values())
        await asyncio.gather(*closing, return_exceptions=True)
        if self._leaving is not None:
            self._leaving.cancel()
        self.tap.detach()
        self._relay.died.remove_done_callback(self._relay_died)
        await self._relay.close()

    def _decoded(self, track: str, frame: Any, number: int | None, at_s: float) -> None:
        if number is not None:
            self._last_shown[track] = number
        if number is not None or track not in self._numbered:
            self.first_frame.set()
        if frame is not None:  # a page keeps its pictures
            self._watch.decoded(track, frame, number, at_s)

    async def _connected(self) -> None:
        within_s = CONNECT_TIMEOUT_S if self._page is None else PAGE_TIMEOUT_S
        try:
            async with asyncio.timeout(within_s):
                while any(s.connection_state != "connected" for s in self.sides.values()):
                    self._refuse_failed()
                    await asyncio.sleep(0.005)
        except (TimeoutError, CallError) as error:
            if not await self._page_is_heard():
                raise no_media_path_error() from None
            if isinstance(error, LabError):
                raise
            raise not_connected_error(within_s, page=self._page is not None) from None
        if self._page is not None:
            for peer in self.peers.values():
                peer.pc.on("connectionstatechange", self._look_for_the_page)

    async def _page_is_heard(self) -> bool:
        """Return whether the page, where there is one, has got anything through to the relay."""
        if self.spec.remote is None:
            return True
        there, _back = self.spec.directions
        return bool((await self.counts())[there]["received"])

    def _look_for_the_page(self) -> None:
        gone = any(p.connection_state in ("closed", "failed") for p in self.peers.values())
        if gone and self._leaving is None:  # a page that says good-bye is heard in the meantime
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(GOODBYE_S, self._notify, "failed", page_left_error())

    def _relay_died(self, _died: asyncio.Future[None]) -> None:
        self._notify("failed", relay_died_error())

    def _refuse_failed(self) -> None:
        for side in self.sides.values():
            if side.connection_state == "failed":
                raise failed_error(side.name)

    async def _rewrite(self, sender: str, receiver: str, sdp: str) -> str:
        assert self._bridge is not None
        if sender == self.spec.remote and not UDP_CANDIDATE.search(sdp):
            raise no_media_path_error()
        host, port = self._bridge.address_for[receiver]
        changed, far = replace_candidates(sdp, host, port)
        # A page may send from another address than the ones it names: its first datagram tells.
        await self._bridge.set_far(sender, [] if sender == self.spec.remote else far)
        self.sides[receiver].event("relay_address", {"instead_of": sender, "is": f"{host}:{port}"})
        return changed

    def _note_message(self, sender: str, receiver: str, name: str, body: str) -> None:
        hidden = re.sub(r"(?m)^(a=ice-pwd:).*$", r"\1(hidden)", body)
        self.tap.add("messages", at_s=self.clock.now(), sender=sender, receiver=receiver,
                     channel=f"signaling ({self.spec.signaling})", name=name,
                     size_bytes=len(body), body=hidden)  # fmt: skip

    def _note_event(self, name: str, detail: Any = "") -> None:
        self.sides[self.spec.names[0]].event(name, detail)

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            for peer in self.peers.values():
                peer.sweep()
            self._book.sweep()
            self.tap.flush()
