"""A receiver chooses among the sizes that a sender makes, on a real server."""

from __future__ import annotations

import asyncio

import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.rooms import choose_layer, subscribe, switch_times_s
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import nothing_left, run
from tests.timing import SECOND


@pytest.mark.alone
def test_a_receiver_chooses_a_layer_and_leaves(livekit_server: LivekitServer) -> None:
    people = [
        lab.participant("alice", engine="livekit", video=lab.TestPattern(640, 480, fps=15)),
        lab.participant("bob", engine="livekit"),
    ]

    async def work() -> lab.Run:
        async with lab.room(*people, server=livekit_server) as room:
            with pytest.raises(CallError, match="bob sees no video of carol"):
                await room.ask("bob", choose_layer("carol", "low"))
            recording = room.start_recording(6 * SECOND, progress=False)
            await asyncio.sleep(2 * SECOND)
            await room.ask("bob", choose_layer("alice", "low"))
            await asyncio.sleep(2 * SECOND)
            await room.ask("bob", subscribe("alice", False))
            return await recording

    with nothing_left():
        one = run(work())
    took_s = switch_times_s(one)["1. low"]
    assert took_s is not None and took_s < 2 * SECOND
    events = one.events[one.events["peer"] == "bob"].set_index("name")["at_s"]
    seen = one.frames[one.frames["receiver"] == "bob"].dropna(subset=["decoded_s"])
    late = seen[seen["decoded_s"] > events["subscription_changed"] + 1 * SECOND]
    assert late.empty
    assert seen["width"].nunique() >= 2
