"""Participants who come into a running room and leave it again, on a real LiveKit server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import labkit as lab
from labkit.errors import BadValue, CallError
from labkit.media import TestPattern
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import PLACES, nothing_left, run
from tests.timing import SECOND

SMALL = TestPattern(160, 120, fps=15)
NEVER = lab.Link(loss=1.0)


def pair(server: LivekitServer, **options: Any) -> Any:
    return lab.room(lab.participant("alice", video=SMALL), "bob", server=server, **options)


def carol(**options: Any) -> Any:
    return lab.participant("carol", video=SMALL, **options)


def shown(one: lab.Run, sender: str, receiver: str) -> int:
    return int(one.summary(sender, receiver)["frames"]["shown"])


def second_of(one: lab.Run, peer: str, name: str) -> float:
    told = one.events[(one.events["peer"] == peer) & (one.events["name"] == name)]
    return float(told["at_s"].iloc[0])


async def identities(room: Any) -> set[str]:
    """Return whom the server knows, hidden ears too."""
    from livekit.api import ListParticipantsRequest

    async with room.server.api() as api:
        listed = await api.room.list_participants(ListParticipantsRequest(room=room.name))
    return {one.identity for one in listed.participants}


@pytest.mark.parametrize("place", PLACES)
def test_a_recording_has_the_frames_of_who_came_later(
    place: str, livekit_server: LivekitServer
) -> None:
    async def work() -> tuple[lab.Run, Any, set[str]]:
        async with pair(livekit_server, place=place) as room:
            recording = room.start_recording(60)
            await asyncio.sleep(0.5)
            async with room.join(carol()) as visit:
                assert "in" in repr(visit) and room.spec.names == ("alice", "bob", "carol")
                assert await visit.ask(lambda peer: peer.connection_state) == "connected"
                assert "alice (ear for carol)" in await identities(room)
                await asyncio.sleep(1.5 * SECOND)
            assert room.spec.names == ("alice", "bob") and "not in" in repr(visit)
            await asyncio.sleep(0.5)
            counts, there = await room.counts(), await identities(room)
            recording.stop()
            return await recording, counts, there

    with nothing_left():
        one, counts, there = run(work())
    assert there == {"alice", "bob"}
    assert set(counts) == {"alice->sfu", "sfu->alice", "bob->sfu", "sfu->bob"}
    assert list(one.peers["peer"]) == ["sfu", "alice", "bob", "carol"]
    assert set(one.tracks["track"]) == {"alice:video", "carol:video"}
    for way in (("alice", "bob"), ("alice", "carol"), ("carol", "bob"), ("carol", "alice")):
        assert shown(one, *way) > 5, way
    came_s, left_s = second_of(one, "carol", "joined"), second_of(one, "carol", "left")
    assert second_of(one, "carol", "comes_later") < came_s < second_of(one, "carol", "published")
    hers = one.frames[one.frames["receiver"] == "carol"]
    assert hers["captured_s"].between(came_s - SECOND, left_s).all()
    wire = one.packets[one.packets["layer"] == "wire"]
    assert {"carol"} <= set(wire["sender"]) & set(wire["receiver"])


@pytest.mark.parametrize(("engine", "others"), [("livekit", "labkit"), ("labkit", "livekit")])
def test_both_engines_can_come_later(
    engine: str, others: str, livekit_server: LivekitServer
) -> None:
    plain = {"options": {"simulcast": False}}
    options = {name: plain if name == "livekit" else {} for name in (engine, others)}

    async def work() -> lab.Run:
        people = [
            lab.participant("alice", engine=others, video=SMALL, **options[others]),
            lab.participant("bob", engine=others),
        ]
        async with lab.room(*people, server=livekit_server) as room:
            recording = room.start_recording(60)
            async with room.join(carol(engine=engine, **options[engine])):
                await asyncio.sleep(2 * SECOND)
            await asyncio.sleep(0.3)
            recording.stop()
            return await recording

    with nothing_left():
        one = run(work())
    engines = dict(zip(one.peers["peer"], one.peers["engine"], strict=True))
    assert (engines["carol"], engines["alice"]) == (engine, others)
    for way in (("alice", "bob"), ("alice", "carol"), ("carol", "bob"), ("carol", "alice")):
        assert shown(one, *way) > 5, way
    assert second_of(one, "carol", "joined") < second_of(one, "carol", "left")


@pytest.mark.parametrize("engine", ["labkit", "livekit"])
def test_the_same_name_comes_back(engine: str, livekit_server: LivekitServer) -> None:
    async def work() -> lab.Run:
        async with pair(livekit_server) as room:
            recording = room.start_recording(60)
            for _visit in range(2):
                visit = await room.join(carol(engine=engine))
                await asyncio.sleep(1.5 * SECOND)
                await visit.leave()
            await visit.leave()  # gone already
            recording.stop()
            return await recording

    with nothing_left():
        one = run(work())
    frames = one.frames[(one.frames["track"] == "carol:video") & (one.frames["receiver"] == "bob")]
    assert frames["frame"].is_unique and frames["captured_s"].is_monotonic_increasing
    first, second = frames[frames["frame"] < 200], frames[frames["frame"] >= 200]
    assert (first["fate"] == "shown").sum() > 5 and (second["fate"] == "shown").sum() > 5
    assert list(one.peers["peer"]).count("carol") == 1
    assert shown(one, "carol", "alice") > 10  # by an ear each time
    names = one.events.loc[one.events["peer"] == "carol", "name"]
    assert list(names[names.isin(["joined", "left"])]) == ["joined", "left"] * 2


def test_who_was_there_from_the_start_leaves_and_comes_back(
    livekit_server: LivekitServer,
) -> None:
    async def work() -> tuple[lab.Run, lab.Run]:
        people = [lab.participant(name, video=SMALL) for name in ("alice", "bob")]
        async with lab.room(*people, server=livekit_server) as room:
            assert "alice (second ear)" in await identities(room)
            await room.leave("bob")
            assert await identities(room) == {"alice"}
            with pytest.raises(CallError, match=r"last one.*room\.close"):
                await room.leave("alice")
            with pytest.raises(BadValue, match=r"Nobody in this room.*alice"):
                await room.leave("bob")
            dave = await room.join("dave")
            alone = await room.record(1)
            await room.join(people[1])
            await dave.leave()
            both = await room.record(1)
        assert room.spec.names == ("alice", "bob")
        return alone, both

    with nothing_left():
        alone, both = run(work())
    assert set(alone.frames["receiver"]) == {"dave"} and shown(alone, "alice", "dave") > 5
    assert shown(both, "alice", "bob") > 5 and shown(both, "bob", "alice") > 5
    assert set(both.frames["receiver"]) == {"alice", "bob"}


def test_links_of_who_comes_later(livekit_server: LivekitServer) -> None:
    async def work() -> lab.Run:
        async with pair(livekit_server) as room:
            room.set_link("alice", downlink=lab.Link(delay_ms=30))  # holds for a later ear as well
            async with room.join(carol(uplink=lab.Link(delay_ms=20))) as visit:
                recording = room.start_recording(60)
                await asyncio.sleep(SECOND)
                recording.stop()
                before = await recording
                visit.set_link(uplink=lab.Link(delay_ms=60))
                assert room.spec.links["carol->sfu"].delay_ms == 60
                return before, await room.record(1)

    with nothing_left():
        before, after = run(work())
    for one, asked_ms in ((before, 20), (after, 60)):
        wire = one.packets[(one.packets["layer"] == "wire") & (one.packets["sent_s"] > 0)]
        wire = wire[wire["sent_s"] >= one.meta["recorded_from_s"]]
        waits_ms = (wire["due_s"] - wire["sent_s"]) * 1000
        median = waits_ms.groupby([wire["sender"], wire["receiver"]]).median().round(1)
        assert median["carol", "sfu"] == asked_ms
        assert median["sfu", "alice"] == 30


def test_who_may_not_come(livekit_server: LivekitServer) -> None:
    async def work() -> None:
        room = pair(livekit_server, max_participants=2)
        with pytest.raises(CallError, match="not running"):
            await room.join("carol")
        with pytest.raises(CallError, match="not running"):
            await room.leave("bob")
        async with room:
            with pytest.raises(BadValue, match="called 'bob' already"):
                await room.join("bob")
            for engine in ("labkit", "livekit"):
                with pytest.raises(CallError, match=r"is full: carol cannot join.*2 participants"):
                    await room.join(lab.participant("carol", engine=engine))
            await room.leave("bob")
            async with room.join("carol"):
                assert (await room.record(0.5)).summary("alice", "carol")["frames"]["shown"] > 3
        with pytest.raises(CallError, match="not running"):
            await room.join("carol")

    with nothing_left():
        run(work())


def test_the_sdk_stays_out_of_the_notebooks_process(livekit_server: LivekitServer) -> None:
    async def work() -> None:
        async with pair(livekit_server, place="kernel") as room:
            with pytest.raises(BadValue, match="needs place"):
                await room.join(carol(engine="livekit"))
            assert room.spec.names == ("alice", "bob")

    with nothing_left():
        run(work())


@pytest.mark.parametrize("place", PLACES)
def test_closing_while_somebody_joins(place: str, livekit_server: LivekitServer) -> None:
    async def work() -> None:
        async with pair(livekit_server, place=place) as room:
            joining = asyncio.ensure_future(room.enter(room.join(carol(uplink=NEVER))))
            await asyncio.sleep(0.7)
            assert not joining.done()
        with pytest.raises(CallError):
            await joining
        assert room.spec.names == ("alice", "bob")

    with nothing_left():
        run(work())


@pytest.mark.parametrize("place", PLACES)
def test_a_join_that_is_given_up(place: str, livekit_server: LivekitServer) -> None:
    async def work() -> set[str]:
        async with pair(livekit_server, place=place) as room:
            for _try in range(2):
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.7):
                        await room.join(carol(uplink=NEVER))
            joining = asyncio.ensure_future(room.enter(room.join(carol(uplink=NEVER))))
            await asyncio.sleep(0.5)
            await room.leave("carol")
            with pytest.raises(CallError, match="carol had to leave before"):
                await joining
            async with room.join(carol()):
                one = await room.record(0.5)
            assert shown(one, "carol", "bob") > 3
            return await identities(room)

    with nothing_left():
        assert run(work()) == {"alice", "bob"}


def test_many_come_and_go_at_once(livekit_server: LivekitServer) -> None:
    async def visit(room: Any, name: str, all_there: asyncio.Barrier) -> int:
        async with room.join(lab.participant(name, video=SMALL)) as who:
            received: list[str] = await who.ask(lambda peer: peer.receives)
            await all_there.wait()
            return len(received)

    async def work() -> tuple[list[int], set[str]]:
        async with pair(livekit_server) as room:
            names, all_there = ("carol", "dave", "erin"), asyncio.Barrier(3)
            heard = await asyncio.gather(*(visit(room, name, all_there) for name in names))
            return heard, await identities(room)

    with nothing_left():
        heard, there = run(work())
    assert sorted(heard) == [1, 2, 3]  # each by its first connection; the rest by further ears
    assert there == {"alice", "bob"}
