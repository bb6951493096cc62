"""A WHIP server of a few lines: it answers as a test tells it, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from aiohttp import web

ANSWER = "v=0\r\ns=an answer\r\n"
Reply = Callable[["Asked"], Awaitable[web.Response] | web.Response]


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class WhipServer:
    """What was asked, and what is replied to a POST and a PATCH."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.replies: dict[str, Reply] = {"POST": created, "DELETE": lambda asked: web.Response()}
        self.url = ""

    def methods(self) -> list[str]:
        """Return the methods asked for, in order."""
        return [asked.method for asked in self.asked]

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        asked = Asked(
            request.method, request.path, dict(request.headers), (await request.read()).decode()
        )
        self.asked.append(asked)
        reply = self.replies[request.method](asked)
        return reply if isinstance(reply, web.Response) else await reply


def created(asked: Asked) -> web.Response:
    """Reply as RFC 9725 wants it."""
    headers = {
        "Location": "/session/1",
        "ETag": '"ice-1"',
        "Content-Type": "application/sdp",
    }
    return web.Response(status=201, text=ANSWER, headers=headers)


def saying(status: int, text: str = "", **headers: str) -> Reply:
    """Return a reply of this status; underscores of header names are hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: web.Response(status=status, text=text, headers=named)


@asynccontextmanager
async def whip_server() -> AsyncIterator[WhipServer]:
    """Serve on a free port of loopback."""
    server = WhipServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server._reply)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        server.url = f"http://{host}:{port}/whip"
        yield server
    finally:
        await runner.cleanup()
