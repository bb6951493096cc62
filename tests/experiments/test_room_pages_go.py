"""Pages that leave a room on the real server and come again, or come later; without a browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.peers import pageroom
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import SMALL, nothing_left, run
from tests.experiments.roompages import ME, SHOWING, alice, with_room
from tests.live.comms import fake_wire
from tests.peers.pages import FakeRoomPage
from tests.timing import SECOND, until


def test_a_page_leaves_and_comes_again_while_the_room_goes_on(
    livekit_server: LivekitServer,
) -> None:
    async def work(room: Any) -> lab.Run:
        async with FakeRoomPage(room) as page:
            page.press("test picture")
            await room.connected(20 * SECOND)
            page.say(type="stop", id="2")
            await until(lambda: room.spec.names == ("alice",))
            assert (room.state, page.ended) == ("running", 1)
            assert "“me” has left" in page.view.state["text"]
            assert page.view.state["can_start"]
            page.press("test picture")
            await until(lambda: page.view.state["state"] == "running")
            one: lab.Run = await room.record(0.7)
            page.say(type="left")
            await until(lambda: room.spec.names == ("alice",))
            return one

    one = with_room(work, alice(), ME, server=livekit_server)
    assert one.meta["subscribed"]["me"] == ["alice:video"]
    assert one.summary()["frames"]["shown"] > 5


def test_another_page_takes_the_place_of_one_that_is_there(livekit_server: LivekitServer) -> None:
    async def work(room: Any) -> None:
        async with FakeRoomPage(room) as first:
            first.press("test picture")
            await room.connected(20 * SECOND)
            async with FakeRoomPage(room) as second:
                second.press("test picture")
                await until(
                    lambda: second.peer is not None and second.view.state["page"] == second.name
                )
                await until(lambda: second.view.state["state"] == "running")
                assert room.spec.names == ("alice", "me")

    with_room(work, alice(), ME, server=livekit_server)


def test_the_last_one_ends_the_room(livekit_server: LivekitServer) -> None:
    async def work(room: Any) -> None:
        async with FakeRoomPage(room) as page:
            page.press("test picture")
            await room.connected(20 * SECOND)
            page.say(type="stop", id="2")
            await until(lambda: room.state == "closed" and page.ended > 0)

    with_room(work, ME, server=livekit_server)


def test_one_who_comes_later(livekit_server: LivekitServer) -> None:
    async def work(room: Any) -> lab.Run:
        await room.start()
        with pytest.raises(CallError, match="No page is there"):
            await room.join(SHOWING)
        assert room.spec.names == ("alice", "bob")
        async with FakeRoomPage(room, SHOWING, video=SMALL, audio=lab.Tone()) as page:
            async with room.join(SHOWING) as me:
                one: lab.Run = await room.record(1)
                assert me.name == "me"
            await until(lambda: page.ended == 1)
            assert "“me” has left" in page.view.state["text"]
            return one

    one = with_room(work, alice(), "bob", server=livekit_server)
    assert one.summary("alice", "me")["frames"]["shown"] > 4
    assert one.summary("me", "bob")["frames"]["shown"] > 4


def with_a_silent_page(
    then: Callable[[Any, Any], Coroutine[Any, Any, None]], *people: Any, server: LivekitServer
) -> None:
    """Let a page say nothing any more, in a room of these people."""

    async def work(room: Any) -> None:
        async with FakeRoomPage(room) as page:
            await room.start()
            await page.leave()
            await then(room, page)

    with_room(work, *people, server=server, place="kernel")


def test_a_page_that_says_nothing_any_more_is_missed(
    livekit_server: LivekitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pageroom, "ANSWER_S", 1.0 * SECOND)

    async def missed(room: Any, page: Any) -> None:
        await until(lambda: room.spec.names == ("alice",))
        assert room.state == "running"
        assert "The page of “me” has left the room" in page.view.state["text"]

    with_a_silent_page(missed, alice(), ME, server=livekit_server)


def test_the_last_page_that_says_nothing_any_more_ends_the_room(
    livekit_server: LivekitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pageroom, "ANSWER_S", 1.0 * SECOND)

    async def ended(room: Any, page: Any) -> None:
        await until(lambda: room.state == "broken")
        assert "The page of “me” has left the room" in str(room.failure)
        assert page.view.state["text"] == str(room.failure)

    with_a_silent_page(ended, ME, server=livekit_server)


def test_it_comes_back_after_the_server_was_away(livekit_binary: Path) -> None:
    async def after_a_restart(room: Any, server: Any) -> lab.Run:
        await asyncio.sleep(1.5)  # the server is looked after, and has been seen twice
        await server.restart()
        await until(lambda: len(asked) == 2)
        run: lab.Run = await room.record(1)
        return run

    asked: list[str] = []

    async def body() -> lab.Run:
        async with lab.livekit() as server:
            room = lab.room(alice(), ME, server=server)
            try:
                async with FakeRoomPage(room) as page:
                    describe = page._describe

                    async def counted(question: dict[str, Any]) -> str:
                        asked.append(question["what"])
                        return await describe(question)

                    page._describe = counted  # type: ignore[method-assign]
                    await room.start()
                    return await after_a_restart(room, server)
            finally:
                await room.close()

    with fake_wire(), nothing_left():
        one = run(body())
    assert one.summary()["frames"]["shown"] > 5
