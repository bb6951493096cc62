"""The WHIP client against a server that follows RFC 9725, or does not."""

from __future__ import annotations

import asyncio
import pickle
from typing import Any

import pytest
from aiohttp import web

from labkit.errors import BadValue, CallError, WaitTimeout
from labkit.signaling.iceservers import IceServer, ice_servers_in
from labkit.signaling.whip import WhipClient, WhipError
from labkit.signaling.whiperrors import without_tokens
from tests.experiments.helpers import nothing_left, run
from tests.signaling.whipserver import ANSWER, Asked, created, saying, whip_server

OFFER = "v=0\r\ns=an offer\r\n"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


def test_a_session_from_its_offer_to_its_end() -> None:
    noted: list[tuple[str, str]] = []

    async def work() -> list[Asked]:
        async with whip_server() as server:
            note = lambda name, body: noted.append((name, body))  # noqa: E731
            async with WhipClient(server.url, TOKEN, headers={"X-More": "1"}, note=note) as client:
                assert await client.offer(OFFER) == ANSWER
                assert client.location == server.url.removesuffix("/whip") + "/session/1"
                assert client.etag == '"ice-1"'
                with pytest.raises(CallError, match="begun already"):
                    await client.offer(OFFER)
            await client.close()
            return server.asked

    with nothing_left():
        post, delete = run(work())
    assert (post.method, post.path, post.body) == ("POST", "/whip", OFFER)
    assert post.headers["Content-Type"] == "application/sdp"
    assert post.headers["X-More"] == "1"
    assert (delete.method, delete.path) == ("DELETE", "/session/1")
    assert {post.headers["Authorization"], delete.headers["Authorization"]} == {f"Bearer {TOKEN}"}
    names = [name for name, _body in noted]
    assert names == [
        "POST /whip",
        "201 Created",
        "DELETE /session/1",
        "200 OK",
    ]
    assert TOKEN not in str(noted)


def test_an_absolute_location_and_no_token() -> None:
    async def work() -> list[Asked]:
        async with whip_server() as server:
            there = server.url.removesuffix("/whip") + "/elsewhere/2"
            server.replies["POST"] = saying(201, ANSWER, Location=there)
            async with WhipClient(server.url) as client:
                await client.offer(OFFER)
                assert (client.location, client.etag) == (there, None)
            return server.asked

    asked = run(work())
    assert asked[1].path == "/elsewhere/2"
    assert all("Authorization" not in one.headers for one in asked)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (302, "Only 307 and 308"),
        (400, "does not understand"),
        (401, "does not accept the token"),
        (403, "may not do that"),
        (404, "no such WHIP endpoint"),
        (405, "does not do this"),
        (409, "this place already"),
        (413, "too large"),
        (415, "application/sdp"),
        (418, "refused"),
        (422, "cannot use this session description"),
        (429, "Too many requests"),
        (500, "refused"),
        (503, "cannot take this session now"),
    ],
)
def test_a_refusal_is_told_in_words(status: int, says: str) -> None:
    async def work() -> WhipError:
        async with whip_server() as server:
            server.replies["POST"] = saying(status, f"no, {TOKEN} is bad")
            async with WhipClient(server.url, TOKEN) as client:
                with pytest.raises(WhipError, match=says) as refused:
                    await client.offer(OFFER)
            assert server.methods() == ["POST"]  # there is no session to delete
            return refused.value

    error = run(work())
    assert error.status == status and str(status) in str(error)
    assert TOKEN not in str(error) and "(token) is bad" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.status) == (str(error), status)


def test_when_to_try_again() -> None:
    async def work() -> WhipError:
        async with whip_server() as server, WhipClient(server.url) as client:
            server.replies["POST"] = saying(503, Retry_After="7")
            with pytest.raises(WhipError, match="in 7 s") as refused:
                await client.offer(OFFER)
            return refused.value

    error = run(work())
    assert error.retry_after_s == 7
    assert pickle.loads(pickle.dumps(error)).retry_after_s == 7


@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_keeps_method_body_and_token(status: int) -> None:
    def reply(asked: Asked) -> web.Response:
        if asked.path == "/whip":
            return web.Response(status=status, headers={"Location": "/other/whip"})
        return created(asked)

    async def work() -> list[Asked]:
        async with whip_server() as server, WhipClient(server.url, TOKEN) as client:
            server.replies["POST"] = reply
            assert await client.offer(OFFER) == ANSWER
            return server.asked

    first, second, _delete = run(work())
    assert second.path == "/other/whip" and second.body == OFFER
    assert second.headers["Authorization"] == f"Bearer {TOKEN}"
    assert first.body == OFFER


def test_a_redirect_to_another_machine_does_not_get_the_token() -> None:
    async def work() -> Asked:
        async with whip_server() as server, WhipClient(server.url, TOKEN) as client:
            elsewhere = server.url.replace("127.0.0.1", "localhost")
            server.replies["POST"] = lambda asked: (
                web.Response(status=307, headers={"Location": elsewhere})
                if len(server.asked) == 1
                else web.Response(status=401)
            )
            with pytest.raises(WhipError, match="token"):
                await client.offer(OFFER)
            return server.asked[1]

    assert "Authorization" not in run(work()).headers


