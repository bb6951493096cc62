"""Connections that end in the middle: said in words, in the Run, and nothing recorded is lost."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from livekit import api

import labkit as lab
from labkit.errors import CallError
from labkit.experiments import roomlosses
from labkit.experiments.kept import kept
from labkit.media import TestPattern
from labkit.peers import consent
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import child, nothing_left, run
from tests.timing import SECOND, until

SMALL = TestPattern(160, 120, fps=15)
NO_ANSWER = "no answer came through the link"
KEPT = "What was recorded is kept: “run = lab.kept_run()”."


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let connections of this process end soon after the last answer."""
    monkeypatch.setattr(consent, "CHECK_EVERY_S", 0.2)
    monkeypatch.setattr(consent, "EXPIRES_S", 2.0 * SECOND)
    monkeypatch.setattr(roomlosses, "SERVER_MAY_GO_S", 0.3)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "data", None)


def be_patient_again() -> None:
    """Let what is left live, however busy the machine is; the fixture undoes this, too."""
    consent.EXPIRES_S = 30.0


def small_room(**options: Any) -> Any:
    return lab.room(lab.participant("alice", video=SMALL), "bob", **options)


async def recording_of(experiment: Any, path: Path | None = None) -> Any:
    """Return a recording that has gone on for a while."""
    recording = experiment.start_recording(60, path, progress=False)
    await until(lambda: recording._from_s is not None or recording._job.done())
    await asyncio.sleep(SECOND)
    return recording


def lost_in(one: lab.Run) -> list[tuple[str, dict[str, str]]]:
    told = one.events[one.events["name"] == "connection_lost"]
    return [(e.peer, json.loads(e.detail)) for e in told.itertuples()]


def shown_after(one: lab.Run, second: float, sender: str, receiver: str) -> int:
    frames = one.frames
    mine = (frames["track"] == f"{sender}:video") & (frames["receiver"] == receiver)
    return int((frames.loc[mine & (frames["fate"] == "shown"), "captured_s"] > second).sum())


def test_two_of_three_lose_each_other_and_the_others_go_on(impatient: None) -> None:
    async def work() -> lab.Run:
        async with lab.mesh(3, video=SMALL, place="kernel") as three:
            recording = await recording_of(three)
            for way in ("alice->bob", "bob->alice"):
                three.set_link(way, loss=1.0)
            await until(lambda: three.losses)
            be_patient_again()
            ((who, why),) = three.losses.items()
            assert who == "alice–bob" and "between alice and bob is lost" in why
            assert NO_ANSWER in why and "running without alice–bob" in repr(three)
            await asyncio.sleep(SECOND)
            assert (three.state, three.failure) == ("running", None)
            recording.stop()
            made: lab.Run = await recording
            return made

    with nothing_left():
        one = run(work())
    assert one.meta["closed_by"] == "the call"
    told = lost_in(one)
    assert all({peer, detail["to"]} == {"alice", "bob"} for peer, detail in told)
    assert any(NO_ANSWER in detail["why"] for _peer, detail in told)
    lost_s = one.events.loc[one.events["name"] == "connection_lost", "at_s"].min()
    for sender, receiver in (("alice", "carol"), ("carol", "bob"), ("bob", "carol")):
        assert shown_after(one, lost_s, sender, receiver) > 3
    assert shown_after(one, lost_s, "alice", "bob") == 0
    assert "connection lost" in repr(one) and "alice – bob" in repr(one)


@pytest.mark.parametrize("made", [lab.mesh, lab.mcu])
def test_a_mesh_whose_connections_are_all_lost_has_ended(made: Any, impatient: None) -> None:
    async def work() -> None:
        async with made(2, video=SMALL, place="kernel") as pair:
            recording = await recording_of(pair)
            pair.set_link(loss=1.0)
            with pytest.raises(CallError, match="All connections are lost") as told:
                await recording
            assert KEPT in str(told.value) and pair.state == "broken"

    with nothing_left():
        run(work())
    one = lab.kept_run()
    assert one.complete and "All connections are lost" in one.meta["closed_by"]
    assert one.summary("alice", "bob" if made is lab.mesh else "mcu")["frames"]["shown"] > 0
    assert lost_in(one)


