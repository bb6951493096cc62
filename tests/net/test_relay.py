from __future__ import annotations

import asyncio
import time

import pytest

from labkit.errors import CallError
from labkit.net import Link, Phase
from labkit.net.bridge import HELD_DATAGRAMS
from labkit.net.model import LinkModel
from labkit.net.relay_handle import Relay
from tests.net.bridges import bridged, counted, on_a_loop
from tests.net.peers import Peer
from tests.timing import SECOND


@on_a_loop
async def test_carries_both_ways_each_with_its_delay() -> None:
    async with bridged(Link(delay_ms=80), Link(delay_ms=20)) as (_relay, bridge, alice, bob):
        begin = time.perf_counter()
        alice.send(b"there", bridge.address_for["alice"])
        assert await bob.receive() == b"there"
        there = time.perf_counter() - begin
        bob.send(b"back", bridge.address_for["bob"])
        assert await alice.receive() == b"back"
        assert 0.079 < there < 0.08 + SECOND
        counts = await bridge.counts()
        assert counts["alice->bob"]["received"] == counts["alice->bob"]["delivered"] == 1
        assert counts["bob->alice"]["delivered"] == 1
        error_ms = counts["alice->bob"]["link_error_ms"]
        assert error_ms["n"] == 1
        assert 0 <= error_ms["p50"] < 1000 * SECOND


@on_a_loop
async def test_carried_bytes_are_those_on_the_wire() -> None:
    async with bridged(Link(), Link(loss=1)) as (relay, bridge, alice, bob):
        for _time in range(3):
            alice.send(b"x" * 100, bridge.address_for["alice"])
            assert await bob.receive() == b"x" * 100
        bob.send(b"never", bridge.address_for["bob"])
        assert await alice.receive_all() == []
        carried = await relay.carried_bytes()
        assert carried == {"alice->bob": 3 * 128, "bob->alice": 0}


@on_a_loop
async def test_order_is_kept_in_a_burst() -> None:
    async with bridged(Link(delay_ms=10, jitter_ms=8)) as (_relay, bridge, alice, bob):
        sent = [b"%d" % number for number in range(200)]
        for data in sent:
            alice.send(data, bridge.address_for["alice"])
        assert [await bob.receive() for _data in sent] == sent


@on_a_loop
async def test_strangers_do_not_enter() -> None:
    async with bridged(Link()) as (_relay, bridge, alice, bob):
        with Peer() as mallory:
            mallory.send(b"lies", bridge.address_for["alice"])
            mallory.send(b"lies", bridge.address_for["bob"])
            alice.send(b"truth", bridge.address_for["alice"])
            assert await bob.receive() == b"truth"
            assert await bob.receive_all() == []
            assert await alice.receive_all() == []
        counts = await bridge.counts()
        assert [counts[way]["strangers"] for way in bridge.directions] == [1, 1]
        assert counts["bob->alice"]["received"] == 0


@on_a_loop
async def test_nothing_around_the_relay_is_told_or_needed() -> None:
    async with bridged(Link()) as (_relay, bridge, alice, bob):
        ports = {port for _host, port in bridge.address_for.values()}
        assert len(ports) == 2
        assert ports.isdisjoint({alice.address[1], bob.address[1]})
        assert {host for host, _port in bridge.address_for.values()} == {"127.0.0.1"}


@on_a_loop
async def test_datagrams_wait_until_the_far_address_is_told() -> None:
    async with bridged(Link(), known=False) as (_relay, bridge, alice, bob):
        alice.send(b"early", bridge.address_for["alice"])
        assert await bob.receive_all() == []
        assert (await bridge.counts())["alice->bob"]["held"] == 1
        await bridge.set_far("bob", [bob.address])
        assert await bob.receive() == b"early"
        assert (await bridge.counts())["alice->bob"]["held"] == 0


@on_a_loop
async def test_the_far_address_is_learned_from_its_first_datagram() -> None:
    async with bridged(Link(), known=False) as (_relay, bridge, alice, bob):
        await bridge.set_far("bob", [])
        alice.send(b"early", bridge.address_for["alice"])
        bob.send(b"hello", bridge.address_for["bob"])
        assert await bob.receive() == b"early"
        assert await alice.receive() == b"hello"


