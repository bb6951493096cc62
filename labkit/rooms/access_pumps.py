"""Both directions of one WebSocket through an access proxy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import WSMsgType, web

from labkit.net.sdp import Address
from labkit.rooms.signal_messages import Passage, to_client, to_server
from labkit.signaling.base import Body, Note

__all__ = ["CLOSE_S", "SERVER", "Pumps"]

SERVER = "sfu"
"""How the server is called in a Run."""

CLOSE_S = 0.5
"""How long the other end may take to say good-bye."""

_NOWHERE = ("127.0.0.1", 9)
"""Stands in messages that are read and not passed on."""

_NO_CODES = (1004, 1005, 1006, 1015)
"""Close codes that nobody may send: RFC 6455 section 7.4.1."""


class Pumps:
    """Carries the messages of one connection, changed as ``signal_messages`` says.

    Args:
        name: The participant.
        relay: What the client is given in place of the server's address; None for itself.
        note: Takes each message.
        tell: Awaited with the server's addresses before the client is told of them.
    """

    def __init__(
        self,
        name: str,
        relay: Address | None,
        note: Note,
        tell: Callable[[list[Address]], Awaitable[None]],
    ) -> None:
        self._name = name
        self._relay = relay
        self._note = note
        self._tell = tell

    async def run(
        self, here: web.WebSocketResponse, there: aiohttp.ClientWebSocketResponse
    ) -> None:
        """Carry messages until one end goes, then close the other.

        Args:
            here: The client's connection.
            there: The server's.
        """
        pumps = {
            asyncio.create_task(self._up(here, there), name=f"{self._name} to the server"),
            asyncio.create_task(self._down(there, here), name=f"{self._name} from the server"),
        }
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            ends = await asyncio.gather(*pumps, return_exceptions=True)
        for end in ends:
            if isinstance(end, Exception) and not isinstance(end, ConnectionError):
                raise end
        self._note_end(here.close_code, there.close_code)
        with contextlib.suppress(ConnectionError, TimeoutError):
            await there.close(code=_code(here.close_code))
            await here.close(code=_code(there.close_code))

    async def _up(
        self, here: web.WebSocketResponse, there: aiohttp.ClientWebSocketResponse
    ) -> None:
        async for message in here:
            if message.type is not WSMsgType.BINARY:
                # The JSON form is for old debugging clients; unread, it would go past the relay.
                await here.close(code=aiohttp.WSCloseCode.UNSUPPORTED_DATA)
                return
            passage = to_server(message.data)
            self._write(self._name, SERVER, passage)
            data = message.data if self._relay is None else passage.data
            if data is not None:
                await there.send_bytes(data)

    async def _down(
        self, there: aiohttp.ClientWebSocketResponse, here: web.WebSocketResponse
    ) -> None:
        async for message in there:
            if message.type is not WSMsgType.BINARY:
                return
            passage = to_client(message.data, self._relay or _NOWHERE)
            self._write(SERVER, self._name, passage)
            if passage.addresses:
                await self._tell(list(passage.addresses))
            data = message.data if self._relay is None else passage.data
            if data is not None:
                await here.send_bytes(data)

    def _write(self, sender: str, receiver: str, passage: Passage) -> None:
        self._note(sender, receiver, passage.name, passage.body)

    def _note_end(self, here: int | None, there: int | None) -> None:
        if here is not None:
            self._note(self._name, SERVER, "closed", Body.of(str(here), 0))
        else:
            self._note(SERVER, self._name, "closed", Body.of(str(there), 0))


def _code(code: int | None) -> int:
    return 1000 if code is None or code in _NO_CODES else code
