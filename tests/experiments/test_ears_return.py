"""Ears after a server's restart: nobody keeps one more than a start would give."""

from __future__ import annotations

import asyncio
from typing import Any

import labkit as lab
from labkit.rooms.server import livekit
from tests.experiments.helpers import nothing_left, run
from tests.experiments.test_joins import identities, shown
from tests.experiments.test_returns import SMALL, until_told
from tests.timing import SECOND

ALICE, CAROL = (lab.participant(name, video=SMALL) for name in ("alice", "carol"))
SUE = lab.participant("sue", engine="livekit", video=SMALL, options={"simulcast": False})


async def until_listed(room: Any, *names: str) -> None:
    """Wait until the server knows somebody."""
    async with asyncio.timeout(20 * SECOND):
        while not set(names) <= await identities(room):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def after_a_restart(room: Any, server: Any, *names: str, ears: set[str]) -> lab.Run:
    """Let the server die and come back; record when people have the ears they need."""
    await server.kill()
    await asyncio.sleep(1.5)
    await server.restart()
    await until_told(room, *((name, "reconnected") for name in names))
    await until_listed(room, *ears)
    await asyncio.sleep(SECOND)
    run: lab.Run = await room.record(2)
    return run


def test_who_can_hear_all_by_one_connection_keeps_no_ear(livekit_binary: Any) -> None:
    """bob joins again after carol, so that his first connection takes her, too."""

    async def work() -> tuple[set[str], set[str], lab.Run]:
        async with livekit(own=True) as server, lab.room(ALICE, "bob", server=server) as room:
            await room.join(CAROL)
            before = await identities(room)
            ears = {"alice (second ear)"}
            one = await after_a_restart(room, server, "alice", "bob", "carol", ears=ears)
            return before, await identities(room), one

    with nothing_left():
        before, after, one = run(work())
    people = {"alice", "bob", "carol"}
    assert before == people | {"alice (ear for carol)", "bob (ear for carol)"}
    assert after == people | {"alice (second ear)"}
    assert one.meta["subscribed"] == {
        "alice": ["carol:video"],
        "bob": ["alice:video", "carol:video"],
        "carol": ["alice:video"],
    }
    for way in (("alice", "bob"), ("carol", "bob"), ("carol", "alice"), ("alice", "carol")):
        assert shown(one, *way) > 5, way


def test_nobody_has_more_than_one_ear_where_the_sdk_publishes_too(livekit_binary: Any) -> None:
    async def work() -> tuple[set[str], lab.Run]:
        async with livekit(own=True) as server, lab.room(SUE, ALICE, server=server) as room:
            await room.join(CAROL)
            ears = {"alice (second ear)"}
            one = await after_a_restart(room, server, "alice", "carol", "sue", ears=ears)
            return await identities(room), one

    with nothing_left():
        after, one = run(work())
    ears = after - {"alice", "carol", "sue"}
    assert {"alice (second ear)"} <= ears <= {"alice (second ear)", "carol (second ear)"}
    assert one.meta["subscribed"]["alice"] == ["carol:video", "sue:video"]
    assert one.meta["subscribed"]["carol"] == ["alice:video", "sue:video"]
    for sender, receiver in (("sue", "alice"), ("carol", "alice"), ("alice", "sue")):
        assert shown(one, sender, receiver) > 5, (sender, receiver)
