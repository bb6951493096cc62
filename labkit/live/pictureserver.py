"""Pictures over a WebSocket, for a page that no media path reaches.

The server listens on this machine's loopback only. A page on another host comes through
JupyterLab, which knows who it is (``jupyter-server-proxy``: ``<base>/proxy/<port>/<path>``). The
path is a secret, since whoever has an account here can reach the port itself. The page's side is
``pictures.js``.

A message to the page is 8 bytes and a JPEG: the picture's number from 1, and the number of its
frame, 32 bits each in network order (2**32 - 1: none). The page answers with the picture's number
as text once it has drawn it.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import struct
import time
from collections.abc import Callable

from aiohttp import WSCloseCode, WSMsgType, web

__all__ = ["PictureServer", "WINDOW", "Viewer", "packed"]

WINDOW = 2
"""Pictures that may be under way to a page; all older ones than the newest are dropped."""

SILENT_S = 10.0
"""How long a page may leave a picture unanswered until it counts as gone."""

COME_BACK_S = 5.0
"""How long a page that has lost its connection may take to make another."""

CLOSING_S = 0.5

_HEADER = struct.Struct("!II")
_NO_FRAME = 2**32 - 1

Picture = tuple["int | None", bytes]


def packed(number: int, picture: Picture) -> bytes:
    """Return the message that carries a picture (frame number and JPEG)."""
    frame, jpeg = picture
    return _HEADER.pack(number, _NO_FRAME if frame is None else frame) + jpeg


class Viewer:
    """What one page has been sent: the newest picture each time, and never a backlog.

    Args:
        send: Sends a message to the page.
        now: A steady clock, in seconds.
    """

    def __init__(
        self, send: Callable[[bytes], object], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._send, self._now = send, now
        self._newest: Picture | None = None
        self._sent = self._shown = 0
        self._heard_at = now()

    @property
    def gone(self) -> bool:
        """Whether pictures are under way that the page has not answered for too long."""
        return self._sent > self._shown and self._now() - self._heard_at > SILENT_S

    def offer(self, picture: Picture) -> None:
        """Take a picture in place of the one that waits."""
        self._newest = picture
        self._send_if_possible()

    def shown(self, number: int) -> None:
        """Note that the page has drawn a picture, and so every one before it."""
        self._heard_at = self._now()
        self._shown = max(self._shown, min(number, self._sent))
        self._send_if_possible()

    def _send_if_possible(self) -> None:
        if self._newest is None or self._sent - self._shown >= WINDOW:
            return
        if self._sent == self._shown:
            self._heard_at = self._now()  # the page owes nothing until now
        self._sent += 1
        picture, self._newest = self._newest, None
        self._send(packed(self._sent, picture))


class PictureServer:
    """Shows pictures to the pages that know its address; belongs to one asyncio loop.

    Args:
        on_left: Called when the last page has gone and not come back.
    """

    def __init__(self, on_left: Callable[[], None]) -> None:
        self.path = secrets.token_urlsafe(16)
        self.port = 0
        self._on_left = on_left
        self._viewers: dict[web.WebSocketResponse, Viewer] = {}
        self._came = asyncio.Event()
        self._leaving: asyncio.TimerHandle | None = None
        self._sending: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on a free port of this machine.

        Raises:
            OSError: There is none.
        """
        app = web.Application()
        app.router.add_get(f"/{self.path}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSING_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]

    async def viewed(self, within_s: float) -> bool:
        """Wait until a page has come; False when none does in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._came.wait()
        return self._came.is_set()

    def offer(self, frame: int | None, jpeg: bytes) -> None:
        """Show a picture to every page that has room for one."""
        for socket, viewer in list(self._viewers.items()):
            if viewer.gone:
                self._start(socket.close(code=WSCloseCode.GOING_AWAY))
            else:
                viewer.offer((frame, jpeg))

    async def close(self) -> None:
        """Let every page go and listen no more."""
        if self._leaving is not None:
            self._leaving.cancel()
        for socket in list(self._viewers):
            self._start(socket.close(code=WSCloseCode.GOING_AWAY))
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(timeout=CLOSING_S, max_msg_size=100, compress=False)
        await socket.prepare(request)
        viewer = Viewer(lambda message: self._start(_sent(socket, message)))
        self._viewers[socket] = viewer
        self._came.set()
        if self._leaving is not None:
            self._leaving.cancel()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT and message.data.isdecimal():
                    viewer.shown(int(message.data))
        finally:
            del self._viewers[socket]
            self._look_for_viewers()
        return socket

    def _look_for_viewers(self) -> None:
        if not self._viewers and self._runner is not None:
            loop = asyncio.get_running_loop()
            self._leaving = loop.call_later(COME_BACK_S, self._on_left)

    def _start(self, work: object) -> None:
        task = asyncio.ensure_future(work)  # type: ignore[call-overload]
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)


async def _sent(socket: web.WebSocketResponse, message: bytes) -> None:
    with contextlib.suppress(ConnectionError):  # whoever reads from it sees that it has gone
        await socket.send_bytes(message)
