from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from labkit.net import Link
from labkit.rooms.running import LivekitServer
from labkit.rooms.settings import ServerOptions
from tests.experiments.helpers import run
from tests.peers.sdk_rooms import SMALL, SdkRoom


def gap_s(room: SdkRoom, receiver: str) -> float:
    """The longest time without a frame at a receiver."""
    times = sorted(
        row["decoded_s"] for row in room.tap.rows["frames"] if row["receiver"] == receiver
    )
    return max(later - earlier for earlier, later in pairwise(times))


def test_a_killed_server_is_named_and_its_successor_carries_on(livekit_binary: object) -> None:
    async def scene() -> None:
        server = LivekitServer(ServerOptions(), build=False, progress=None)
        async with server, SdkRoom(server) as room:
            alice = await room.join_bent("alice", Link(delay_ms=10), Link(), video=SMALL)
            bob = await room.join_bent("bob", Link(), Link())
            await room.until_arrived("bob", 10)
            await server.kill()
            await room.until(lambda: "reconnecting" in room.events("bob"), 3)
            assert bob.connection_state == "disconnected"
            await server.restart()
            for peer in (alice, bob):
                await room.until(lambda peer=peer: peer.connection_state == "connected", 20)
            await room.until_arrived("bob", 10, 20)
            assert gap_s(room, "bob") > 0.2
            await bob.sample()
            host, port = room.bridges["bob"].address_for["bob"]
            assert bob.nominated_pair()["remote"].startswith(f"{host}:{port} ")  # type: ignore[index]
            assert room.failures == []
            assert [r.track for r in bob.receivers] == ["alice:video"]

    run(scene())


def test_closing_after_the_server_is_gone_is_quick(livekit_binary: object) -> None:
    async def scene() -> None:
        server = LivekitServer(ServerOptions(), build=False, progress=None)
        async with server, asyncio.timeout(25):
            async with SdkRoom(server) as room:
                await room.join("alice", video=SMALL)
                await room.join("bob")
                await room.until_arrived("bob", 5)
                await server.kill()
                closing_s = room.clock.now()
            assert room.clock.now() - closing_s < 15

    run(scene())


@pytest.mark.parametrize("single", [True, False])
def test_both_kinds_of_connection_go_through_the_relay(
    livekit_server: LivekitServer, single: bool
) -> None:
    async def scene() -> None:
        options = {"single_peer_connection": single}
        async with SdkRoom(livekit_server) as room:
            await room.join_bent("alice", Link(delay_ms=30), Link(), video=SMALL, options=options)
            bob = await room.join_bent("bob", Link(), Link(delay_ms=30), options=options)
            await room.until_arrived("bob", 10)
            await bob.sample()
            host, port = room.bridges["bob"].address_for["bob"]
            assert bob.nominated_pair()["remote"].startswith(f"{host}:{port} ")  # type: ignore[index]
            late = room.latencies_ms("bob")
            assert min(late) > 60
            counts = await room.bridges["bob"].counts()
            assert counts["sfu->bob"]["delivered"] > 20

    run(scene())
