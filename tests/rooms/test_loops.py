"""A server that is used from another loop than the one that started it."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from labkit.errors import WaitTimeout
from labkit.rooms import running
from labkit.rooms.running import LivekitServer
from tests.rooms.test_server import gone, own, run
from tests.timing import SECOND


def test_it_is_used_from_another_loop(livekit_binary: Path) -> None:
    async def work() -> None:
        async with own() as server:

            def elsewhere() -> bool:
                asyncio.run(server.kill())
                was_dead = not server.alive
                asyncio.run(server.restart())
                return was_dead

            assert await asyncio.to_thread(elsewhere)
            assert server.alive

    run(work())


def test_it_ends_though_the_loop_that_started_it_is_gone(livekit_binary: Path) -> None:
    server = own()
    run(server.start())
    pid = server.pid
    run(server.close())
    assert pid is not None
    assert gone(pid, 2 * SECOND)
    assert not server.alive
    run(server.close())


def test_a_loop_that_is_busy_is_said(livekit_binary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "HOME_WITHIN_S", 0.2)

    async def work() -> None:
        async with own() as server:
            thread = threading.Thread(target=elsewhere, args=(server,))
            thread.start()
            thread.join()  # which keeps this loop busy

    def elsewhere(server: LivekitServer) -> None:
        try:
            asyncio.run(server.kill())
        except WaitTimeout as error:
            told.append(str(error))

    told: list[str] = []
    run(work())
    assert "busy while a cell runs" in told[0]
