"""A server that the environment names: used as it is, and never ended."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from livekit import api

from labkit.errors import BadValue, CallError
from labkit.rooms import livekit
from labkit.rooms.ports import free_port
from labkit.rooms.running import LivekitServer
from labkit.rooms.server import ForeignServer
from tests.timing import SECOND

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 30 * SECOND))


def foreign(monkeypatch: pytest.MonkeyPatch, url: str, key: str, secret: str) -> None:
    monkeypatch.setenv("LIVEKIT_URL", url)
    monkeypatch.setenv("LIVEKIT_API_KEY", key)
    monkeypatch.setenv("LIVEKIT_API_SECRET", secret)


def test_a_foreign_server_is_used_and_left_alone(
    monkeypatch: pytest.MonkeyPatch, livekit_server: LivekitServer
) -> None:
    foreign(monkeypatch, livekit_server.url, livekit_server.api_key, livekit_server.api_secret)
    server = livekit()
    assert isinstance(server, ForeignServer)

    async def work() -> None:
        async with server:
            assert server.address == livekit_server.address
            assert server.alive
            assert (server.opened, server.log()) == ("", [])
            assert server.url in repr(server)
            async with server.api() as lk:
                await lk.room.list_rooms(api.ListRoomsRequest())
            for forbidden in (server.kill, server.restart, server.metrics):
                with pytest.raises(CallError, match="not the lab's own"):
                    await forbidden()
        assert livekit_server.alive

    run(work())
    assert isinstance(livekit(own=True), LivekitServer)
    with pytest.raises(BadValue, match="its own settings"):
        livekit(max_participants=2)


def test_a_foreign_server_with_a_wrong_secret_or_none_at_all(
    monkeypatch: pytest.MonkeyPatch, livekit_server: LivekitServer
) -> None:
    foreign(monkeypatch, livekit_server.url, livekit_server.api_key, "y" * 40)
    with pytest.raises(CallError, match=r"refuses us.*secret"):
        run(livekit().start())
    foreign(monkeypatch, f"ws://127.0.0.1:{free_port('127.0.0.1')}", "key", "y" * 40)
    with pytest.raises(CallError, match="does not answer"):
        run(livekit().start())
    foreign(monkeypatch, "localhost", "key", "y" * 40)
    with pytest.raises(BadValue, match="LIVEKIT_URL"):
        livekit()
    monkeypatch.delenv("LIVEKIT_API_SECRET")
    with pytest.raises(BadValue, match="LIVEKIT_API_SECRET"):
        livekit()
