"""Whether a room's server is still there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

__all__ = ["watch_server"]

EVERY_S = 0.5
SILENT_TURNS = 6
"""A busy machine makes a server slow; one that refuses the connection is gone at once."""


async def watch_server(url: str, tell: Callable[[bool], None]) -> None:
    """Call ``tell(False)`` when a server has gone, and ``tell(True)`` when it is back.

    One that was gone between two looks is told by both at once: it has dropped the connection
    that it kept open before.

    Args:
        url: Its address for HTTP.
        tell: Called at each change; a server is taken to be there at first.
    """
    there, silent, connections, kept = True, 0, 0, False

    async def connected(*_ignored: Any) -> None:
        nonlocal connections
        connections += 1

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(connected)
    async with aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=EVERY_S), trace_configs=[trace]
    ) as client:
        while True:
            await asyncio.sleep(EVERY_S)
            before = connections
            answers = await _answers(client, url)
            silent = 0 if answers is not None else silent + 1
            now_there = answers if answers is not None else there and silent < SILENT_TURNS
            if now_there != there:
                there = now_there
                tell(there)
            elif answers and kept and connections > before:
                tell(False)
                tell(True)
            kept = answers is True and connections == before


async def _answers(client: aiohttp.ClientSession, url: str) -> bool | None:
    """Return whether somebody answers; None where it takes too long to tell."""
    try:
        async with client.get(url):
            return True
    except TimeoutError:
        return None
    except (aiohttp.ClientError, OSError):
        return False
