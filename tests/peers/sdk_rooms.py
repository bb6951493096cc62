"""Rooms with SDK participants for tests: rows in reach, and everything closed at the end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Self

from labkit.errors import LabError
from labkit.media import TestPattern
from labkit.net import Link
from labkit.net.relay_handle import Bridge, Relay
from labkit.peers.clock import Clock
from labkit.peers.sdk import SdkPeer
from labkit.rooms.access import AccessProxy
from labkit.rooms.running import LivekitServer
from labkit.rooms.tokens import room_token
from labkit.run.schema import COLUMNS
from labkit.run.tap import Tap
from tests.timing import SECOND

SMALL = TestPattern(320, 240, fps=20)
LIMIT_S = 30 * SECOND


class OpenTap(Tap):
    """Keeps every row as a dictionary, as if a recorder were always there."""

    recording = True  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def add_row(self, table: str, values: tuple[Any, ...]) -> None:
        self.rows[table].append(dict(zip(COLUMNS[table], values, strict=True)))


class SdkRoom:
    """A room of its own on a server; participants join by ``join`` or, bent, by ``join_bent``."""

    def __init__(self, server: LivekitServer) -> None:
        self.server = server
        self.room = f"test-{uuid.uuid4().hex[:8]}"
        self.clock = Clock(time.perf_counter())
        self.tap = OpenTap()
        self.failures: list[LabError] = []
        self.notes: list[tuple[str, str, str, str]] = []
        self.bridges: dict[str, Bridge] = {}
        self.proxies: dict[str, AccessProxy] = {}
        self._stack = AsyncExitStack()
        self._relay: Relay | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._stack.aclose()

    async def make(self, name: str, *, url: str = "", token: str = "", **wanted: Any) -> SdkPeer:
        """Open a participant without joining."""
        rights = wanted.pop("rights", {})
        peer = SdkPeer(
            name,
            url=url or self.server.url,
            token=token or room_token(self.server, name, self.room, **rights),
            tap=self.tap,
            clock=self.clock,
            on_failure=self.failures.append,
            **wanted,
        )
        return await self._stack.enter_async_context(peer)

    async def join(self, name: str, **wanted: Any) -> SdkPeer:
        """Open a participant and let it join."""
        peer = await self.make(name, **wanted)
        await peer.join()
        return peer

    async def join_bent(self, name: str, uplink: Link, downlink: Link, **wanted: Any) -> SdkPeer:
        """The same through a proxy and a relay."""
        await self.open_proxy(name, uplink, downlink)
        return await self.join(name, url=self.proxies[name].url, **wanted)

    async def open_proxy(self, name: str, uplink: Link, downlink: Link) -> AccessProxy:
        """Open the way for a bent participant."""
        if self._relay is None:
            self._relay = await Relay.start(time_zero=self.clock.zero)
            await self._stack.enter_async_context(self._relay)
        bridge = await self._relay.open(
            name, "sfu", forward=uplink, back=downlink, seed=1, roaming=name
        )
        self.bridges[name] = await self._stack.enter_async_context(bridge)
        proxy = AccessProxy(
            name,
            self.server.url,
            relay_address=bridge.address_for[name],
            note=lambda *note: self.notes.append(note),
            on_server_candidate=lambda addresses: bridge.set_far("sfu", addresses),
        )
        self.proxies[name] = await self._stack.enter_async_context(proxy)
        return self.proxies[name]

    def latencies_ms(self, receiver: str, since_s: float = 0.0) -> list[float]:
        """Latency of each frame that arrived, by its number, in the order of arrival."""
        frames = self.tap.rows["frames"]
        sent = {row["frame"]: row["captured_s"] for row in frames if row["receiver"] is None}
        return [
            (row["decoded_s"] - sent[row["frame"]]) * 1000
            for row in frames
            if row["receiver"] == receiver
            and row["frame"] in sent
            and sent[row["frame"]] >= since_s
        ]

    def events(self, peer: str) -> list[str]:
        """Names of the events of a participant."""
        return [row["name"] for row in self.tap.rows["events"] if row["peer"] == peer]

    def newest(self, peer: str, name: str, track: str | None = None) -> float | None:
        """The newest sample of a name."""
        values = [
            row["value"]
            for row in self.tap.rows["samples"]
            if (row["peer"], row["name"], row["track"]) == (peer, name, track)
        ]
        return values[-1] if values else None

    async def until(self, true: Callable[[], Any], seconds: float = 8.0) -> None:
        """Wait until something is true; TimeoutError when it does not become so."""
        async with asyncio.timeout(seconds * SECOND):
            while not true():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def arrived(self, receiver: str) -> int:
        """How many frames have arrived."""
        return sum(row["receiver"] == receiver for row in self.tap.rows["frames"])

    async def until_arrived(self, receiver: str, count: int, seconds: float = 8.0) -> None:
        """Wait for so many more frames."""
        wanted = self.arrived(receiver) + count
        await self.until(lambda: self.arrived(receiver) >= wanted, seconds)
