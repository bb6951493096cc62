"""What a page that has gone leaves behind in the notebook's process: nothing."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable
from typing import Any

import psutil
import pytest

import labkit as lab
from labkit.experiments.session import Session
from labkit.experiments.spare import spare
from labkit.peers.endpoint import Peer
from labkit.peers.remote import RemoteSide
from tests.experiments.helpers import SMALL, nothing_left, run
from tests.live.comms import fake_wire
from tests.peers.pages import FakePage
from tests.timing import SECOND, until


def alive() -> list[Any]:
    gc.collect()
    found = [one for one in gc.get_objects() if isinstance(one, (Session, Peer, RemoteSide))]
    return [one for one in found if not isinstance(one, Peer) or one.name == "lab"]


async def goes(page: FakePage) -> None:
    page.gone = True
    page.say(type="left")


async def goes_silently(page: FakePage) -> None:
    await page.leave()


@pytest.mark.parametrize("leaves", [goes, goes_silently])
def test_a_page_that_has_gone(leaves: Callable[[FakePage], Awaitable[None]]) -> None:
    before = len(alive())

    async def body() -> None:
        call = lab.browser_call(audio=False, back_video=SMALL, place="kernel")
        for _time in range(2):
            async with FakePage(call, video=SMALL, receives=("video",)) as page:
                page.press("test picture")
                await call.connected(20 * SECOND)
                assert page.name in call._door.here
                await leaves(page)
                await until(lambda: call.state in ("closed", "broken"))
                await until(lambda: call._carrier is None)
            assert call._door.here == []
        await call.close()

    with fake_wire(), nothing_left():
        run(body())
    assert len(alive()) == before


def test_a_page_that_stays_is_known_after_a_call() -> None:
    async def body() -> None:
        call = lab.browser_call(audio=False, back_video=SMALL, place="kernel")
        async with FakePage(call, video=SMALL, receives=("video",)) as page:
            for _time in range(2):
                await call.start()
                assert call._door.page == page.name
                await call.close()
                await until(lambda: page.name in call._door.here)

    with fake_wire(), nothing_left():
        run(body())


def test_a_page_with_the_widget_has_a_worker_ready_until_it_leaves() -> None:
    others = psutil.Process().children()

    async def body() -> None:
        call = lab.browser_call(audio=False, back_video=SMALL)
        async with FakePage(call) as page:
            page.say(type="near")
            page.say(type="near")
            await until(lambda: spare.ready)
            await goes(page)
            await until(lambda: not spare.ready and psutil.Process().children() == others)

    with fake_wire(), nothing_left():
        run(body())