def test_redirects_without_end() -> None:
    async def work() -> None:
        async with whip_server() as server, WhipClient(server.url) as client:
            server.replies["POST"] = saying(307, Location="/whip")
            with pytest.raises(CallError, match="on and on"):
                await client.offer(OFFER)
            assert len(server.asked) == 5

    run(work())


def test_more_candidates_and_a_new_ice_session() -> None:
    async def work() -> list[Asked]:
        async with whip_server() as server, WhipClient(server.url, TOKEN) as client:
            with pytest.raises(CallError, match="offer first"):
                await client.trickle("a=candidate")
            await client.offer(OFFER)
            server.replies["PATCH"] = saying(204)
            await client.trickle("a=candidate")
            server.replies["PATCH"] = saying(200, "a=ice-ufrag:new", ETag='"ice-2"')
            assert await client.restart("a=ice-ufrag:mine") == "a=ice-ufrag:new"
            assert client.etag == '"ice-2"'
            server.replies["PATCH"] = saying(412)
            with pytest.raises(WhipError, match="another one by now"):
                await client.trickle("a=candidate")
            with pytest.raises(WhipError):
                await client.restart("a=ice-ufrag:mine")
            return [asked for asked in server.asked if asked.method == "PATCH"]

    patches = run(work())
    assert [one.headers["If-Match"] for one in patches] == ['"ice-1"', "*", '"ice-2"', "*"]
    assert {one.headers["Content-Type"] for one in patches} == {"application/trickle-ice-sdpfrag"}
    assert patches[0].body == "a=candidate"


def test_a_server_that_takes_no_more_candidates() -> None:
    async def work() -> None:
        async with whip_server() as server, WhipClient(server.url) as client:
            server.replies["POST"] = saying(201, ANSWER, Location="/s")
            await client.offer(OFFER)
            for more in (client.trickle, client.restart):
                with pytest.raises(WhipError, match="no more candidates"):
                    await more("a=candidate")

    run(work())


@pytest.mark.parametrize(
    "reply", [saying(201, ANSWER), saying(201, "<html>", Location="/s"), saying(200, ANSWER)]
)
def test_what_is_no_whip_server(reply: Any) -> None:
    async def work() -> None:
        async with whip_server() as server, WhipClient(server.url) as client:
            server.replies["POST"] = reply
            with pytest.raises(CallError):
                await client.offer(OFFER)

    run(work())


def test_a_body_without_end() -> None:
    async def work() -> None:
        async with whip_server() as server, WhipClient(server.url) as client:
            server.replies["POST"] = saying(201, "v=" + "x" * 1_100_000, Location="/s")
            with pytest.raises(CallError, match="more than an answer"):
                await client.offer(OFFER)

    run(work())


def test_a_server_that_is_slow_or_away() -> None:
    async def slow(asked: Asked) -> web.Response:
        await asyncio.sleep(5)
        return created(asked)

    async def work() -> str:
        async with whip_server() as server:
            server.replies["POST"] = slow
            async with WhipClient(server.url, within_s=0.1) as client:
                with pytest.raises(WaitTimeout, match=r"within 0\.1 s"):
                    await client.offer(OFFER)
        async with WhipClient(server.url) as client:
            with pytest.raises(CallError, match="No WHIP server answers"):
                await client.offer(OFFER)
        return server.url

    with nothing_left():
        run(work())


def test_closing_when_the_server_has_gone() -> None:
    async def work() -> None:
        async with whip_server() as server:
            client = WhipClient(server.url)
            await client.offer(OFFER)
        await client.close()
        assert client.location is None

    with nothing_left():
        run(work())


@pytest.mark.parametrize("url", ["", "foo", "ws://127.0.0.1:1", "http://", None])
def test_an_address_that_is_none(url: Any) -> None:
    with pytest.raises(BadValue, match="no address"):
        WhipClient(url)


@pytest.mark.parametrize("token", ["", "two words", "a\r\nX-Evil: 1"])
def test_a_token_that_is_none(token: str) -> None:
    with pytest.raises(BadValue, match="bearer token"):
        WhipClient("http://127.0.0.1:1", token)


def test_ice_servers_are_reported() -> None:
    links = [
        '<stun:127.0.0.1%3A3478>; rel="ice-server"',
        '<turn:a.example?transport=udp>; rel="ice-server"; username="u,1"; credential="p\\"w";'
        ' credential-type="password", <https://a.example/help>; rel="help"',
        "<stun:b.example>;rel=ice-server",
    ]
    found = ice_servers_in(links)
    assert found == [
        IceServer("stun:127.0.0.1:3478"),
        IceServer("turn:a.example?transport=udp", "u,1", 'p"w'),
        IceServer("stun:b.example"),
    ]
    assert "p" + '"w' not in repr(found[1])


def test_no_token_survives() -> None:
    assert without_tokens(f"a {TOKEN} b opaque", "opaque") == "a (token) b (token)"
