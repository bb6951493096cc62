from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from labkit.errors import BadValue, CallError
from labkit.net import Link
from labkit.peers.sdk import SdkPeer
from labkit.peers.sdkdata import echo, measure_data, measure_rpc, measure_text
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import run
from tests.peers.sdk_rooms import SdkRoom
from tests.timing import SECOND


@asynccontextmanager
async def two(
    server: LivekitServer, uplink: Link | None = None, **rights: object
) -> AsyncIterator[tuple[SdkRoom, SdkPeer, SdkPeer]]:
    async with SdkRoom(server) as room:
        bob = await room.join("bob")
        if uplink is None:
            alice = await room.join("alice", rights=rights)
        else:
            alice = await room.join_bent("alice", uplink, Link(), rights=rights)
        echo(bob)
        echo(bob)  # twice is once
        yield room, alice, bob


@pytest.mark.parametrize("reliable", [True, False])
def test_data_there_and_back(livekit_server: LivekitServer, reliable: bool) -> None:
    async def scene() -> None:
        async with two(livekit_server) as (room, alice, _bob):
            got = await measure_data(alice, "bob", reliable=reliable, count=30, rate_hz=100)
            channel = "data reliable" if reliable else "data lossy"
            assert (got.channel, got.sent, got.answered) == (channel, 30, 30)
            assert 0 < got.percentile(50) < 1000 * SECOND  # type: ignore[operator]
            rows = [row for row in room.tap.rows["messages"] if row["channel"] == channel]
            for name in ("sent", "received"):
                told = [row for row in rows if row["name"] == name]
                assert [row["body"] for row in told] == [str(number) for number in range(30)]
                assert {(r["sender"], r["receiver"], r["size_bytes"]) for r in told} == {
                    ("alice", "bob", 100)
                }
            assert room.newest("alice", f"rtt_ms:{channel}") is not None

    run(scene())


def test_reliable_data_survives_loss_and_lossy_does_not(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with two(livekit_server, Link(delay_ms=5, loss=0.3)) as (_room, alice, _bob):
            lossy = await measure_data(
                alice, "bob", reliable=False, count=60, rate_hz=60, wait_s=0.5 * SECOND
            )
            assert 20 <= lossy.answered < 60
            sure = await measure_data(alice, "bob", count=20, rate_hz=60, wait_s=12 * SECOND)
            assert sure.answered == 20
            assert sure.percentile(0) >= 5  # type: ignore[operator]

    run(scene())


def test_text_and_calls_there_and_back(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with two(livekit_server) as (_room, alice, _bob):
            text = await measure_text(alice, "bob", count=5, rate_hz=20, size_bytes=40_000)
            assert (text.channel, text.answered) == ("text", 5)
            calls = await measure_rpc(alice, "bob", count=5, rate_hz=20)
            assert (calls.channel, calls.answered) == ("rpc", 5)

    run(scene())


def test_a_call_that_nobody_answers_is_counted_and_told(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            await room.join("bob")  # no echo
            alice = await room.join("alice")
            calls = await measure_rpc(alice, "bob", count=2, rate_hz=20)
            assert (calls.sent, calls.answered, calls.percentile(50)) == (2, 0, None)
            assert room.events("alice").count("rpc_failed") == 2

    run(scene())


def test_what_the_server_would_silently_drop_is_refused(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with two(livekit_server, can_publish_data=False) as (_room, alice, _bob):
            with pytest.raises(CallError, match="no right to send data"):
                await measure_data(alice, "bob")

    run(scene())


def test_arguments_are_checked(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with two(livekit_server) as (_room, alice, _bob):
            with pytest.raises(BadValue, match=r"Nobody in the room is called 'eve'.*bob"):
                await measure_rpc(alice, "eve")
            with pytest.raises(BadValue, match=r"size_bytes=64000.*60000"):
                await measure_data(alice, "bob", size_bytes=64_000)
            with pytest.raises(BadValue, match="count=0"):
                await measure_data(alice, "bob", count=0)
            with pytest.raises(BadValue, match="rate_hz"):
                await measure_text(alice, "bob", rate_hz=5000)

    run(scene())
