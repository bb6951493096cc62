"""The Python that is shown beside the Dart does, on a real server, what is said of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from aiohttp import ClientResponseError, web
from livekit import api, rtc

from labkit.flutter import beside, snippets
from labkit.rooms.access import AccessProxy
from labkit.rooms.endpoint import token_endpoint
from labkit.rooms.running import LivekitServer
from tests.timing import SECOND

BLUE = bytes([0, 0, 255, 255]) * (640 * 480)


@pytest.fixture(autouse=True)
def quiet_sdk() -> Iterator[None]:
    """The SDK writes a dozen lines for each join that is refused."""
    logger = logging.getLogger("livekit")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.fixture
def room_name() -> str:
    return f"beside-{uuid.uuid4().hex[:8]}"


def token_for(server: LivekitServer, room_name: str, identity: str) -> str:
    address = server.address
    return beside.add_participant(address.api_key, address.api_secret, room_name, identity)


async def until(happened: Callable[[], object], what: str) -> None:
    for _try in range(100):
        if happened():
            return
        await asyncio.sleep(0.05 * SECOND)
    pytest.fail(f"{what} did not happen within {5 * SECOND} s")


@contextlib.asynccontextmanager
async def joined(url: str, token: str) -> AsyncIterator[rtc.Room]:
    room = await beside.join(url, token)
    try:
        yield room
    finally:
        await beside.leave(room)


@contextlib.asynccontextmanager
async def showing_blue(source: rtc.VideoSource) -> AsyncIterator[None]:
    """Hand a blue picture to a source ten times a second."""

    async def show() -> None:
        while True:
            source.capture_frame(rtc.VideoFrame(640, 480, rtc.VideoBufferType.RGBA, BLUE))
            await asyncio.sleep(0.1)

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.aclose()


def test_two_people_see_each_other(livekit_server: LivekitServer, room_name: str) -> None:
    """The lecture's task, by the functions that are shown beside its Dart."""
    asyncio.run(_two_people(livekit_server, room_name))


async def _two_people(server: LivekitServer, name: str) -> None:
    """Both publish: the server tells of those who only look on in batches, up to 3 s late."""
    came: list[str] = []
    async with joined(server.url, token_for(server, name, "alice")) as alice:
        beside.listen(alice, came.append)
        async with showing_blue(await beside.publish_camera(alice)):
            async with joined(server.url, token_for(server, name, "bob")) as bob:
                assert beside.people(bob) == ["alice"]
                async with showing_blue(await beside.publish_camera(bob)):
                    await until(lambda: came == ["bob"], "bob's coming")
                    await sees(bob, "alice")
                    await sees(alice, "bob")
            await until(lambda: beside.people(alice) == [], "bob's leaving")


async def sees(room: rtc.Room, identity: str) -> None:
    someone = room.remote_participants[identity]
    await until(lambda: beside.camera_of(someone), f"subscribing to {identity}")
    track = beside.camera_of(someone)
    assert track is not None
    picture = await beside.first_picture(track)
    assert picture.width / picture.height == pytest.approx(4 / 3, abs=0.02)


def test_listening_tells_of_those_who_were_there(
    livekit_server: LivekitServer, room_name: str
) -> None:
    async def listen_late() -> None:
        async with joined(livekit_server.url, token_for(livekit_server, room_name, "alice")):
            async with joined(
                livekit_server.url, token_for(livekit_server, room_name, "bob")
            ) as bob:
                came: list[str] = []
                beside.listen(bob, came.append)
                assert came == ["alice"]

    asyncio.run(listen_late())


def test_the_backends_room_is_for_two(livekit_server: LivekitServer, room_name: str) -> None:
    async def third() -> None:
        async with livekit_server.api() as livekit:
            made = await beside.create_room(livekit, room_name)
        assert made.max_participants == 2
        tokens = [token_for(livekit_server, room_name, one) for one in ("a", "b", "c")]
        async with joined(livekit_server.url, tokens[0]), joined(livekit_server.url, tokens[1]):
            with pytest.raises(rtc.ConnectError, match="500"):
                await beside.join(livekit_server.url, tokens[2])

    asyncio.run(third())


def test_an_app_cannot_create_a_room(livekit_server: LivekitServer, room_name: str) -> None:
    async def create() -> None:
        token = token_for(livekit_server, room_name, "alice")
        async with api.LiveKitAPI.with_token(token, livekit_server.url) as livekit:
            with pytest.raises(api.ServerError, match="permissions denied"):
                await beside.create_room(livekit, room_name)

    asyncio.run(create())


def test_the_messages_that_are_named_are_those_that_go(
    livekit_server: LivekitServer, room_name: str
) -> None:
    """What the snippets say is sent, is sent: seen on a participant's own proxy."""
    said: list[tuple[str, str]] = []

    def note(sender: str, _receiver: str, name: str, _body: str) -> None:
        said.append(("client" if sender == "alice" else "server", name))

    async def talk() -> None:
        relay = ("127.0.0.1", livekit_server.udp_port)  # straight on: only messages matter here
        url = livekit_server.url
        async with AccessProxy("alice", url, relay_address=relay, note=note) as proxy:
            async with joined(proxy.url, token_for(livekit_server, room_name, "alice")) as room:
                source = await beside.publish_camera(room)
                await until(lambda: ("client", "offer") in said, "the new offer")
                await until(lambda: said.count(("server", "answer")) == 2, "its answer")
                await source.aclose()

    asyncio.run(talk())
    assert ("server", "join") in said
    for key in ("camera", "screen"):
        told = [(one.sender, one.name) for one in snippets(key)[0].messages]
        mine = [one for one in told if one[1] != "update"]  # that one goes to the others
        assert set(mine) <= set(said), said
    assert said.index(("client", "add_track")) < said.index(("server", "track_published"))


def test_a_token_is_asked_for_as_the_sdks_ask() -> None:
    asked: list[tuple[str, dict[str, str]]] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append((request.headers["Authorization"], await request.json()))
        return web.json_response({"server_url": "ws://127.0.0.1:1", "participant_token": "t"})

    async def ask() -> tuple[str, str]:
        app = web.Application()
        app.router.add_post("/token", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}/token"
            return await beside.ask_for_token(endpoint, "id", "exam", "Student")
        finally:
            await runner.cleanup()

    assert asyncio.run(ask()) == ("ws://127.0.0.1:1", "t")
    assert asked == [("Bearer id", {"room_name": "exam", "participant_name": "Student"})]


def test_the_labs_endpoint_gives_a_token_and_says_full(
    livekit_server: LivekitServer, room_name: str
) -> None:
    """What the Flutter app asks, and the two answers that it tells apart."""

    async def ask_twice() -> None:
        async with token_endpoint(livekit_server, max_participants=1) as endpoint:
            id_token = endpoint.sign_in("alice")
            url, token = await beside.ask_for_token(endpoint.url, id_token, room_name, "Alice")
            async with joined(url, token) as room:
                assert room.name == room_name
                assert room.local_participant.identity == "alice"
                other = endpoint.sign_in("bob")
                with pytest.raises(ClientResponseError) as full:
                    await beside.ask_for_token(endpoint.url, other, room_name, "Bob")
                assert full.value.status == 409
            with pytest.raises(ClientResponseError) as stranger:
                await beside.ask_for_token(endpoint.url, "no token", room_name, "Eve")
            assert stranger.value.status == 401

    asyncio.run(ask_twice())


def test_every_function_is_shown_beside_a_snippet() -> None:
    shown = {one.beside for one in snippets() if one.beside}
    assert shown == set(beside.__all__)
