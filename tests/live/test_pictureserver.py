from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Coroutine
from typing import Any

import psutil
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from labkit.live import pictureserver
from labkit.live.pictureserver import PictureServer, Viewer, packed
from tests.timing import SECOND

NONE = 2**32 - 1


def numbers(sent: list[bytes]) -> list[tuple[int, int]]:
    return [struct.unpack("!II", message[:8]) for message in sent]


def test_a_page_gets_the_newest_picture_as_fast_as_it_answers() -> None:
    sent: list[bytes] = []
    viewer = Viewer(sent.append)
    for frame in range(10):
        viewer.offer((frame, b"jpeg"))
    assert numbers(sent) == [(1, 0), (2, 1)]
    viewer.shown(1)
    assert numbers(sent)[2:] == [(3, 9)]
    viewer.shown(1)  # said twice
    viewer.shown(99)  # more than there were
    assert len(sent) == 3
    viewer.offer((None, b"jpeg"))
    assert numbers(sent)[3:] == [(4, NONE)]
    assert sent[3].endswith(b"jpeg")


def test_a_page_that_leaves_pictures_unanswered_counts_as_gone() -> None:
    now = [100.0]
    viewer = Viewer(lambda message: None, lambda: now[0])
    now[0] += 60
    assert not viewer.gone  # it owes nothing
    viewer.offer((1, b""))
    assert not viewer.gone
    now[0] += 9
    assert not viewer.gone
    now[0] += 2
    assert viewer.gone
    viewer.shown(1)
    assert not viewer.gone


def serving(
    work: Callable[[PictureServer, ClientSession, list[str]], Coroutine[Any, Any, None]],
) -> None:
    async def body() -> None:
        left: list[str] = []
        server = PictureServer(lambda: left.append("left"))
        await server.start()
        try:
            async with ClientSession() as session:
                await work(server, session, left)
        finally:
            await server.close()
        await asyncio.sleep(0)
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        assert not tasks

    asyncio.run(body())


def address(server: PictureServer, path: str | None = None) -> str:
    return f"http://127.0.0.1:{server.port}/{server.path if path is None else path}"


async def received(socket: ClientWebSocketResponse) -> tuple[int, int, bytes]:
    data = await socket.receive_bytes(timeout=5 * SECOND)
    return (*struct.unpack("!II", data[:8]), data[8:])


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(10 * SECOND):
        while not so():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_pictures_arrive_and_are_paced_by_the_answers() -> None:
    async def work(server: PictureServer, session: ClientSession, left: list[str]) -> None:
        assert not await server.viewed(0.01)
        async with session.ws_connect(address(server)) as socket:
            assert await server.viewed(5 * SECOND)
            for frame in range(5):
                server.offer(frame, b"picture %d" % frame)
            assert await received(socket) == (1, 0, b"picture 0")
            assert await received(socket) == (2, 1, b"picture 1")
            await socket.send_str("words that are no number")
            await socket.send_str("2")
            assert await received(socket) == (3, 4, b"picture 4")

    serving(work)


def test_only_this_machine_and_only_with_the_secret() -> None:
    async def work(server: PictureServer, session: ClientSession, left: list[str]) -> None:
        ends = psutil.Process().net_connections(kind="tcp")
        listening = {e.laddr.ip for e in ends if e.laddr.port == server.port and not e.raddr}
        assert listening == {"127.0.0.1"}
        assert len(server.path) >= 20
        for path in ("", "ws", server.path[:-1], server.path + "x", f"{server.path}/x"):
            with pytest.raises(WSServerHandshakeError) as refused:
                await session.ws_connect(address(server, path))
            assert refused.value.status == 404
        assert not await server.viewed(0.01)

    serving(work)


def test_a_page_may_come_back_and_otherwise_it_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictureserver, "COME_BACK_S", 0.3 * SECOND)

    async def work(server: PictureServer, session: ClientSession, left: list[str]) -> None:
        async with session.ws_connect(address(server)):
            pass
        async with session.ws_connect(address(server)) as socket:
            await asyncio.sleep(0.5 * SECOND)
            assert left == []
            server.offer(7, b"still here")
            assert await received(socket) == (1, 7, b"still here")
        await until(lambda: left == ["left"])

    serving(work)


def test_closing_lets_the_pages_go() -> None:
    async def work(server: PictureServer, session: ClientSession, left: list[str]) -> None:
        async with session.ws_connect(address(server)) as socket:
            assert await server.viewed(5 * SECOND)
            server.offer(1, b"under way")
            closing = asyncio.ensure_future(server.close())
            kinds = [(await socket.receive(timeout=5 * SECOND)).type for _k in range(2)]
            assert kinds[-1] in (WSMsgType.CLOSE, WSMsgType.CLOSING)
            await closing
        assert left == []

    serving(work)


def test_a_silent_page_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictureserver, "SILENT_S", 0.1 * SECOND)
    monkeypatch.setattr(pictureserver, "COME_BACK_S", 0.1 * SECOND)

    async def work(server: PictureServer, session: ClientSession, left: list[str]) -> None:
        async with session.ws_connect(address(server)):
            assert await server.viewed(5 * SECOND)
            server.offer(1, b"")
            await asyncio.sleep(0.3 * SECOND)
            server.offer(2, b"")
            await until(lambda: left == ["left"])

    serving(work)


def test_a_message_is_a_head_and_a_picture() -> None:
    assert packed(3, (258, b"JPEG")) == b"\x00\x00\x00\x03\x00\x00\x01\x02JPEG"
    assert packed(1, (None, b"")) == b"\x00\x00\x00\x01\xff\xff\xff\xff"
