"""Participants whose token does not allow them to receive: they join, and see nobody."""

from __future__ import annotations

import pytest

import labkit as lab
from labkit.errors import BadValue
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import SMALL, nothing_left, run

DEAF = {"can_subscribe": False}


@pytest.mark.parametrize("engine", ["labkit", "livekit"])
def test_who_may_not_receive_joins_publishes_and_sees_nobody(
    engine: str, livekit_server: LivekitServer
) -> None:
    alice = lab.participant("alice", video=SMALL)
    deaf = lab.participant("deaf", engine=engine, video=SMALL, grants=DEAF)
    dave = lab.participant("dave", engine=engine, grants=DEAF)

    async def work() -> lab.Run:
        async with lab.room(alice, deaf, dave, "bob", server=livekit_server) as room:
            async with room.join(lab.participant("late", video=SMALL)):
                return await room.record(2)

    with nothing_left():
        one = run(work())
    seen = one.meta["subscribed"]
    assert seen["deaf"] == seen["dave"] == []
    assert seen["bob"] == ["alice:video", "deaf:video", "late:video"]
    told = one.events[one.events["name"] == "may_not_subscribe"]
    assert set(told["peer"]) == {"deaf", "dave"}
    assert one.summary("deaf", "bob")["frames"]["shown"] > 0
    assert not {"deaf", "dave"} & set(one.frames["receiver"])


def test_no_ear_and_no_film_for_who_may_not_receive() -> None:
    alice = lab.participant("alice", video=SMALL, grants=DEAF)
    bob = lab.participant("bob", video=SMALL)
    assert lab.room(alice, bob).spec.second_ears == ()
    assert lab.room(bob, lab.participant("dave", grants=DEAF), "carol").spec.measured[1] == "carol"
    with pytest.raises(BadValue, match="cannot make a film"):
        lab.participant("dave", film=lab.Film(mp4="talk.mp4"), grants=DEAF)
