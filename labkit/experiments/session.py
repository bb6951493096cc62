"""One call as it runs: two sides, a relay between them, and whoever watches."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from labkit.errors import CallError, LabError
from labkit.experiments.basesession import FLUSH_S, STRAGGLERS_S, BaseSession
from labkit.experiments.breaks import (
    connection_lost_error,
    failed_error,
    no_media_path_error,
    not_connected_error,
    page_left_error,
)
from labkit.experiments.sides import Sides
from labkit.experiments.spec import CallSpec
from labkit.net import Link
from labkit.net.relay_handle import Bridge, Relay
from labkit.net.sdp import replace_candidates
from labkit.peers.clock import Clock
from labkit.peers.codecs import check_codec
from labkit.peers.endpoint import Peer
from labkit.peers.packetbook import PacketBook
from labkit.peers.remote import RemoteSide
from labkit.run.tap import Tap
from labkit.signaling.base import signaling_named
from labkit.words import _

__all__ = ["CONNECT_TIMEOUT_S", "FLUSH_S", "STRAGGLERS_S", "Session"]

CONNECT_TIMEOUT_S = 15.0
"""A bent link may lose many of the first packets; a healthy call needs 0.1 s."""

PAGE_TIMEOUT_S = 8.0
"""The same for a page: who pressed a button waits for it."""

GOODBYE_S = 1.5
"""How long a connection that was closed waits for the message that says why."""

UDP_CANDIDATE = re.compile(r"(?im)^a=candidate:\S+ \d+ udp ")


class Session(BaseSession):
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
        tap = Tap()
        super().__init__(relay, clock, notify, tap=tap, book=PacketBook(tap, clock))
        self.spec = spec
        self._bridge: Bridge | None = None
        self._leaving: asyncio.TimerHandle | None = None
        self._closing = False
        sides = Sides(spec, tap=tap, clock=clock, book=self._book,
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
        self._begin(self.spec.seed)
        first, second = self.spec.names
        self._bridge = await self._relay.open(
            first, second, forward=self.spec.forward, back=self.spec.back, seed=self.spec.seed
        )
        for side in self.sides.values():
            await side.open()
        await signaling_named(self.spec.signaling).exchange(
            self.sides[first], self.sides[second], self._rewrite, self._note_message
        )
        await self._connected()

    async def attach(self, address: tuple[str, int], token: bytes) -> None:
        """Send rows to a recorder, from now on and of the set-up."""
        if self._page is not None:
            self._page.settle_clock()
        await super().attach(address, token)

    async def change_link(self, direction: str, link: Link) -> None:
        """Bend one direction of the link while the call runs.

        Args:
            direction: For instance ``alice->bob``.
            link: What it is from now on.

        Raises:
            CallError: There is no link yet.
        """
        if self._bridge is None:
            raise CallError(_("The call has no link yet."), next_step=_("Start it first."))
        await self._bridge.change(direction, link)
        self._note_event("link_changed", {"direction": direction, **link.to_dict()})

    def said(self, message: dict[str, Any]) -> None:
        """Take a message of the page that is one side of this call."""
        if self._page is not None:
            self._page.said(message)

    async def facts(self) -> dict[str, Any]:
        """Return what the Run should say of this session, for its ``meta``."""
        page = {} if self._page is None else {"browser": self._page.agent}
        return {"relay_realtime": self._relay.realtime, **page}

    async def counts(self) -> dict[str, Any]:
        """Return the relay's counters by direction."""
        return {} if self._bridge is None else await self._bridge.counts()

    async def close(self) -> None:
        """Close everything, also what was opened halfway."""
        self._closing = True
        await super().close()
        if self._leaving is not None:
            self._leaving.cancel()

    def _expected(self) -> Iterable[tuple[str, str]]:
        first, second = self.spec.names
        return [(second, f"{first}:video"), (first, f"{second}:video")]

    def _has_heard_since(self, asked_s: float) -> bool:
        return self._page is None or self._page.told_until_s >= asked_s

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
        for peer in self.peers.values():
            peer.on_lost = partial(self._lost, peer)

    async def _page_is_heard(self) -> bool:
        """Return whether the page, where there is one, has got anything through to the relay."""
        if self.spec.remote is None:
            return True
        there, _back = self.spec.directions
        return bool((await self.counts())[there]["received"])

    def _lost(self, peer: Peer) -> None:
        if self._closing:
            return
        if self._page is None:
            self._notify("failed", connection_lost_error(peer.lost))
        elif self._leaving is None:  # a page that says good-bye is heard in the meantime
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(GOODBYE_S, self._notify, "failed", page_left_error())

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
        self._note(sender, receiver, f"signaling ({self.spec.signaling})", name, body)
