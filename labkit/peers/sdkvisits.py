"""Short visits to a room by the LiveKit SDK, told in words: for trying doors.

The functions belong into a worker process (``room.ask``), where the SDK may be loaded; importing
this module does not load it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from labkit.rooms.hiding import hide_tokens
from labkit.words import _

if TYPE_CHECKING:
    from livekit import rtc

__all__ = ["knock", "stay"]

LEAVE_WITHIN_S = 3.0


async def knock(url: str, token: str) -> str:
    """Join a room and leave it at once; return what the server said, without the token.

    Args:
        url: The server.
        token: A room token, good or bad.

    Notebook: notebooks/09-rooms.ipynb
    """
    from livekit import rtc

    room = rtc.Room()
    try:
        await room.connect(url, token)
    except rtc.ConnectError as error:
        return hide_tokens(error.message)
    await _leave(room)
    return _("joined")


async def stay(url: str, token: str, within_s: float = 10.0) -> list[str]:
    """Join a room, stay until sent away, join again with the same token; return what happened.

    Where the server lets nobody in, what it said is all that is returned.

    Args:
        url: The server.
        token: A room token.
        within_s: How long to stay at most.

    Notebook: notebooks/09-rooms.ipynb
    """
    from livekit import rtc

    room, said = rtc.Room(), [_("joined")]
    gone = asyncio.Event()
    reasons: list[str] = []

    def left(reason: int) -> None:
        reasons.append(rtc.DisconnectReason.Name(reason))  # type: ignore[arg-type]
        gone.set()

    room.on("disconnected", left)
    try:
        await room.connect(url, token)
    except rtc.ConnectError as error:
        return [hide_tokens(error.message)]
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await gone.wait()
    said.append(reasons[0] if reasons else _("nobody sent it away"))
    await _leave(room)
    return [*said, await knock(url, token)]


async def _leave(room: rtc.Room) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LEAVE_WITHIN_S):
            await room.disconnect()