@on_a_loop
async def test_what_is_held_is_bounded() -> None:
    async with bridged(Link(), known=False) as (_relay, bridge, alice, bob):
        for number in range(HELD_DATAGRAMS + 20):
            alice.send(b"%d" % number, bridge.address_for["alice"])
            await asyncio.sleep(0)
        counts = await counted(bridge, "received", HELD_DATAGRAMS + 20)
        assert (counts["held"], counts["queue_full"]) == (HELD_DATAGRAMS, 20)
        await bridge.set_far("bob", [bob.address])
        assert await bob.receive() == b"0"


@on_a_loop
async def test_a_link_changes_while_it_runs() -> None:
    async with bridged(Link()) as (_relay, bridge, alice, bob):
        alice.send(b"1", bridge.address_for["alice"])
        assert await bob.receive() == b"1"
        at_s = await bridge.change("alice->bob", Link(loss=1))
        assert at_s > 0
        alice.send(b"2", bridge.address_for["alice"])
        assert await bob.receive_all() == []
        await bridge.change("alice->bob", Link())
        alice.send(b"3", bridge.address_for["alice"])
        assert await bob.receive() == b"3"
        assert (await bridge.counts())["alice->bob"]["lost"] == 1


@on_a_loop
async def test_phases_follow_the_calls_clock() -> None:
    link = Link(phases=(Phase(1000, loss=1),))
    with Peer() as alice, Peer() as bob:
        async with await Relay.start(time_zero=time.perf_counter() - 2000) as relay:
            for time_zero, fate in ((time.perf_counter() - 2000, "lost"), (None, "delivered")):
                await relay.set_time_zero(time_zero or time.perf_counter())
                bridge = await relay.open("alice", "bob", forward=link, back=link, seed=1)
                await bridge.set_far("bob", [bob.address])
                alice.send(b"x", bridge.address_for["alice"])
                await bob.receive_all()
                assert (await bridge.counts())["alice->bob"][fate] == 1
                await bridge.close()


@on_a_loop
async def test_real_datagrams_meet_the_fates_of_the_model() -> None:
    link = Link(loss=0.05, loss_model="exact", duplicate=0.1)
    model = LinkModel(link, seed=42, direction="alice->bob")
    arrived = 0
    async with bridged(link, seed=42) as (_relay, bridge, alice, bob):
        for number in range(300):
            data = b"%d" % number
            alice.send(data, bridge.address_for["alice"])
            for _copy in model.push(number, len(data)).due_s:
                assert await bob.receive() == data
                arrived += 1
        assert await bob.receive_all() == []
        counts = (await bridge.counts())["alice->bob"]
        assert (counts["lost"], counts["delivered"]) == (15, 285)
        assert counts["duplicated"] == arrived - 285


@on_a_loop
async def test_two_bridges_do_not_mix_and_end_apart() -> None:
    async with bridged(Link()) as (relay, one, alice, bob):
        with Peer() as carol, Peer() as dave:
            two = await relay.open("carol", "dave", forward=Link(loss=1), back=Link(), seed=2)
            await two.set_far("carol", [carol.address])
            carol.send(b"lost", two.address_for["carol"])
            dave.send(b"fine", two.address_for["dave"])
            assert await carol.receive() == b"fine"
            await two.close()
            await two.close()
            alice.send(b"still here", one.address_for["alice"])
            assert await bob.receive() == b"still here"
            assert await dave.receive_all() == []
            with pytest.raises(CallError, match="closed"):
                await two.counts()


@on_a_loop
async def test_a_bridge_is_closed_with_datagrams_under_way() -> None:
    async with bridged(Link(delay_ms=100)) as (relay, bridge, alice, bob):
        alice.send(b"never", bridge.address_for["alice"])
        await counted(bridge, "received", 1)
        await bridge.close()
        assert await bob.receive_all(0.3) == []
        assert relay.alive


@on_a_loop
async def test_what_the_system_refuses_is_counted() -> None:
    async with bridged(Link(), known=False) as (_relay, bridge, alice, _bob):
        await bridge.set_far("bob", [("255.255.255.255", 9)])
        alice.send(b"x", bridge.address_for["alice"])
        counts = await counted(bridge, "not_sent", 1)
        assert counts["delivered"] == 0
