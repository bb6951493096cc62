"""The SDK alone, in a child process: guests who come into a room, see a frame and go.

A dozen lines, as an app has them, so that what a join leaves behind can be told apart: the lab's
or the SDK's.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from livekit import rtc

import labkit.peers.sdkexit  # noqa: F401  (before the SDK is used)
from labkit.bench.held import held
from labkit.errors import CallError
from labkit.peers.sdkoptions import SdkOptions
from labkit.process import Pipe
from labkit.rooms.hiding import hide_tokens
from labkit.serving import serve_tasks
from labkit.words import _

__all__ = ["main"]

WITHIN_S = 20.0
"""How long one visit may take."""


async def come_and_go(url: str, tokens: Mapping[str, str]) -> list[float]:
    """Let one after the other join, see a frame and leave; return the seconds of each.

    Args:
        url: The server; somebody publishes in the room.
        tokens: By name.
    """
    taken_s = []
    for token in tokens.values():
        began_s = time.perf_counter()
        await _visit(url, token)
        taken_s.append(time.perf_counter() - began_s)
    return taken_s


async def _visit(url: str, token: str) -> None:
    room = rtc.Room()
    tracks: asyncio.Queue[Any] = asyncio.Queue()
    room.on("track_subscribed", lambda track, *_rest: tracks.put_nowait(track))
    try:
        async with asyncio.timeout(WITHIN_S):
            await room.connect(url, token, SdkOptions().room_options())
            stream = rtc.VideoStream(await tracks.get(), capacity=2)
            await anext(aiter(stream))
            await stream.aclose()
    finally:
        await room.disconnect()


_WORK: dict[str, Callable[..., Awaitable[Any]]] = {"come_and_go": come_and_go, "held": held}


async def _serve(pipe: Pipe) -> None:
    async def answer(message: tuple[Any, ...]) -> None:
        number, method, arguments = message
        try:
            pipe.send((number, True, await _WORK[method](**arguments)))
        except Exception as error:
            said = hide_tokens(f"{type(error).__name__}: {error}")
            pipe.send((number, False, CallError(_("A guest failed."), said)))

    await serve_tasks(pipe, answer)


def main(pipe: Pipe) -> None:
    """Serve one parent until it is gone."""
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    asyncio.run(_serve(pipe))
