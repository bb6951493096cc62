"""A page in a room on the real server, and those who come after it; without a browser."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import labkit as lab
from labkit.peers import remote
from labkit.rooms.running import LivekitServer
from labkit.rooms.server import livekit
from tests.experiments.helpers import PLACES, SMALL, nothing_left, run
from tests.experiments.roompages import ME, SHOWING, alice, with_room
from tests.experiments.test_ears_return import until_listed
from tests.experiments.test_joins import identities, shown
from tests.live.comms import fake_wire
from tests.peers.pages import FakeRoomPage
from tests.timing import SECOND, until

EAR = "me (ear for carol)"


def carol(**options: Any) -> Any:
    return lab.participant("carol", video=SMALL, **options)


@pytest.mark.parametrize("place", PLACES)
def test_a_page_sees_who_comes_later(place: str, livekit_server: LivekitServer) -> None:
    async def work(room: Any) -> tuple[lab.Run, set[str]]:
        async with FakeRoomPage(room) as page:
            page.press("test picture")
            await room.connected(20 * SECOND)
            recording = room.start_recording(60)
            await asyncio.sleep(0.5)
            async with room.join(carol()):
                assert EAR in page.ears and EAR in await identities(room)
                await asyncio.sleep(1.5 * SECOND)
                assert (await room.counts())["sfu->me"]["received"] > 0
            await until(lambda: not page.ears)
            there = await identities(room)
            recording.stop()
            return await recording, there

    one, there = with_room(work, alice(), ME, server=livekit_server, place=place)
    assert there == {"alice", "me"}
    for way in (("alice", "me"), ("carol", "me"), ("carol", "alice")):
        assert shown(one, *way) > 5, way
    seen = one.frames[(one.frames["track"] == "carol:video") & (one.frames["receiver"] == "me")]
    assert seen["frame"].is_unique and (seen["latency_ms"].dropna() > 0).all()
    assert list(one.peers["peer"]).count("me") == 1
    assert "cannot_hear" not in set(one.events["name"])


def test_it_sees_the_sdk_too_and_its_links_hold_for_the_ear(
    livekit_server: LivekitServer,
) -> None:
    far = lab.participant("me", engine="browser", downlink=lab.Link(delay_ms=50))
    sue = lab.participant("sue", engine="livekit", video=SMALL, options={"simulcast": False})

    async def work(room: Any) -> lab.Run:
        async with FakeRoomPage(room):
            await room.start()
            await room.join(sue)
            run: lab.Run = await room.record(1.5)
            return run

    one = with_room(work, alice(), far, server=livekit_server)
    assert one.meta["subscribed"]["me"] == ["alice:video", "sue:video"]
    assert shown(one, "sue", "me") > 5
    assert one.summary("sue", "me")["latency_ms"]["p5"] > 50


def test_the_page_is_told_who_has_left(livekit_server: LivekitServer) -> None:
    async def work(room: Any) -> None:
        async with FakeRoomPage(room) as page:
            await room.start()
            await room.leave("alice")
            await until(lambda: page.forgotten == ["alice"])
            async with room.join(alice()):
                assert "me (ear for alice)" in page.ears
            await until(lambda: not page.ears)

    with_room(work, alice(), "bob", ME, server=livekit_server)


def test_two_pages_see_each_other(livekit_server: LivekitServer) -> None:
    other = lab.participant("you", engine="browser", video=True)

    async def work(room: Any) -> lab.Run:
        async with (
            FakeRoomPage(room, video=SMALL, audio=lab.Tone()),
            FakeRoomPage(room, "you", video=SMALL),
        ):
            await room.start()
            run: lab.Run = await room.record(1)
            return run

    one = with_room(work, SHOWING, other, server=livekit_server)
    assert one.meta["subscribed"]["me"] == ["you:video"]
    assert shown(one, "you", "me") > 5 and shown(one, "me", "you") > 5


def test_a_page_that_does_not_answer_keeps_nobody_out(
    livekit_server: LivekitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "ANSWER_S", 1.0 * SECOND)

    async def work(room: Any) -> lab.Run:
        async with FakeRoomPage(room) as page:
            await room.start()
            page.refuses = "NotAllowedError"
            async with room.join(carol()):
                run: lab.Run = await room.record(0.7)
            assert await identities(room) == {"alice", "me"}
            return run

    one = with_room(work, alice(), ME, server=livekit_server, place="kernel")
    assert shown(one, "carol", "alice") > 3
    (told,) = one.events.loc[one.events["name"] == "cannot_hear", "detail"]
    assert "carol:video" in told and "permission" in told


def test_it_sees_them_again_after_a_restart(livekit_binary: Any) -> None:
    async def body() -> tuple[lab.Run, set[str]]:
        async with livekit(own=True) as server:
            room = lab.room(alice(), ME, server=server)
            async with FakeRoomPage(room) as page, room:
                await room.join(carol())
                assert list(page.ears) == [EAR]
                await asyncio.sleep(1.5 * SECOND)
                await server.restart()
                await until(lambda: not page.ears)
                await until_listed(room, "alice (second ear)")
                return await room.record(1), await identities(room)

    with fake_wire(), nothing_left():
        one, there = run(body())
    assert there == {"alice", "carol", "me", "alice (second ear)"}  # the page needs none
    assert shown(one, "carol", "me") > 5 and shown(one, "alice", "me") > 5
