"""Who takes a seat in a room, asked of the real server."""

from __future__ import annotations

import asyncio

import aiohttp

from labkit.rooms import Seats, room_seats, room_token
from labkit.rooms.running import LivekitServer
from tests.rooms.joining import join
from tests.timing import SECOND


def test_an_agent_takes_no_seat(livekit_server: LivekitServer) -> None:
    async def work() -> None:
        token = room_token(livekit_server, "robot", "agents", kind="agent", agent=True)
        async with aiohttp.ClientSession() as session, livekit_server.api() as api:
            async with await join(livekit_server, session, token):
                assert (await room_seats(api, "agents", 3)).taken == ()
            assert await room_seats(api, "no such room", 3) == Seats("no such room", (), 3)

    asyncio.run(asyncio.wait_for(work(), 20 * SECOND))


def test_seats_in_words() -> None:
    assert not Seats("r", ("a",), None).full_for("b")
    assert Seats("r", ("a",), 1).full_for("b")
    assert not Seats("r", ("a",), 1).full_for("a")
    assert "no limit" in str(Seats("r", (), None))
