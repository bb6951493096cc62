"""Room tokens: what is in them, and that the real server takes the right ones alone."""

from __future__ import annotations

import asyncio
import pickle
import time
from typing import Any

import aiohttp
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.rooms import ServerAddress, hide_tokens, read_token, room_token
from labkit.rooms import forging as forge
from labkit.rooms.claims import meaning
from labkit.rooms.running import LivekitServer
from labkit.rooms.tokens import claims_of
from tests.timing import SECOND

ADDRESS = ServerAddress("ws://127.0.0.1:7880", "labkey", "s" * 40)


def claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, ADDRESS.api_secret, algorithms=["HS256"])


def test_an_address_is_pickled_and_printed_without_its_secret() -> None:
    assert pickle.loads(pickle.dumps(ADDRESS)) == ADDRESS
    assert ADDRESS.api_secret not in repr(ADDRESS)
    assert ADDRESS.http_url == "http://127.0.0.1:7880"
    assert ServerAddress("wss://a", "k", "s").http_url == "https://a"
    assert ServerAddress("http://a", "k", "s").http_url == "http://a"


def test_a_token_says_who_where_and_how_long() -> None:
    told = claims(room_token(ADDRESS, "alice", "r1"))
    assert told["sub"] == "alice"
    assert told["iss"] == "labkey"
    assert told["video"]["room"] == "r1"
    assert told["video"]["roomJoin"] is True
    assert abs(told["exp"] - time.time() - 600) < 30
    assert "roomConfig" not in told


def test_a_token_carries_rights_limits_and_attributes() -> None:
    token = room_token(
        ADDRESS,
        "alice",
        "r1",
        name="Alice",
        max_participants=2,
        attributes={"seat": "3"},
        metadata="{}",
        kind="agent",
        can_publish=False,
        can_publish_sources=["camera"],
        can_update_own_metadata=True,
        ttl_s=60,
    )
    told = claims(token)
    assert told["video"]["canPublish"] is False
    assert told["video"]["canPublishSources"] == ["camera"]
    assert told["roomConfig"] == {"maxParticipants": 2}
    assert told["attributes"] == {"seat": "3"}
    assert (told["name"], told["metadata"], told["kind"]) == ("Alice", "{}", "agent")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"identity": ""}, "identity"),
        ({"room": ""}, "identity and a room"),
        ({"ttl_s": 1e9}, "ttl_s"),
        ({"can_fly": True}, "can_fly"),
        ({"room_": 1}, "room_"),
    ],
)
def test_what_cannot_be_a_token_is_said(arguments: dict[str, Any], word: str) -> None:
    with pytest.raises(BadValue, match=word):
        room_token(ADDRESS, **({"identity": "alice", "room": "r1"} | arguments))


def test_every_claim_has_a_meaning() -> None:
    from dataclasses import fields

    from livekit.api import VideoGrants
    from livekit.api.access_token import snake_to_lower_camel

    token = room_token(ADDRESS, "alice", "r1", max_participants=2, attributes={"a": "b"}, name="A")
    table = read_token(token)
    assert list(table.columns) == ["value", "meaning"]
    assert (table["meaning"] != "").all(), table
    assert table.loc["video.room", "value"] == "r1"
    assert "UTC" in str(table.loc["exp", "value"])
    for field in fields(VideoGrants):
        assert meaning(f"video.{snake_to_lower_camel(field.name)}"), field.name
    assert meaning("x") == ""


def test_reading_checks_nothing_and_says_what_is_no_token() -> None:
    assert claims_of(forge.wrong_secret_token(ADDRESS, "eve", "r1"))
    assert claims_of(forge.expired_token(ADDRESS, "eve", "r1"))
    with pytest.raises(BadValue, match="not a token"):
        claims_of("a.b.c")


@given(st.text(max_size=40), st.text(max_size=40))
def test_tokens_are_hidden_in_any_text(before: str, after: str) -> None:
    for token in (
        room_token(ADDRESS, "alice", "r1"),
        forge.unsigned_token(ADDRESS, "alice", "r1"),
        forge.more_rights_token(room_token(ADDRESS, "a", "r"), roomAdmin=True),
    ):
        hidden = hide_tokens(f"{before} {token} {after}")
        assert token.split(".")[1] not in hidden
        assert hidden.startswith(f"{before} …")
    assert hide_tokens("eyJust a word. And more.") == "eyJust a word. And more."


async def validate(server: LivekitServer, token: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session:
        url = f"{server.http_url}/rtc/validate"
        async with session.get(url, params={"access_token": token}) as answer:
            return answer.status, await answer.text()


def test_the_server_takes_the_right_tokens_alone(livekit_server: LivekitServer) -> None:
    server = livekit_server
    good = room_token(server, "alice", "tokens")
    tokens = {
        good: 200,
        forge.other_room_token(server, "alice", "tokens"): 200,  # good, for where it leads
        forge.expired_token(server, "alice", "tokens", ago_s=5): 200,  # a minute more is given
        forge.expired_token(server, "alice", "tokens"): 401,
        forge.not_yet_valid_token(server, "alice", "tokens"): 401,
        forge.wrong_secret_token(server, "alice", "tokens"): 401,
        forge.foreign_key_token(server, "alice", "tokens"): 401,
        forge.unsigned_token(server, "alice", "tokens"): 401,
        forge.more_rights_token(good, roomAdmin=True): 401,
        room_token(server, "alice", "tokens", room_join=False): 401,
    }

    async def work() -> None:
        for token, expected in tokens.items():
            status, text = await validate(server, token)
            assert status == expected, (expected, hide_tokens(text))
            assert token not in hide_tokens(text)

    asyncio.run(asyncio.wait_for(work(), 20 * SECOND))
