"""The least that is a participant: a WebSocket to the server, without media."""

from __future__ import annotations

import aiohttp

from labkit.rooms.base import Server
from tests.timing import SECOND

__all__ = ["join"]


async def join(
    server: Server, session: aiohttp.ClientSession, token: str
) -> aiohttp.ClientWebSocketResponse:
    """Join a room and stay in it until the socket is closed."""
    url = f"{server.url}/rtc?access_token={token}&auto_subscribe=1&protocol=9"
    socket = await session.ws_connect(url)
    assert (await socket.receive(5 * SECOND)).type is aiohttp.WSMsgType.BINARY
    return socket
