from __future__ import annotations

import asyncio
import functools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from labkit.errors import BadValue, CallError, LabError, RecordingError
from labkit.net import Link, Phase
from labkit.net.bridge import HELD_DATAGRAMS
from labkit.net.model import LinkModel
from labkit.net.relay_handle import Bridge, Relay
from labkit.process import ChildDied
from tests.net.peers import FakeRecorder, Peer
from tests.timing import SECOND


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@asynccontextmanager
async def bridged(
    forward: Link, back: Link | None = None, seed: int = 1, known: bool = True
) -> AsyncIterator[tuple[Relay, Bridge, Peer, Peer]]:
    """A relay with one bridge between two sockets."""
    with Peer() as alice, Peer() as bob:
        async with await Relay.start() as relay:
            async with await relay.open(
                "alice", "bob", forward=forward, back=back or Link(), seed=seed
            ) as bridge:
                if known:
                    await bridge.set_far("alice", [alice.address])
                    await bridge.set_far("bob", [bob.address])
                yield relay, bridge, alice, bob


async def counted(bridge: Bridge, what: str, number: int) -> dict[str, Any]:
    """Return the counts of the way from alice to bob, once ``what`` has come to ``number``."""
    async with asyncio.timeout(5 * SECOND):
        while (counts := (await bridge.counts())["alice->bob"])[what] < number:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return counts


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


@on_a_loop
async def test_the_wire_is_recorded_from_the_first_packet() -> None:
    stun, rtp = b"\x00\x01early", b"\x80\x60\x00\x07\x00\x00\x00\x09\x00\x00\x00\x05media"
    async with bridged(Link(delay_ms=5)) as (relay, bridge, alice, bob):
        alice.send(stun, bridge.address_for["alice"])
        await bob.receive()
        with FakeRecorder() as recorder:
            await relay.attach(recorder.address, recorder.token)
            bob.send(rtp, bridge.address_for["bob"])
            await alice.receive()
            await bridge.change("alice->bob", Link(loss=1))
            alice.send(b"\x16lost", bridge.address_for["alice"])
            await counted(bridge, "lost", 1)
            assert await relay.detach() == 0
            rows = recorder.finished()
            assert recorder.said_token
        alice.send(b"\x16not recorded", bridge.address_for["alice"])
        with FakeRecorder() as later:
            await relay.attach(later.address, later.token, mode="headers")
            await relay.detach()
            kept = later.finished()
    told = [(row["sender"], row["kind"], row["number"], row["fate"]) for row in rows]
    assert told == [
        ("alice", "stun", 0, "delivered"),
        ("bob", "rtp", 0, "delivered"),
        ("alice", "dtls", 1, "lost"),
    ]
    first, second, third = rows
    assert (first["data"], second["data"]) == (stun, rtp)
    assert 0 < first["sent_s"] < first["due_s"] <= first["arrived_s"] < second["sent_s"]
    assert first["due_s"] - first["sent_s"] == pytest.approx(0.005)
    assert (second["ssrc"], second["sequence"], second["rtp_timestamp"]) == (5, 7, 9)
    assert third["arrived_s"] is None
    assert [(row["number"], row["kind"], row["data"]) for row in kept] == [(0, "stun", None)]


@on_a_loop
async def test_a_long_recording_comes_through_whole() -> None:
    async with bridged(Link()) as (relay, bridge, alice, bob):
        with FakeRecorder() as recorder:
            await relay.attach(recorder.address, recorder.token)
            for number in range(600):
                alice.send(b"\x80%d" % number, bridge.address_for["alice"])
                await bob.receive()
            assert await relay.detach() == 0
            numbers = [row["number"] for row in recorder.finished()]
    assert numbers == list(range(600))


@on_a_loop
async def test_recorders_that_are_not_there_or_too_many_are_refused() -> None:
    async with bridged(Link()) as (relay, _bridge, _alice, _bob):
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            address = nobody.getsockname()
        with pytest.raises(RecordingError, match="cannot reach the recorder"):
            await relay.attach(address, FakeRecorder.token)
        assert await relay.detach() == 0
        with FakeRecorder() as one, FakeRecorder() as two:
            await relay.attach(one.address, one.token)
            with pytest.raises(RecordingError, match="already"):
                await relay.attach(two.address, two.token)
            await relay.detach()
        with pytest.raises(BadValue, match="“full”"):
            await relay.attach(address, FakeRecorder.token, mode="everything")


@on_a_loop
async def test_a_recorder_that_dies_does_not_hurt_the_call() -> None:
    async with bridged(Link()) as (relay, bridge, alice, bob):
        with socket.create_server(("127.0.0.1", 0)) as server:
            await relay.attach(server.getsockname()[:2], FakeRecorder.token)
        for number in range(20):
            alice.send(b"%d" % number, bridge.address_for["alice"])
            assert await bob.receive() == b"%d" % number
            await asyncio.sleep(0.01)
        with FakeRecorder() as recorder:
            await relay.attach(recorder.address, recorder.token)
            await relay.detach()
            recorder.finished()


@on_a_loop
async def test_bad_arguments_are_refused_before_anything_opens() -> None:
    async with bridged(Link()) as (relay, bridge, _alice, _bob):
        with pytest.raises(BadValue, match="different names"):
            await relay.open("alice", "alice", forward=Link(), back=Link(), seed=1)
        with pytest.raises(BadValue, match="a Link"):
            await relay.open("a", "b", forward=Link(), back=50, seed=1)  # type: ignore[arg-type]
        with pytest.raises(BadValue, match="“alice->bob”, “bob->alice”"):
            await bridge.change("alice-bob", Link())
        with pytest.raises(BadValue, match="“alice”, “bob”"):
            await bridge.set_far("carol", [])


@on_a_loop
async def test_a_killed_relay_is_one_clear_error() -> None:
    async with bridged(Link()) as (relay, bridge, _alice, _bob):
        os.kill(relay.pid, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        async with asyncio.timeout(5 * SECOND):
            await asyncio.shield(relay.died)
        assert not relay.alive
        with pytest.raises(ChildDied, match=r"labkit\.net\.relay ended"):
            await bridge.counts()


@on_a_loop
async def test_closing_leaves_nothing_behind() -> None:
    threads = threading.active_count()
    async with bridged(Link(delay_ms=1000)) as (relay, bridge, alice, _bob):
        pid, ports = relay.pid, [address[1] for address in bridge.address_for.values()]
        alice.send(b"under way", bridge.address_for["alice"])
        with FakeRecorder() as recorder:
            await relay.attach(recorder.address, recorder.token)
            await relay.close()
            recorder.finished()
    assert not psutil.pid_exists(pid)
    assert threading.active_count() == threads
    for port in ports:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", port))


PARENT = """
import asyncio, time
from labkit.net import Link
from labkit.net.relay_handle import Relay

async def main():
    relay = await Relay.start()
    await relay.open("alice", "bob", forward=Link(delay_ms=500), back=Link(), seed=1)
    print(relay.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_a_relay_ends_with_its_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent, parent.stdout:
        relay = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
        parent.wait(5 * SECOND)
        gone, alive = psutil.wait_procs([relay], timeout=3 * SECOND)
        assert (len(gone), alive) == (1, [])


def test_importing_the_relay_is_light() -> None:
    code = (
        "import sys, labkit.net.relay, labkit.net.relay_handle, labkit.net.prober\n"
        "heavy = {'numpy', 'pandas', 'aiortc', 'av', 'cloudpickle'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30 * SECOND)


def test_errors_of_the_relay_are_the_labs() -> None:
    assert issubclass(ChildDied, LabError)
