from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest

from labkit.errors import BadValue
from labkit.net import Link
from labkit.net.bridge import MOST_PATHS
from labkit.net.bridge import Bridge as HeldBridge
from labkit.net.relay_handle import Bridge, Relay
from tests.net.bridges import on_a_loop
from tests.net.peers import Peer
from tests.timing import SECOND


@asynccontextmanager
async def roaming(forward: Link, known: bool = True) -> AsyncIterator[tuple[Bridge, Peer]]:
    """A bridge from alice, who may roam, to a server."""
    with Peer() as server:
        async with await Relay.start() as relay:
            async with await relay.open(
                "alice", "sfu", forward=forward, back=Link(), seed=1, roaming="alice"
            ) as bridge:
                if known:
                    await bridge.set_far("sfu", [server.address])
                yield bridge, server


async def heard(server: Peer) -> tuple[bytes, tuple[str, int]]:
    async with asyncio.timeout(5 * SECOND):
        return await asyncio.get_running_loop().sock_recvfrom(server.socket, 4096)


@on_a_loop
async def test_each_source_is_answered_at_its_own_address() -> None:
    async with roaming(Link(delay_ms=5)) as (bridge, server):
        with Peer() as first, Peer() as second:
            seen = {}
            for peer, word in ((first, b"first"), (second, b"second"), (first, b"first again")):
                peer.send(word, bridge.address_for["alice"])
                data, path = await heard(server)
                assert data == word
                seen[word] = path
            assert seen[b"first"] == seen[b"first again"] != seen[b"second"]
            server.send(b"to the first", seen[b"first"])
            server.send(b"to the second", seen[b"second"])
            assert await first.receive() == b"to the first"
            assert await second.receive() == b"to the second"
        counts = await bridge.counts()
        assert counts["alice->sfu"]["delivered"] == 3
        assert counts["sfu->alice"]["delivered"] == 2


@on_a_loop
async def test_what_comes_before_the_server_is_known_waits_for_it() -> None:
    async with roaming(Link(), known=False) as (bridge, server):
        with Peer() as alice:
            alice.send(b"early", bridge.address_for["alice"])
            while (await bridge.counts())["alice->sfu"]["held"] == 0:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            await bridge.set_far("sfu", [server.address])
            data, path = await heard(server)
            assert data == b"early"
            server.send(b"hello", path)
            assert await alice.receive() == b"hello"


@on_a_loop
async def test_only_the_server_may_use_a_path() -> None:
    async with roaming(Link()) as (bridge, server):
        with Peer() as alice, Peer() as mallory:
            alice.send(b"hello", bridge.address_for["alice"])
            _data, path = await heard(server)
            mallory.send(b"lies", path)
            server.send(b"truth", path)
            assert await alice.receive() == b"truth"
            assert await alice.receive_all(0.05) == []
        assert (await bridge.counts())["sfu->alice"]["strangers"] == 1


@on_a_loop
async def test_the_path_unused_longest_is_given_up() -> None:
    async with roaming(Link()) as (bridge, server), asyncio.timeout(20 * SECOND):
        with ExitStack() as stack:
            peers = [stack.enter_context(Peer()) for _number in range(MOST_PATHS + 1)]
            paths = []
            for peer in peers:
                peer.send(b"here", bridge.address_for["alice"])
                paths.append((await heard(server))[1])
            server.send(b"old", paths[0])
            server.send(b"young", paths[-1])
            assert await peers[-1].receive() == b"young"
            assert await peers[0].receive_all(0.05) == []
            peers[0].send(b"again", bridge.address_for["alice"])
            data, path = await heard(server)
            assert (data, path not in paths[1:]) == (b"again", True)


@on_a_loop
async def test_only_a_peer_of_the_bridge_can_roam() -> None:
    async with await Relay.start() as relay:
        with pytest.raises(BadValue, match="“alice”, “sfu”"):
            await relay.open("alice", "sfu", forward=Link(), back=Link(), seed=1, roaming="bob")


def test_closing_a_bridge_closes_the_paths() -> None:
    bridge = HeldBridge(("alice", "sfu"), Link(), Link(), seed=1, roaming="alice")
    path = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bridge.sides["alice"].paths["127.0.0.1", 9] = path
    assert len(bridge.sockets()) == 3
    bridge.close()
    assert path.fileno() == -1
