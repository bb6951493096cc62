"""The door for a page without an SDK: the page itself, and its way to the server's WHIP."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from labkit.errors import CallError
from labkit.exam.names import CANDIDATE, EXAMINER, SFU
from labkit.exam.spec import ExamSpec
from labkit.rooms.signal_messages import hide_secrets
from labkit.signaling.base import Body, Note, wire_size
from labkit.words import _

__all__ = ["WhipDoor"]

WITHIN_S = 10.0
LARGEST_OFFER = 1 << 20
PATH = "/whip/v1"

_HERE = Path(__file__).parent
_FILES = {"/": ("whippage.html", "text/html"), "/whippage.js": ("whippage.js", "text/javascript")}
_TO_SERVER = ("Authorization", "Content-Type", "X-LiveKit-ClientInfo")
_TO_PAGE = ("Content-Type", "ETag", "Location")


class WhipDoor:
    """Serves the page, tells it where to ask for a token, and passes its requests on.

    Args:
        spec: The exam.
        note: Takes sender, receiver, name and body of a message.
    """

    def __init__(self, spec: ExamSpec, note: Note) -> None:
        self.url = ""
        self._spec = spec
        self._note = note
        self._invitation: dict[str, Any] = {}
        self._runner: web.AppRunner | None = None
        self._client: aiohttp.ClientSession | None = None

    def invite(self, invitation: dict[str, str]) -> None:
        """Say what the page is to be told."""
        wanted = ("endpoint", "room", "id_token")
        self._invitation = {name: invitation[name] for name in wanted}

    async def open(self) -> None:
        """Open the port.

        Raises:
            CallError: No port could be opened.
        """
        app = web.Application(client_max_size=LARGEST_OFFER)
        app.router.add_get("/", self._file)
        app.router.add_get("/whippage.js", self._file)
        app.router.add_get("/invitation", self._tell)
        app.router.add_post(PATH, self._pass_on)
        app.router.add_delete(PATH + "/{session}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        try:
            await self._runner.setup()
            await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        except OSError as error:
            await self.close()
            raise CallError(_("The page cannot open a port."), f"{error}.") from error
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S))

    async def close(self) -> None:
        """Give the port back."""
        runner, self._runner = self._runner, None
        client, self._client = self._client, None
        if runner is not None:
            await runner.cleanup()
        if client is not None:
            await client.close()

    async def _file(self, request: web.Request) -> web.Response:
        name, content_type = _FILES[request.path]
        text = (_HERE / name).read_text(encoding="utf-8")
        return web.Response(text=text, content_type=content_type, headers=_NOT_KEPT)

    async def _tell(self, request: web.Request) -> web.Response:
        told = {**self._invitation, "whip": PATH, "words": _words(),
                "others": {EXAMINER: [f"{EXAMINER}:video"]}}  # fmt: skip
        return web.json_response(told, headers=_NOT_KEPT)

    async def _pass_on(self, request: web.Request) -> web.Response:
        assert self._client is not None
        body = await request.text()
        self._say(CANDIDATE, SFU, f"{request.method} {PATH}", body)
        headers = {name: request.headers[name] for name in _TO_SERVER if name in request.headers}
        url = self._spec.access.http_url + request.path
        try:
            async with self._client.request(
                request.method, url, data=body or None, headers=headers
            ) as answer:
                text = await answer.text()
                self._say(SFU, CANDIDATE, f"{answer.status} {answer.reason}", text)
                kept = {name: answer.headers[name] for name in _TO_PAGE if name in answer.headers}
                return web.Response(status=answer.status, body=text.encode(), headers=kept)
        except (aiohttp.ClientError, TimeoutError):
            return web.Response(status=502, text=_("The LiveKit server does not answer."))

    def _say(self, sender: str, receiver: str, name: str, body: str) -> None:
        self._note(sender, receiver, name, Body.of(hide_secrets(body), wire_size(body)))


_NOT_KEPT = {"Cache-Control": "no-store"}


def _words() -> dict[str, str]:
    return {
        "join": _("Join"),
        "leave": _("Leave"),
        "mine": _("Your camera"),
        "theirs": _("The other"),
        "new": _("Press Join, and allow camera and microphone."),
        "joining": _("Joining…"),
        "joined": _("In the call."),
        "left": _("You have left. The camera is off."),
        "broken": _("It did not work: {reason}"),
    }
