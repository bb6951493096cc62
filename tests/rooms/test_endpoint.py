"""The token endpoint: an ID token in, a room token out; all else is refused in words."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt
import psutil
import pytest

from labkit.errors import BadValue, CallError
from labkit.rooms import ServerAddress, SupabaseIssuer, token_endpoint
from labkit.rooms.endpoint import TokenEndpoint
from labkit.rooms.idtokens import Identity
from labkit.rooms.ports import free_port
from labkit.rooms.running import LivekitServer
from tests.rooms.joining import join
from tests.timing import SECOND


@dataclass
class Answer:
    status: int
    body: dict[str, Any]
    headers: Any


class Client:
    """Asks one endpoint, as an app would."""

    def __init__(self, endpoint: TokenEndpoint, session: aiohttp.ClientSession) -> None:
        self.endpoint = endpoint
        self.session = session

    async def ask(
        self,
        id_token: str | None = "",
        *,
        method: str = "POST",
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        **body: Any,
    ) -> Answer:
        told = {"Content-Type": "application/json"} | (headers or {})
        if id_token is not None:
            id_token = id_token or self.endpoint.sign_in("u-1", name="Alice")
            told.setdefault("Authorization", f"Bearer {id_token}")
        content = json.dumps(body).encode() if data is None else data
        request = self.session.request(method, self.endpoint.url, data=content, headers=told)
        async with request as answer:
            text = await answer.text()
            return Answer(answer.status, json.loads(text) if text else {}, answer.headers)


def with_endpoint(
    server: LivekitServer | ServerAddress,
    work: Callable[[Client], Awaitable[None]],
    **options: Any,
) -> None:
    async def all_of_it() -> None:
        async with token_endpoint(server, **options) as endpoint:
            async with aiohttp.ClientSession() as session:
                await work(Client(endpoint, session))

    asyncio.run(asyncio.wait_for(all_of_it(), 20 * SECOND))


def claims(server: LivekitServer, answer: Answer) -> dict[str, Any]:
    token = answer.body["participant_token"]
    return jwt.decode(token, server.api_secret, algorithms=["HS256"])


NOWHERE = ServerAddress("ws://127.0.0.1:9", "labkey", "s" * 40)
"""Enough for requests that are refused before the LiveKit server is asked."""


def test_who_joins_is_what_the_id_token_says(livekit_server: LivekitServer) -> None:
    async def work(client: Client) -> None:
        answer = await client.ask(
            room_name="r1",
            participant_identity="somebody-else",
            participant_name="Mallory",
            participant_metadata="m",
            participant_attributes={"seat": "3"},
            room_config={"max_participants": 99},
        )
        assert answer.status == 200
        assert answer.body["server_url"] == livekit_server.url
        assert answer.body["room_name"] == "r1"
        assert answer.body["participant_name"] == "Alice"
        assert answer.headers["Cache-Control"] == "no-store"
        told = claims(livekit_server, answer)
        assert told["sub"] == "u-1"
        assert told["name"] == "Alice"
        assert told["attributes"] == {"seat": "3"}
        assert told["metadata"] == "m"
        assert told["video"]["room"] == "r1"
        assert not told["video"].get("roomAdmin")
        assert told["roomConfig"]["maxParticipants"] == 2
        assert told["exp"] - told["nbf"] == 600

    with_endpoint(livekit_server, work, max_participants=2)


def test_both_kinds_of_id_tokens_count(livekit_server: LivekitServer) -> None:
    async def work(client: Client) -> None:
        for issuer in client.endpoint.issuers:
            answer = await client.ask(issuer.sign("u-7"), participant_name="Bob")
            assert answer.status == 200
            assert claims(livekit_server, answer)["sub"] == "u-7"
            assert answer.body["participant_name"] == "Bob"  # the ID token has no name
            assert answer.body["room_name"] == "lab"
        assert [visit.status for visit in client.endpoint.visits] == [200, 200]

    with_endpoint(livekit_server, work)


def test_a_foreign_provider(livekit_server: LivekitServer) -> None:
    own = SupabaseIssuer("http://127.0.0.1:1", algorithm="HS256")

    async def work(client: Client) -> None:
        assert (await client.ask(own.sign("u"))).status == 200
        with pytest.raises(CallError, match="no identity provider"):
            client.endpoint.sign_in("u")

    with_endpoint(livekit_server, work, verifiers=[own.verifier()])


def test_rights_are_the_backends_business(livekit_server: LivekitServer) -> None:
    def rights(who: Identity, room: str) -> dict[str, Any] | None:
        if room == "staff":
            return None
        return {"can_publish": who.claims.get("teacher") is True}

    async def work(client: Client) -> None:
        student = await client.ask(room_name="class")
        assert claims(livekit_server, student)["video"]["canPublish"] is False
        teacher = await client.ask(client.endpoint.sign_in("t", teacher=True), room_name="class")
        assert claims(livekit_server, teacher)["video"]["canPublish"] is True
        refused = await client.ask(room_name="staff")
        assert (refused.status, refused.body["error"]) == (403, "forbidden")
        assert client.endpoint.visits[-1].identity == "u-1"
        assert client.endpoint.visits[-1].room == "staff"

    with_endpoint(livekit_server, work, rights=rights)


@pytest.mark.parametrize(
    ("request_", "status", "error"),
    [
        ({"id_token": None}, 401, "no_token"),
        ({"headers": {"Authorization": "Basic YTpi"}}, 401, "no_token"),
        ({"headers": {"Authorization": "Bearer "}}, 401, "no_token"),
        ({"id_token": "nonsense"}, 401, "id_token_malformed"),
        ({"headers": {"Content-Type": "text/plain"}}, 415, "content_type"),
        ({"data": b"{"}, 400, "json"),
        ({"data": b"[1]"}, 400, "json"),
        ({"data": b"\xff\xfe"}, 400, "json"),
        ({"data": b"[" * 10_000}, 400, "json"),
        ({"data": b" " * 20_000}, 413, "too_large"),
        ({"room_name": 7}, 400, "field"),
        ({"room_name": "x" * 257}, 400, "field"),
        ({"participant_attributes": {"a": 1}}, 400, "field"),
        ({"participant_attributes": ["a"]}, 400, "field"),
        ({"method": "GET"}, 405, "method"),
        ({"headers": {"Origin": "http://evil.example"}}, 403, "origin"),
    ],
)
def test_refused_in_words(request_: dict[str, Any], status: int, error: str) -> None:
    async def work(client: Client) -> None:
        answer = await client.ask(**request_)
        assert (answer.status, answer.body["error"]) == (status, error)
        assert len(answer.body["message"]) > 10
        assert "participant_token" not in answer.body
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
        assert client.endpoint.visits[-1].error == error

    with_endpoint(NOWHERE, work)


def test_bad_id_tokens_are_refused_each_for_its_reason() -> None:
    stranger = SupabaseIssuer("http://127.0.0.1:1")

    async def work(client: Client) -> None:
        firebase, supabase = client.endpoint.issuers
        good = firebase.sign("u")
        unsigned = jwt.encode(jwt.decode(good, options={"verify_signature": False}), "", "none")
        tokens = {
            firebase.sign("u", ttl_s=-5): "expired",
            firebase.sign("u", aud="other"): "audience",
            firebase.sign("u", iss=supabase.issuer): "key",  # it has none of the other's keys
            stranger.sign("u"): "issuer",
            unsigned: "algorithm",
            good[:-9] + "AAAAAAAAA": "signature",
            supabase.sign("u", role="anon"): "role",
        }
        for token, reason in tokens.items():
            answer = await client.ask(token)
            assert (answer.status, answer.body["error"]) == (401, f"id_token_{reason}")
            assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
            assert token not in json.dumps(answer.body)

    with_endpoint(NOWHERE, work)


def test_pages_of_this_machine_may_ask(livekit_server: LivekitServer) -> None:
    async def work(client: Client) -> None:
        origin = "http://localhost:8080"
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        before = await client.ask(None, method="OPTIONS", data=b"", headers=asked)
        assert before.status == 204
        assert before.headers["Access-Control-Allow-Origin"] == origin
        assert "Authorization" in before.headers["Access-Control-Allow-Headers"]
        answer = await client.ask(headers={"Origin": origin})
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        refused = await client.ask(None, headers={"Origin": origin})
        assert refused.headers["Access-Control-Allow-Origin"] == origin  # so that it can be read
        elsewhere = await client.ask(
            None, method="OPTIONS", data=b"", headers=asked | {"Origin": "https://evil.example"}
        )
        assert elsewhere.status == 403
        assert "Access-Control-Allow-Origin" not in elsewhere.headers

    with_endpoint(livekit_server, work)


def test_a_full_room_is_said_before_the_join(livekit_server: LivekitServer) -> None:
    async def work(client: Client) -> None:
        sockets = []
        for name in ("a", "b"):
            answer = await client.ask(client.endpoint.sign_in(name), room_name="two")
            token = answer.body["participant_token"]
            sockets.append(await join(livekit_server, client.session, token))
        third = await client.ask(client.endpoint.sign_in("c"), room_name="two")
        assert (third.status, third.body["error"]) == (409, "full")
        assert "2 of 2 seats" in third.body["message"]
        again = await client.ask(client.endpoint.sign_in("a"), room_name="two")
        assert again.status == 200
        for socket in sockets:
            await socket.close()

    with_endpoint(livekit_server, work, max_participants=2)


def test_without_a_livekit_server() -> None:
    async def work(client: Client) -> None:
        answer = await client.ask()
        assert (answer.status, answer.body["error"]) == (503, "server")

    with_endpoint(NOWHERE, work)


def test_no_secret_is_written_anywhere(
    livekit_server: LivekitServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def work(client: Client) -> None:
        id_token = client.endpoint.sign_in("u-1")
        answer = await client.ask(id_token)
        await client.ask(id_token + "x")
        told = caplog.text + repr(client.endpoint) + repr(list(client.endpoint.visits))
        for secret in (id_token, answer.body["participant_token"], livekit_server.api_secret):
            assert secret not in told

    with_endpoint(livekit_server, work)


def test_a_taken_port_is_said_and_nothing_is_left_open() -> None:
    port = free_port("127.0.0.1")
    me = psutil.Process()

    async def work() -> None:
        async with token_endpoint(NOWHERE, port=port) as first:
            assert first.url == f"http://127.0.0.1:{port}/token"
            with pytest.raises(BadValue, match=f"Port {port}"):
                await token_endpoint(NOWHERE, port=port).start()
            await first.close()

    asyncio.run(work())
    before = me.num_fds()
    asyncio.run(work())
    assert me.num_fds() == before
