from __future__ import annotations

import asyncio

from livekit import api

from labkit.peers.sdkvisits import knock, stay
from labkit.rooms.forging import wrong_secret_token
from labkit.rooms.running import LivekitServer
from labkit.rooms.tokens import room_token
from tests.experiments.helpers import run


def test_a_door_is_opened_or_says_why_without_the_token(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        good = room_token(livekit_server, "erin", "visits")
        assert await knock(livekit_server.url, good) == "joined"
        bad = wrong_secret_token(livekit_server, "erin", "visits")
        said = await knock(livekit_server.url, bad)
        assert "401" in said and "eyJ" not in said
        (said,) = await stay(livekit_server.url, bad)
        assert "401" in said and "eyJ" not in said

    run(scene())


def test_who_was_sent_away_comes_back_with_the_same_token(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        token = room_token(livekit_server, "erin", "comes-back")
        visit = asyncio.create_task(stay(livekit_server.url, token))
        active = api.ParticipantInfo.State.ACTIVE
        async with livekit_server.api() as livekit:
            found: list[api.ParticipantInfo] = []
            while not any(one.state == active for one in found):
                await asyncio.sleep(0.05)
                asked = api.ListParticipantsRequest(room="comes-back")
                found = list((await livekit.room.list_participants(asked)).participants)
            who = api.RoomParticipantIdentity(room="comes-back", identity="erin")
            await livekit.room.remove_participant(who)
        assert await visit == ["joined", "PARTICIPANT_REMOVED", "joined"]

    run(scene())


def test_nobody_sends_away_who_is_welcome(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        token = room_token(livekit_server, "erin", "welcome")
        said = await stay(livekit_server.url, token, within_s=0.3)
        assert said == ["joined", "nobody sent it away", "joined"]

    run(scene())
