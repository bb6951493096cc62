from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading

import psutil
import pytest

from labkit.errors import BadValue, LabError, RecordingError
from labkit.net import Link
from labkit.net.relay_handle import Relay
from labkit.process import ChildDied
from tests.net.bridges import bridged, counted, on_a_loop
from tests.net.peers import FakeRecorder
from tests.timing import SECOND


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


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="needs Linux")
@on_a_loop
async def test_says_whether_it_has_real_time_priority() -> None:
    async with await Relay.start() as relay:
        assert relay.realtime == (os.sched_getscheduler(relay.pid) == os.SCHED_FIFO)


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
