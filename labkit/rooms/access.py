"""One participant's own door to a LiveKit server: every client that joins by URL can be bent.

The proxy carries the signaling (WebSocket, and the HTTP requests beside it) and puts the
relay's address in the place of the server's; the media then go through the relay.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from yarl import URL

from labkit.errors import BadValue, CallError, WaitTimeout
from labkit.net.sdp import Address
from labkit.rooms.access_pumps import CLOSE_S, SERVER, Pumps
from labkit.rooms.signal_messages import hide_secrets, open_join_request
from labkit.signaling.base import Body, Note
from labkit.words import _

__all__ = ["AccessProxy", "OnCandidate"]

OnCandidate = Callable[[list[Address]], Any]
"""Takes the server's UDP addresses, the best first; its result is awaited if it can be."""

CONNECT_S = 5.0
MOST_BYTES = 16 << 20
"""Longest WebSocket message that is carried."""

MOST_LINE_BYTES = 1 << 18
"""Longest request line: a join request carries a whole SDP in its address."""

_HOP = frozenset(
    [
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)
"""Headers that belong to one connection alone (RFC 9110 section 7.6.1), or to its encoding."""


class AccessProxy:
    """A participant's proxy in front of a LiveKit server; an async context manager.

    A client joins ``url`` instead of the server's. Several connections in a row (reconnection,
    a restarted server) and at once are carried.

    Args:
        name: The participant, for instance ``alice``.
        server_url: ``ws://127.0.0.1:7880`` or alike.
        relay_address: What the client is given in place of the server's address: a bridge's
            ``address_for[name]``, where the bridge was opened with ``roaming=name``. None leaves
            all addresses as they are: what is said is noted, and the media go their own way.
        note: Takes each message: sender, receiver, name and a readable ``Body``; the text is
            what its sender wrote, without secrets.
        on_server_candidate: As ``on_server_candidate()`` takes it.
        host: Address to listen on; another than loopback only where a user has asked for it.

    Raises:
        BadValue: The server's URL is none.
        CallError: No port could be opened.
    """

    def __init__(
        self,
        name: str,
        server_url: str,
        *,
        relay_address: Address | None,
        note: Note | None = None,
        on_server_candidate: OnCandidate | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.name = name
        self.connections = 0
        """How many WebSockets have been opened so far."""
        self._server = _http_url(server_url)
        self._host = host
        self._relay = relay_address
        self._note = note or (lambda *_ignored: None)
        self._callbacks = [on_server_candidate] if on_server_candidate else []
        self._candidates: list[Address] = []
        self._told = asyncio.Event()
        self._open: set[web.WebSocketResponse] = set()
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None
        self._port = 0

    async def __aenter__(self) -> AccessProxy:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=CLOSE_S, max_line_size=MOST_LINE_BYTES
        )
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, self._host, 0).start()
        except OSError as error:
            await self.close()
            raise CallError(
                _("The proxy of {name} cannot open a port.").format(name=self.name), f"{error}."
            ) from error
        self._port = self._runner.addresses[0][1]
        self._client = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S), auto_decompress=True
        )
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def url(self) -> str:
        """What the participant joins, for instance ``ws://127.0.0.1:40000``."""
        return f"ws://{self._host}:{self._port}"

    @property
    def http_url(self) -> str:
        """The same for a client that wants http."""
        return f"http://{self._host}:{self._port}"

    def on_server_candidate(self, callback: OnCandidate) -> None:
        """Have ``callback`` called with the server's addresses, each time they are told.

        The message that tells them goes on to the client when the callback is done, so that
        the relay knows where to send before anything comes.
        """
        self._callbacks.append(callback)

    async def server_candidate(self, within_s: float = 5.0) -> Address:
        """Return the server's best UDP address, once it has been told.

        Args:
            within_s: How long to wait for it.

        Raises:
            WaitTimeout: The server told none in time.
        """
        try:
            async with asyncio.timeout(within_s):
                await self._told.wait()
        except TimeoutError:
            raise WaitTimeout(
                _("The server told {name} no address within {seconds:g} s.").format(
                    name=self.name, seconds=within_s
                ),
                _("It may have no UDP port, or nobody has joined through this proxy."),
            ) from None
        return self._candidates[0]

    async def close(self) -> None:
        """End all connections and give the port back."""
        going = [socket.close(code=aiohttp.WSCloseCode.GOING_AWAY) for socket in self._open]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(*going, return_exceptions=True)
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/" and not request.path.startswith("/rtc"):
            return _sentence(404, _("This proxy carries the way into a room alone."))
        try:
            if request.headers.get("Upgrade", "").lower() == "websocket":
                return await self._carry(request)
            return await self._forward(request)
        except (aiohttp.ClientConnectionError, TimeoutError):
            return _sentence(502, _("The LiveKit server does not answer. Is it running?"))

    async def _forward(self, request: web.Request) -> web.Response:
        assert self._client is not None
        async with self._client.request(
            request.method,
            URL(self._server + request.path_qs, encoded=True),
            headers=_without(request.headers, _HOP),
            data=await request.read(),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=2 * CONNECT_S),
        ) as answer:
            body = await answer.read()
            said = Body.of(f"{answer.status}\n{hide_secrets(body.decode(errors='replace'))}",
                           len(body))  # fmt: skip
            self._note(SERVER, self.name, f"{request.method} {request.path}", said)
            return web.Response(
                status=answer.status, body=body, headers=_without(answer.headers, _HOP)
            )

    async def _carry(self, request: web.Request) -> web.StreamResponse:
        assert self._client is not None
        headers = _without(request.headers, _HOP)
        try:
            async with asyncio.timeout(2 * CONNECT_S):
                there = await self._client.ws_connect(
                    URL(self._server + self._path_of(request), encoded=True),
                    headers={
                        name: headers[name] for name in headers if "websocket" not in name.lower()
                    },
                    max_msg_size=MOST_BYTES,
                    autoclose=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                )
        except aiohttp.WSServerHandshakeError as refused:
            said = f"{refused.status} {refused.message}"
            self._note(SERVER, self.name, "refused", Body.of(hide_secrets(said), len(said)))
            return web.Response(status=refused.status, text=hide_secrets(said))
        here = web.WebSocketResponse(max_msg_size=MOST_BYTES, timeout=CLOSE_S, compress=False)
        try:
            await here.prepare(request)
            self._open.add(here)
            self.connections += 1
            await Pumps(self.name, self._relay, self._note, self._tell).run(here, there)
        finally:
            self._open.discard(here)
            await there.close()
        return here

    def _path_of(self, request: web.Request) -> str:
        """Return path and query for the server; note what a join request says."""
        wrapped = request.query.get("join_request")
        opened = open_join_request(wrapped) if wrapped else None
        if wrapped and opened:
            parameter, body = opened
            self._note(self.name, SERVER, "join_request", body)
            if parameter != wrapped and self._relay is not None:
                return str(request.rel_url.update_query(join_request=parameter))
        else:
            said = {"request": f"{request.method} {request.path}", **request.query}
            said.pop("access_token", None)
            text = hide_secrets(json.dumps(said, indent=1))
            self._note(self.name, SERVER, "connect", Body.of(text, len(request.path_qs)))
        return request.path_qs

    async def _tell(self, addresses: list[Address]) -> None:
        self._candidates = addresses
        self._told.set()
        for callback in self._callbacks:
            result = callback(addresses)
            if inspect.isawaitable(result):
                await result


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    schemes = {"ws": "http", "wss": "https", "http": "http", "https": "https"}
    if parts.scheme not in schemes or not parts.hostname:
        raise BadValue(
            _("{url!r} is no address of a server.").format(url=url),
            next_step=_("Use something like ws://127.0.0.1:7880."),
        )
    return f"{schemes[parts.scheme]}://{parts.netloc}"


def _without(headers: Any, names: frozenset[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in names}


def _sentence(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers={"Access-Control-Allow-Origin": "*"})
