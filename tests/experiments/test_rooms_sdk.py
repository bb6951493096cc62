"""Rooms in which LiveKit's SDK takes part beside the lab's own peers."""

from __future__ import annotations

import json

import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import SMALL, nothing_left, run
from tests.timing import SECOND


def test_the_sdk_and_the_lab_see_each_other(livekit_server: LivekitServer) -> None:
    sue = lab.participant(
        "sue",
        engine="livekit",
        video=SMALL,
        uplink=lab.Link(delay_ms=50),
        options={"simulcast": False},
    )

    async def work() -> tuple[lab.Run, str]:
        async with lab.room(
            lab.participant("alice", video=SMALL), sue, "bob", server=livekit_server
        ) as room:
            one = await room.record(3)
            return one, await room.ask("sue", lambda peer: peer.room.name)

    with nothing_left():
        one, name = run(work())
    assert name == one.meta["asked"]["room"]
    assert one.meta["engine"] == "labkit, livekit"
    assert one.meta["subscribed"] == {
        "alice": ["sue:video"],
        "sue": ["alice:video"],
        "bob": ["alice:video", "sue:video"],
    }
    for way in (("alice", "bob"), ("alice", "sue"), ("sue", "bob"), ("sue", "alice")):
        assert one.summary(*way)["frames"]["shown"] > 20, way
    rtt = one.samples[(one.samples["name"] == "rtt_ms") & (one.samples["peer"] == "sue")]
    assert rtt["value"].iloc[-1] == pytest.approx(50, abs=8 * SECOND)
    pair = next(
        json.loads(e.detail)
        for e in one.events.itertuples()
        if (e.peer, e.name) == ("sue", "nominated_pair")
    )
    assert str(livekit_server.udp_port) not in pair["remote"]
    names = set(one.messages.loc[one.messages["receiver"] == "sue", "name"])
    assert {"join", "answer", "track_published"} <= names
    spoken = one.messages[one.messages["channel"] == "signaling (WebSocket)"]
    asked = spoken[spoken["name"] == "add_track"].iloc[0]
    assert 0 < asked["size_bytes"] < len(asked["body"])  # protobuf is shorter than its JSON
    assert "eyJ" not in one.messages.to_csv()


def test_the_sdk_hears_that_the_room_is_full(livekit_server: LivekitServer) -> None:
    people = ["alice", "bob", lab.participant("sue", engine="livekit")]
    made = lab.room(*people, server=livekit_server, max_participants=2)
    with nothing_left(), pytest.raises(CallError, match=r"is full: \w+ cannot join"):
        run(made.start())


def test_who_shall_not_receive_does_not_by_the_sdk_either(livekit_server: LivekitServer) -> None:
    alice = lab.participant("alice", video=SMALL)
    sue = lab.participant("sue", engine="livekit", subscribe=False)
    one = run(lab.room(alice, sue, "bob", server=livekit_server).record(2))
    assert one.meta["subscribed"] == {"alice": [], "sue": [], "bob": ["alice:video"]}
    assert "sue" not in set(one.frames["receiver"])
    assert one.summary("alice", "bob")["frames"]["shown"] > 0