def test_a_mixer_whose_one_participant_is_lost_goes_on(impatient: None) -> None:
    async def work() -> None:
        async with lab.mcu(3, video=SMALL, place="kernel") as three:
            await three.record(0.5, progress=False)
            for way in ("alice->mcu", "mcu->alice"):
                three.set_link(way, loss=1.0)
            await until(lambda: three.losses)
            be_patient_again()
            one = await three.record(1, progress=False)
            assert three.state == "running"
            assert shown_after(one, 0, "bob", "carol") > 3
            sent = one.frames[one.frames["track"] == "mcu:video"]
            assert (~sent["key_frame"].fillna(False).astype(bool)).any()  # nobody is waited for

    with nothing_left():
        run(work())


def test_what_a_call_has_recorded_in_memory_outlives_its_connection(impatient: None) -> None:
    async def work() -> None:
        with pytest.raises(CallError, match="No recording has broken off"):
            lab.kept_run()
        async with lab.call(video=SMALL, place="kernel") as call:
            recording = await recording_of(call)
            call.set_link(loss=1.0)
            with pytest.raises(CallError, match="connection between the peers is lost") as told:
                await recording
            assert KEPT in str(told.value) and NO_ANSWER in str(told.value)

    with nothing_left():
        run(work())
    one = lab.kept_run()
    assert one.complete and "is lost" in one.meta["closed_by"]
    assert one.summary()["frames"]["shown"] > 0 and len(lost_in(one)) > 0
    assert one.meta["recorded_to_s"] < one.events["at_s"].max() + 1


def test_what_was_recorded_in_memory_outlives_its_worker() -> None:
    async def work() -> None:
        async with lab.call(video=SMALL) as call:
            recording = await recording_of(call)
            child("labkit.experiments.worker").kill()
            with pytest.raises(CallError, match="kept_run"):
                await recording

    with nothing_left():
        run(work())
    assert lab.kept_run().summary()["frames"]["shown"] > 3


def test_what_was_recorded_in_memory_outlives_an_interrupt() -> None:
    async def work() -> None:
        async with lab.call(video=SMALL, place="kernel") as call:
            recording = await recording_of(call)
            waiting = asyncio.ensure_future(recording._run())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.wait([waiting])
            assert waiting.cancelled()

    with nothing_left():
        run(work())
    assert "interrupted" in lab.kept_run().meta["closed_by"]


def test_who_loses_the_server_is_told_and_may_come_again(
    impatient: None, livekit_server: LivekitServer
) -> None:
    async def work() -> tuple[lab.Run, lab.Run]:
        async with small_room(server=livekit_server, place="kernel") as room:
            recording = await recording_of(room)
            room.set_link("alice", loss=1.0)
            await until(lambda: room.losses)
            be_patient_again()
            why = room.losses["alice"]
            assert "alice has lost the connection to the server" in why and NO_ANSWER in why
            assert room.state == "running" and "running without alice" in repr(room)
            recording.stop()
            before = await recording
            await room.leave("alice")
            await until(lambda: not room.losses)
            await room.join(lab.participant("alice", video=SMALL))
            return before, await room.record(1)

    with nothing_left():
        before, after = run(work())
    assert before.meta["closed_by"] == after.meta["closed_by"] == "the call"
    ((peer, detail),) = lost_in(before)
    assert (peer, detail["to"]) == ("alice", "sfu") and NO_ANSWER in detail["why"]
    assert after.summary("alice", "bob")["frames"]["shown"] > 3


def test_a_room_that_everybody_has_lost_has_ended(
    impatient: None, livekit_server: LivekitServer, tmp_path: Path
) -> None:
    async def work() -> None:
        async with small_room(server=livekit_server, place="kernel") as room:
            recording = await recording_of(room, tmp_path / "a.run")
            room.set_link(loss=1.0)
            with pytest.raises(CallError, match="Nobody in the room has a connection") as told:
                await recording
            assert "a.run" in str(told.value) and room.state == "broken"

    with nothing_left(tmp_path, ("a.run",)):
        run(work())
    one = lab.load_run(tmp_path / "a.run")
    assert "Nobody in the room" in one.meta["closed_by"]
    assert {peer for peer, _detail in lost_in(one)} == {"alice", "bob"}


def test_who_is_thrown_out_by_the_server_is_told(livekit_server: LivekitServer) -> None:
    async def work() -> None:
        async with small_room(server=livekit_server) as room:
            who = api.RoomParticipantIdentity(room=room.name, identity="bob")
            async with livekit_server.api() as livekit:
                await livekit.room.remove_participant(who)
            await until(lambda: room.losses)
            assert "The other end has closed it" in room.losses["bob"]
            assert room.state == "running"

    with nothing_left():
        run(work())
