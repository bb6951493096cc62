"""A real LiveKit server for tests, one for all folders; tests/conftest.py makes it known."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.timing import SECOND

if TYPE_CHECKING:
    from labkit.rooms.running import LivekitServer

__all__ = ["livekit_binary", "livekit_server"]


@pytest.fixture(scope="session")
def livekit_binary() -> Path:
    """The server's program, built (about two minutes) where it is not there."""
    from labkit.errors import MissingPart
    from labkit.rooms.build import build_server, find_server

    try:
        return find_server() or build_server()
    except MissingPart as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def livekit_server(livekit_binary: Path) -> Iterator[LivekitServer]:
    """One running server on loopback for all tests, with TURN; each test takes a room of its own.

    It lives on a loop in a thread, so that tests may use it from loops of theirs. Tests that
    end the server make their own.
    """
    from labkit.rooms.running import LivekitServer
    from labkit.rooms.settings import ServerOptions

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="livekit server", daemon=True)
    thread.start()

    def wait(work: object) -> object:
        return asyncio.run_coroutine_threadsafe(work, loop).result(15 * SECOND)  # type: ignore[arg-type]

    server = LivekitServer(ServerOptions(turn=True), build=False, progress=None)
    try:
        wait(server.start())
        yield server
        wait(server.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(2.0)
        loop.close()
