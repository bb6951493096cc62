"""A LiveKit server that stands in for the real one, behind the access proxy."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web

from labkit.net.sdp import Address
from labkit.rooms.access import AccessProxy
from tests.rooms.test_signal_messages import TOKEN
from tests.timing import SECOND

RELAY = ("127.0.0.1", 40_000)


@dataclass
class FakeServer:
    """Stands for a LiveKit server's HTTP side; it answers what it is told to."""

    status: int = 101
    got: list[bytes] = field(default_factory=list)
    seen: list[web.Request] = field(default_factory=list)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    port: int = 0
    _runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, max_line_size=1 << 18)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        assert self._runner is not None
        for socket in self.sockets:
            await socket.close()
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request)
        if request.headers.get("Upgrade") != "websocket":
            headers = {"Access-Control-Allow-Origin": "http://page"}
            return web.Response(status=401, text=f"invalid token: {TOKEN}", headers=headers)
        if self.status != 101:
            return web.Response(status=self.status, text="connection closed by media")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            self.got.append(message.data)
        return socket


Notes = list[tuple[str, str, str, str]]


@dataclass
class Stage:
    server: FakeServer
    proxy: AccessProxy
    client: aiohttp.ClientSession
    notes: Notes
    told: list[list[Address]]

    async def join(self, path: str = "/rtc/v1?access_token=x") -> aiohttp.ClientWebSocketResponse:
        return await self.client.ws_connect(self.proxy.url + path, headers={"Authorization": "B t"})

    async def server_got(self, count: int) -> list[bytes]:
        async with asyncio.timeout(5 * SECOND):
            while len(self.server.got) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return self.server.got

    async def names(self, name: str) -> Notes:
        """The notes of that name, once there is one."""
        async with asyncio.timeout(5 * SECOND):
            while not (found := [note for note in self.notes if note[2] == name]):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return found


@asynccontextmanager
async def staged(status: int = 101, relay: Address | None = RELAY) -> AsyncIterator[Stage]:
    server, notes, told = FakeServer(status), [], []  # type: ignore[var-annotated]
    await server.start()
    try:
        async with (
            aiohttp.ClientSession() as client,
            AccessProxy(
                "alice",
                server.url,
                relay_address=relay,
                note=lambda *note: notes.append(note),
                on_server_candidate=told.append,
            ) as proxy,
        ):
            yield Stage(server, proxy, client, notes, told)
    finally:
        await server.stop()
