"""The real server: ready, stopped, killed, brought back, and never left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
from livekit import api

from labkit.errors import BadValue, CallError
from labkit.rooms import livekit, room_token
from labkit.rooms.ports import free_port
from labkit.rooms.running import LivekitServer
from tests.rooms.joining import join
from tests.timing import SECOND

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 30 * SECOND))


def own(**options: Any) -> LivekitServer:
    server = livekit(own=True, build=False, **options)
    assert isinstance(server, LivekitServer)
    return server


def gone(pid: int, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


async def knows(server: LivekitServer, secret: str | None = None) -> int:
    """Return 0 when the server lets us list rooms, else the HTTP status."""
    async with api.LiveKitAPI(server.http_url, server.api_key, secret or server.api_secret) as lk:
        try:
            await lk.room.list_rooms(api.ListRoomsRequest())
        except api.ServerError as error:
            return int(error.status)
    return 0


def sockets(pid: int) -> set[tuple[str, str]]:
    kinds = {1: "tcp", 2: "udp"}
    found = psutil.Process(pid).net_connections("inet")
    listening = [s for s in found if s.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)]
    return {(kinds[int(s.type)], s.laddr.ip) for s in listening}


def test_every_socket_is_on_loopback(livekit_server: LivekitServer) -> None:
    assert livekit_server.pid is not None
    assert sockets(livekit_server.pid) == {("tcp", "127.0.0.1"), ("udp", "127.0.0.1")}
    assert livekit_server.opened == ""


def test_it_is_ready_knows_its_secret_and_no_other(livekit_server: LivekitServer) -> None:
    assert livekit_server.ready_after_s is not None
    assert 0 < livekit_server.ready_after_s < 10 * SECOND
    assert run(knows(livekit_server)) == 0
    assert run(knows(livekit_server, "x" * 40)) == 401


def test_the_log_is_searched_and_tells_no_secret(livekit_server: LivekitServer) -> None:
    assert any("1.13.5" in line for line in livekit_server.log("starting livekit"))
    assert livekit_server.log("no such line") == []
    assert not any(livekit_server.api_secret in line for line in livekit_server.log())
    assert livekit_server.api_secret not in repr(livekit_server) + repr(livekit_server.address)
    assert livekit_server.api_secret not in repr(livekit_server.config)


def test_counters_need_their_password(livekit_server: LivekitServer) -> None:
    import aiohttp

    async def work() -> None:
        counters = await livekit_server.metrics()
        assert "livekit_room_total" in counters
        assert not any(name.startswith("go_") or "_bucket" in name for name in counters)
        async with aiohttp.ClientSession() as session:
            async with session.get(livekit_server.config.metrics_url) as answer:
                assert answer.status == 401

    run(work())


def test_restart_keeps_ports_secret_and_limits(livekit_binary: Path) -> None:
    async def work() -> None:
        async with own(max_participants=2) as server:
            before = (server.config, server.pid)
            await server.kill()
            assert not server.alive
            assert server.pid is None
            await server.restart()
            assert server.config == before[0]
            assert server.pid != before[1]
            assert await knows(server) == 0
            await server.restart()  # of one that runs
            assert await knows(server) == 0

    run(work())


def test_a_crash_is_seen(livekit_binary: Path) -> None:
    async def work() -> None:
        async with own() as server:
            assert server.pid is not None
            os.kill(server.pid, signal.SIGKILL)
            for _attempt in range(100):
                if not server.alive:
                    break
                await asyncio.sleep(0.02 * SECOND)
            assert not server.alive
            with pytest.raises(CallError, match="counters"):
                await server.metrics()

    run(work())


def test_stopped_within_2_s_at_once_and_with_somebody_in_a_room(livekit_binary: Path) -> None:
    import aiohttp

    async def work() -> tuple[int, float, float]:
        async with own() as server:
            pass  # in its first tenth of a second it does not hear
        server = await own().start()
        pid = server.pid
        assert pid is not None
        token = room_token(server, "alice", "full-of-life")
        async with aiohttp.ClientSession() as session:
            async with await join(server, session, token):
                await asyncio.sleep(0.2)
                began_s = time.perf_counter()
                await server.close()
                took_s = time.perf_counter() - began_s
        began_s = time.perf_counter()
        await server.close()  # twice is fine
        return pid, took_s, time.perf_counter() - began_s

    pid, took_s, again_s = run(work())
    assert took_s < 2 * SECOND
    assert again_s < 0.1 * SECOND
    assert gone(pid, 0.1)


def test_it_ends_when_the_kernel_is_killed(livekit_binary: Path) -> None:
    code = (
        "import asyncio\n"
        "from labkit.rooms import livekit\n"
        "async def main():\n"
        "    async with livekit(own=True, build=False) as server:\n"
        "        print(server.pid, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as kernel:
        assert kernel.stdout is not None
        pid = int(kernel.stdout.readline())
        kernel.kill()
        kernel.wait()
    assert gone(pid, 2 * SECOND)


@pytest.mark.skipif(sys.platform != "linux", reason="needs Windows or macOS to do the same")
def test_it_ends_even_when_its_keeper_is_killed(livekit_binary: Path) -> None:
    async def work() -> None:
        async with own() as server:
            assert server.pid is not None
            pid = server.pid
            psutil.Process(pid).parent().kill()  # type: ignore[union-attr]
            assert await asyncio.to_thread(gone, pid, 2 * SECOND)
            with pytest.raises(CallError, match="not running"):
                await server.restart()
            assert not server.alive

    run(work())


def test_turn_answers_on_loopback_and_relays_to_the_server(livekit_server: LivekitServer) -> None:
    """In a process of its own: the SDK is native code."""
    assert livekit_server.config.turn_port is not None
    code = (
        "import asyncio, sys\n"
        "from livekit import rtc\n"
        "async def main():\n"
        "    room = rtc.Room()\n"
        "    relay = rtc.IceTransportType.TRANSPORT_RELAY\n"
        "    config = rtc.RtcConfiguration(ice_transport_type=relay)\n"
        "    await room.connect(*sys.argv[1:], rtc.RoomOptions(rtc_config=config))\n"
        "    stats = (await room.get_rtc_stats()).publisher_stats\n"
        "    names = [s.local_candidate for s in stats if s.HasField('local_candidate')]\n"
        "    print(*{c.candidate.url for c in names})\n"
        "    await room.disconnect()\n"
        "asyncio.run(asyncio.wait_for(main(), 10))\n"
    )
    token = room_token(livekit_server, "alice", "turn")
    command = [sys.executable, "-c", code, livekit_server.url, token]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20 * SECOND)
    assert f"turn:127.0.0.1:{livekit_server.config.turn_port}" in done.stdout, done.stderr[-800:]


def test_two_side_by_side(livekit_binary: Path) -> None:
    async def work() -> None:
        async with own() as first, own() as second:
            assert first.api_secret != second.api_secret
            assert await knows(first) == await knows(second) == 0
            assert await knows(first, second.api_secret) == 401

    run(work())


@pytest.mark.parametrize("name", ["port", "udp_port"])
def test_a_taken_port_is_said(livekit_server: LivekitServer, name: str) -> None:
    taken = getattr(livekit_server.config, name)
    server = own(**{name: taken})
    with pytest.raises(BadValue, match=f"Port {taken} is taken"):
        run(server.start())
    assert not server.alive


def test_a_chosen_port_is_used(livekit_binary: Path) -> None:
    port = free_port("127.0.0.1")

    async def work() -> str:
        async with own(port=port) as server:
            return server.url

    assert run(work()) == f"ws://127.0.0.1:{port}"


def test_starting_twice_is_refused_and_settings_need_a_start(livekit_server: LivekitServer) -> None:
    with pytest.raises(CallError, match="running already"):
        run(livekit_server.start())
    with pytest.raises(CallError, match="not running"):
        _ = own().url


def test_nothing_is_left_open(livekit_binary: Path) -> None:
    me = psutil.Process()

    def held() -> tuple[int, int, int]:
        return me.num_threads(), me.num_fds(), len(me.children(recursive=True))

    async def work() -> None:
        async with own():
            pass

    run(work())
    before = held()
    run(work())
    assert held() == before
