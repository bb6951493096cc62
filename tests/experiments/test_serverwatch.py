"""A server that goes and comes back is told once each; a slow one is not taken for gone."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from labkit.experiments import serverwatch
from tests.experiments.helpers import nothing_left, run
from tests.timing import SECOND


def test_what_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serverwatch, "EVERY_S", 0.05)
    slow_s = 0.0
    told: list[bool] = []

    async def answer(request: web.Request) -> web.Response:
        await asyncio.sleep(slow_s)
        return web.Response()

    async def serve(port: int) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        return runner

    async def until(count: int) -> None:
        while len(told) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def work() -> None:
        nonlocal slow_s
        runner = await serve(0)
        port = runner.addresses[0][1]
        watching = asyncio.create_task(
            serverwatch.watch_server(f"http://127.0.0.1:{port}/", told.append)
        )
        await asyncio.sleep(0.2)
        slow_s = 0.1
        await asyncio.sleep(0.2)
        assert told == []
        await until(1)  # silent for too long
        slow_s = 0.0
        await until(2)
        await runner.cleanup()
        await until(3)
        runner = await serve(port)
        await until(4)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await runner.cleanup()

    with nothing_left():
        run(work())
    assert told == [False, True, False, True]


@pytest.mark.parametrize("keeps", [True, False])
def test_one_that_is_back_between_two_looks(keeps: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serverwatch, "EVERY_S", 0.2 * SECOND)
    told: list[bool] = []
    looks = 0

    async def answer(request: web.Request) -> web.Response:
        nonlocal looks
        looks += 1
        response = web.Response()
        if not keeps:
            response.force_close()
        return response

    async def work() -> None:
        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        watching = asyncio.create_task(
            serverwatch.watch_server(f"http://127.0.0.1:{port}/", told.append)
        )
        while looks < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert told == []
        for connection in list(runner.server.connections if runner.server else ()):
            assert connection.transport is not None
            connection.transport.abort()  # as a process that ends does it
        while looks < 5:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await runner.cleanup()

    with nothing_left():
        run(work())
    assert told == ([False, True] if keeps else [])
