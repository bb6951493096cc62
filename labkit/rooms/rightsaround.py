"""Who and what rights are tried on: somebody to mute, a camera, a look at who is there."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
from livekit import api, rtc

from labkit.rooms.rights import STRANGER

__all__ = ["Target", "forged", "leave", "people_of", "publish_camera", "until", "until_true"]

SIZE = (160, 120)
ANSWER_WITHIN_S = 3.0
"""How long a call may take; a track without the right to it gets an answer after 10 s alone."""

SEEN_WITHIN_S = 1.5
"""How long after a call its effect is looked for; what shows none by then was ignored."""

LOOK_S = 0.03


class Target:
    """The one that the others want something from: publishes a camera, and hears data."""

    def __init__(self, url: str, token: str) -> None:
        self.topics: set[str] = set()
        self.camera = ""
        self._url, self._token = url, token
        self._room = rtc.Room()
        self._task: asyncio.Task[None] | None = None
        self._source: rtc.VideoSource | None = None

    async def __aenter__(self) -> Target:
        await self._room.connect(self._url, self._token)
        self._room.on("data_received", lambda packet: self.topics.add(packet.topic or ""))
        self.camera, self._source = await publish_camera(self._room)
        self._task = asyncio.create_task(show_grey(self._source))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await leave(self._room)
        if self._source is not None:
            await self._source.aclose()


def forged(token: str) -> str:
    """Return a token for somebody else, made of one's own by who has no secret.

    Args:
        token: One's own.
    """
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims | {"sub": STRANGER}, token, algorithm="HS256")


async def people_of(livekit: api.LiveKitAPI, room: str) -> list[Any]:
    """Return who is in a room, by the server's own list.

    Args:
        livekit: The server's API.
        room: Its name.
    """
    told = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
    return list(told.participants)


async def publish_camera(room: rtc.Room) -> tuple[str, rtc.VideoSource]:
    """Publish a camera's track that has no pictures yet; return its id and where they go in.

    Args:
        room: A room that somebody has joined.
    """
    source = rtc.VideoSource(*SIZE)
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
    try:
        publication = await room.local_participant.publish_track(track, options)
    except BaseException:
        await source.aclose()
        raise
    return publication.sid, source


async def show_grey(source: rtc.VideoSource) -> None:
    """Give a source grey pictures, ten a second, until it is cancelled.

    Args:
        source: Of a published track.
    """
    width, height = SIZE
    for number in range(10_000):
        grey = bytes([number % 256]) * 3 + b"\xff"
        picture = rtc.VideoFrame(width, height, rtc.VideoBufferType.RGBA, grey * (width * height))
        source.capture_frame(picture)
        await asyncio.sleep(0.1)


async def leave(room: rtc.Room) -> None:
    """Leave a room; a server that does not answer is waited for no longer than ``ANSWER_WITHIN_S``.

    Args:
        room: A room that somebody has joined.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_WITHIN_S):
            await room.disconnect()


async def until(true: Callable[[], bool]) -> bool:
    """Return whether something becomes true in time.

    Args:
        true: Tells whether it is.
    """

    async def looked() -> bool:
        return true()

    return await until_true(looked)


async def until_true(looked: Callable[[], Awaitable[bool]]) -> bool:
    """Return whether something becomes true in time, where looking takes a wait.

    Args:
        looked: Tells whether it is.
    """
    deadline_s = time.perf_counter() + SEEN_WITHIN_S
    while time.perf_counter() < deadline_s:
        if await looked():
            return True
        await asyncio.sleep(LOOK_S)
    return False
