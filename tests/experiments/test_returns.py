"""A server that is killed and started again: who joined by WHIP comes back, as the SDK does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

import labkit as lab
from labkit.experiments import roomreturn
from labkit.media import TestPattern
from labkit.rooms.server import livekit
from tests.experiments.helpers import nothing_left, run
from tests.timing import SECOND

SMALL = TestPattern(160, 120, fps=15)
AWAY_S = 1.5


def names_of(one: lab.Run, peer: str) -> list[str]:
    return list(one.events.loc[one.events["peer"] == peer, "name"])


def second_of(one: lab.Run, peer: str, name: str) -> float:
    told = one.events[(one.events["peer"] == peer) & (one.events["name"] == name)]
    return float(told["at_s"].iloc[-1])


async def until_told(room: Any, *wanted: tuple[str, str]) -> None:
    """Wait until peers have written down events; asked of whoever lives in the worker."""

    def kept(peer: Any) -> set[tuple[str, str]]:
        return {(row[1], row[2]) for row in peer.tap._kept["events"]}

    while not set(wanted) <= await room.ask("alice", kept):  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def frames_of(one: lab.Run, sender: str, receiver: str) -> Any:
    frames = one.frames
    return frames[(frames["track"] == f"{sender}:video") & (frames["receiver"] == receiver)]


def test_both_engines_come_back(livekit_binary: Any) -> None:
    async def work() -> lab.Run:
        people = [
            lab.participant("alice", video=SMALL),
            lab.participant("sue", engine="livekit", video=SMALL, options={"simulcast": False}),
            lab.participant("bob"),
        ]
        async with livekit(own=True) as server, lab.room(*people, server=server) as room:
            recording = room.start_recording(120)
            await asyncio.sleep(SECOND)
            await room.join(lab.participant("carol", video=SMALL))
            await asyncio.sleep(SECOND)
            await server.kill()
            await asyncio.sleep(AWAY_S)
            await server.restart()
            back = [(name, "reconnected") for name in ("alice", "bob", "carol", "sue")]
            await until_told(room, *back)
            await asyncio.sleep(4 * SECOND)
            recording.stop()
            return await recording

    with nothing_left():
        one = run(work())
    gone_s, back_s = second_of(one, "sfu", "server_gone"), second_of(one, "sfu", "server_back")
    ways = [(a, b) for a in ("alice", "carol", "sue") for b in ("alice", "bob", "carol", "sue")]
    for sender, receiver in [(a, b) for a, b in ways if a != b]:
        frames = frames_of(one, sender, receiver)
        shown = frames[frames["fate"] == "shown"]
        assert shown["captured_s"].min() < gone_s, (sender, receiver)
        assert (shown["captured_s"] > back_s).sum() > 5, (sender, receiver)
        assert frames["frame"].is_unique, (sender, receiver)
    gap_s = gap(one)
    print(f"alice → bob: {gap_s:.2f} s without a picture, {AWAY_S} s of them without a server")
    assert AWAY_S < gap_s < AWAY_S + 5 * SECOND
    for name in ("alice", "bob", "carol"):
        told = [n for n in names_of(one, name) if n in ("reconnecting", "reconnected", "left")]
        assert told[0] == "reconnecting" and told[-1] == "reconnected" and "left" not in told


def gap(one: lab.Run) -> float:
    """Return the longest time without a picture of alice at bob."""
    shown = frames_of(one, "alice", "bob")["decoded_s"].dropna().sort_values()
    return float(shown.diff().max())


def test_a_server_that_is_back_at_once(livekit_binary: Any) -> None:
    async def work() -> lab.Run:
        alice = lab.participant("alice", video=SMALL)
        async with livekit(own=True) as server, lab.room(alice, "bob", server=server) as room:
            recording = room.start_recording(120)
            await asyncio.sleep(2.5 * SECOND)  # it has been looked at a few times
            await server.restart()
            await until_told(room, ("alice", "reconnected"), ("bob", "reconnected"))
            await asyncio.sleep(SECOND)
            recording.stop()
            return await recording

    with nothing_left():
        one = run(work())
    back_s = second_of(one, "sfu", "server_back")
    shown = frames_of(one, "alice", "bob")
    assert (shown.loc[shown["fate"] == "shown", "captured_s"] > back_s).sum() > 5
    receives = one.events[(one.events["name"] == "reconnected") & (one.events["peer"] == "bob")]
    assert json.loads(receives["detail"].iloc[0]) == {"receives": ["alice:video"]}


def test_a_room_without_a_server_is_given_up(
    livekit_binary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roomreturn, "BACK_WITHIN_S", 0.5)

    async def work() -> None:
        alice = lab.participant("alice", video=SMALL)
        async with livekit(own=True) as server:
            async with lab.room(alice, "bob", server=server, place="kernel") as room:
                await server.kill()
                while room.state == "running":  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
                assert "is gone" in str(room.failure) and "0.5 s" in str(room.failure)
                with pytest.raises(lab.CallError, match="is gone"):
                    await room.join("carol")

    with nothing_left():
        run(work())
