"""The child process in which the Python beside the Dart runs: the SDK never loads in the kernel."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from livekit import rtc

from labkit.errors import WaitTimeout
from labkit.flutter import beside
from labkit.process import Pipe
from labkit.rooms.access import AccessProxy
from labkit.rooms.child import serve_work
from labkit.signaling.base import wire_size
from labkit.words import _

__all__ = ["main", "play"]

SIZE = (640, 480)
SETTLE_S = 0.3
"""How long after a step its messages are still counted as its own."""

STEP_S, LOOK_S = 8.0, 0.02

Step = tuple[str, str, list[tuple[str, str, int]]]
"""Key of the snippet, what came out, and the messages: sender, name, bytes."""


def main(pipe: Pipe) -> None:
    """Serve one parent: it asks for ``play`` once."""
    serve_work(pipe, play, lambda: _("The Python beside the Dart broke off."))


async def play(url: str, udp_port: int, alice_token: str, bob_token: str) -> list[Step]:
    """Do what the snippets do, one after the other, and return what came out of each.

    Args:
        url: The server.
        udp_port: Its UDP port on this machine.
        alice_token: For the one whose messages are noted.
        bob_token: For the other one.
    """
    said: list[tuple[str, str, int]] = []

    def note(sender: str, _receiver: str, name: str, body: str) -> None:
        said.append(("client" if sender == "alice" else "server", name, wire_size(body)))

    straight_on = ("127.0.0.1", udp_port)
    async with AccessProxy("alice", url, relay_address=straight_on, note=note) as proxy:
        return await _Player(url, proxy.url, said).play(alice_token, bob_token)


class _Player:
    def __init__(self, url: str, noted_url: str, said: list[tuple[str, str, int]]) -> None:
        self._url, self._noted_url, self._said = url, noted_url, said
        self._steps: list[Step] = []

    async def play(self, alice_token: str, bob_token: str) -> list[Step]:
        alice = await beside.join(self._noted_url, alice_token)
        try:
            await self._done("connect", _("Joined “{room}”.").format(room=alice.name))
            await self._with_camera(alice, bob_token)
        finally:
            await beside.leave(alice)
        await self._done("screen", _("Left; the server was told."))
        return self._steps

    async def _with_camera(self, alice: rtc.Room, bob_token: str) -> None:
        async with _camera(alice):
            width, height = SIZE
            size = _("Published, {width} × {height}.").format(width=width, height=height)
            await self._done("camera", size)
            came: list[str] = []
            beside.listen(alice, came.append)
            bob = await beside.join(self._url, bob_token)
            try:
                async with _camera(bob):
                    await self._with_bob(alice, came)
            finally:
                await beside.leave(bob)

    async def _with_bob(self, alice: rtc.Room, came: list[str]) -> None:
        await _until(lambda: came, _("nobody was told of bob"))
        await self._done("events", _("Told: {who} came.").format(who=", ".join(came)))
        await self._done("people", str(beside.people(alice)))
        bob = alice.remote_participants["bob"]
        await _until(lambda: beside.camera_of(bob), _("bob's camera was not subscribed"))
        track = beside.camera_of(bob)
        assert track is not None
        await self._done("track", _("A track: {sid}").format(sid=track.sid))
        picture = await beside.first_picture(track)
        shown = _("A picture of {width} × {height}.")
        await self._done("renderer", shown.format(width=picture.width, height=picture.height))

    async def _done(self, key: str, came_out: str) -> None:
        await asyncio.sleep(SETTLE_S)
        self._steps.append((key, came_out, list(self._said)))
        self._said.clear()


@contextlib.asynccontextmanager
async def _camera(room: rtc.Room) -> AsyncIterator[None]:
    """Publish a camera that shows a grey that changes, ten times a second."""
    source = await beside.publish_camera(room)
    task = asyncio.create_task(_show(source))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.aclose()


async def _show(source: rtc.VideoSource) -> None:
    width, height = SIZE
    for number in range(10_000):
        grey = bytes([number % 256]) * 3 + b"\xff"
        picture = rtc.VideoFrame(width, height, rtc.VideoBufferType.RGBA, grey * (width * height))
        source.capture_frame(picture)
        await asyncio.sleep(0.1)


async def _until(happened: Callable[[], object], missing: str) -> None:
    for _look in range(round(STEP_S / LOOK_S)):
        if happened():
            return
        await asyncio.sleep(LOOK_S)
    raise WaitTimeout(
        _("Within {seconds:g} s, {missing}.").format(seconds=STEP_S, missing=missing),
        next_step=_("Run the cell again; the machine may be overloaded."),
    )
