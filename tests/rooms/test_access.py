"""The access proxy: what it passes on, what it changes and notes, and how connections end."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from livekit.protocol import rtc

from labkit.errors import BadValue, WaitTimeout
from labkit.net.sdp import Address
from labkit.rooms.access import AccessProxy
from labkit.rooms.signal_messages import read_body
from labkit.signaling.base import Body
from tests.net.bridges import on_a_loop
from tests.rooms.proxied import RELAY, staged
from tests.rooms.test_signal_messages import SDP, SERVER, TOKEN, UDP, answer, request, trickle
from tests.timing import SECOND


@on_a_loop
async def test_messages_go_both_ways_and_are_noted() -> None:
    async with staged() as stage, await stage.join() as socket:
        sent = request(add_track=rtc.AddTrackRequest(cid="cam"))
        await socket.send_bytes(sent)
        assert await stage.server_got(1) == [sent]
        back = answer(track_published=rtc.TrackPublishedResponse(cid="cam"))
        await stage.server.sockets[0].send_bytes(back)
        assert await socket.receive_bytes(timeout=5 * SECOND) == back
        assert stage.server.seen[0].headers["Authorization"] == "B t"
        assert stage.server.seen[0].path_qs == "/rtc/v1?access_token=x"
    assert [note[:3] for note in stage.notes] == [
        ("alice", "sfu", "connect"),
        ("alice", "sfu", "add_track"),
        ("sfu", "alice", "track_published"),
        ("alice", "sfu", "closed"),
    ]
    body = stage.notes[1][3]
    assert isinstance(body, Body)
    assert body.size_bytes == len(sent)
    assert not any("access_token" in note[3] for note in stage.notes)


@on_a_loop
async def test_the_client_is_told_the_relay_after_the_relay_is_told_the_server() -> None:
    async with staged() as stage, await stage.join() as socket:
        await stage.server.sockets[0].send_bytes(answer(trickle=trickle(UDP)))
        told = rtc.SignalResponse.FromString(await socket.receive_bytes(timeout=5 * SECOND))
        assert "127.0.0.1 40000" in json.loads(told.trickle.candidateInit)["candidate"]
        assert stage.told == [[SERVER]]
        assert await stage.proxy.server_candidate() == SERVER


@on_a_loop
async def test_a_callback_that_waits_is_waited_for() -> None:
    async with staged() as stage, await stage.join() as socket:
        done = asyncio.Event()

        async def slow(_addresses: list[Address]) -> None:
            await asyncio.sleep(0.05)
            done.set()

        stage.proxy.on_server_candidate(slow)
        await stage.server.sockets[0].send_bytes(answer(trickle=trickle(UDP)))
        await socket.receive_bytes(timeout=5 * SECOND)
        assert done.is_set()


@on_a_loop
async def test_candidates_of_the_client_stay_with_the_proxy() -> None:
    async with staged() as stage, await stage.join() as socket:
        await socket.send_bytes(request(trickle=trickle(UDP)))
        await socket.send_bytes(request(offer=rtc.SessionDescription(type="offer", sdp=SDP)))
        (offer,) = await stage.server_got(1)
        assert b"candidate" not in offer
        assert [note[2] for note in stage.notes] == ["connect", "trickle", "offer"]


@on_a_loop
async def test_what_an_older_client_says_of_itself_is_noted_without_its_token() -> None:
    async with staged() as stage:
        url = f"{stage.proxy.url}/rtc?sdk=flutter&version=2.11.0&access_token={TOKEN}&auto=1"
        async with stage.client.ws_connect(url):
            (note,) = await stage.names("connect")
    assert read_body(note[3]) == {
        "request": "GET /rtc", "sdk": "flutter", "version": "2.11.0", "auto": "1",
    }  # fmt: skip


@on_a_loop
async def test_without_a_relay_all_is_noted_and_nothing_changed() -> None:
    async with staged(relay=None) as stage, await stage.join() as socket:
        sent = [
            request(trickle=trickle(UDP)),
            request(offer=rtc.SessionDescription(type="offer", sdp=SDP)),
        ]
        for message in sent:
            await socket.send_bytes(message)
        assert await stage.server_got(2) == sent
        back = answer(offer=rtc.SessionDescription(type="offer", sdp=SDP))
        await stage.server.sockets[0].send_bytes(back)
        assert await socket.receive_bytes(timeout=5 * SECOND) == back
    assert [note[2] for note in stage.notes] == ["connect", "trickle", "offer", "offer", "closed"]
    assert not any("secret" in note[3] or TOKEN in note[3] for note in stage.notes)


@on_a_loop
async def test_reconnecting_is_carried_again() -> None:
    async with staged() as stage:
        for _time in range(3):
            async with await stage.join() as socket:
                await socket.send_bytes(request(ping=1))
        await stage.server_got(3)
        assert stage.proxy.connections == 3


@on_a_loop
async def test_a_server_that_goes_closes_the_client_and_may_come_back() -> None:
    async with staged() as stage:
        async with await stage.join() as socket:
            await stage.server.stop()
            end = await socket.receive(timeout=5 * SECOND)
            assert end.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        await stage.names("closed")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await stage.join()
        assert refused.value.status == 502
        await stage.server.start(stage.server.port)
        async with await stage.join() as socket:
            await socket.send_bytes(request(ping=1))
            await stage.server_got(1)


@on_a_loop
async def test_a_server_that_is_away_is_named() -> None:
    async with staged() as stage:
        await stage.server.stop()
        async with stage.client.get(stage.proxy.http_url + "/rtc/validate") as said:
            assert said.status == 502
            assert "does not answer" in await said.text()
            assert said.headers["Access-Control-Allow-Origin"] == "*"
        await stage.server.start(stage.server.port)


@on_a_loop
async def test_http_passes_with_its_cors_headers_and_the_note_has_no_token() -> None:
    async with staged() as stage:
        headers = {"Origin": "http://page", "Authorization": "Bearer secret"}
        url = stage.proxy.http_url + "/rtc/v1/validate?access_token=a%2Bb"
        async with stage.client.get(url, headers=headers) as said:
            assert said.status == 401
            assert said.headers["Access-Control-Allow-Origin"] == "http://page"
            assert TOKEN in await said.text()  # the client's own business
        seen = stage.server.seen[0]
        assert seen.headers["Origin"] == "http://page"
        assert seen.path_qs == "/rtc/v1/validate?access_token=a%2Bb"
        (note,) = stage.notes
        assert note == ("sfu", "alice", "GET /rtc/v1/validate", "401\ninvalid token: …")


@pytest.mark.parametrize("path", ["/twirp/livekit.RoomService/CreateRoom", "/whip/v1", "/metrics"])
def test_other_ways_are_closed(path: str) -> None:
    @on_a_loop
    async def check() -> None:
        async with staged() as stage, stage.client.post(stage.proxy.http_url + path) as said:
            assert said.status == 404
            assert stage.server.seen == []

    check()


@on_a_loop
async def test_a_refusal_of_the_server_is_passed_on() -> None:
    async with staged(status=500) as stage:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await stage.join()
        assert refused.value.status == 500
        assert [note[2] for note in stage.notes] == ["connect", "refused"]


@on_a_loop
async def test_a_long_join_request_is_carried() -> None:
    async with staged() as stage:
        path = "/rtc/v1?join_request=" + "A" * 60_000
        async with await stage.join(path) as socket:
            await socket.send_bytes(request(ping=1))
            await stage.server_got(1)
        assert stage.server.seen[0].path_qs == path


@on_a_loop
async def test_text_frames_end_the_connection() -> None:
    async with staged() as stage, await stage.join() as socket:
        await socket.send_str('{"trickle": {}}')
        end = await socket.receive(timeout=5 * SECOND)
        assert (end.type, end.data) == (aiohttp.WSMsgType.CLOSE, 1003)
        assert stage.server.got == []


@on_a_loop
async def test_no_candidate_in_time_is_said() -> None:
    async with staged() as stage:
        with pytest.raises(WaitTimeout, match=r"told alice no address within 0\.01 s"):
            await stage.proxy.server_candidate(0.01)


@on_a_loop
async def test_closing_with_people_inside_is_quick_and_leaves_no_task() -> None:
    async with staged() as stage:
        socket = await stage.join()
        before = asyncio.get_running_loop().time()
        await stage.proxy.close()
        assert asyncio.get_running_loop().time() - before < 2 * SECOND
        await socket.close()
        left = [task.get_name() for task in asyncio.all_tasks() if "alice" in task.get_name()]
        assert left == []


@pytest.mark.parametrize("url", ["localhost", "ftp://127.0.0.1", "", "ws://"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(BadValue, match="no address of a server"):
        AccessProxy("alice", url, relay_address=RELAY)
