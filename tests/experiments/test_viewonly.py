"""A page that no media reaches: pictures alone, and a Run that says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession

import labkit as lab
from labkit.experiments import session, viewonly
from labkit.experiments.breaks import NoMediaPath
from labkit.experiments.browsers import BrowserCall
from tests.experiments.helpers import SMALL, nothing_left, run
from tests.live.comms import fake_wire
from tests.peers.pages import FakePage
from tests.timing import SECOND, until

NO_UDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"


class FarPage(FakePage):
    """A page whose offer names no way to it, or one that leads nowhere; it takes pictures.

    Args:
        call: The call.
        udp: Whether its offer names a way to it; it never speaks, though.
        looks: Whether it opens the WebSocket that it is told of.
    """

    def __init__(self, call: BrowserCall, *, udp: bool = False, looks: bool = True) -> None:
        super().__init__(call, video=SMALL)
        self.udp, self.looks = udp, looks
        self.seen: list[bytes] = []
        self.views = 0

    def _take(self, content: dict[str, Any]) -> None:
        super()._take(content)
        if content["type"] == "view" and content["page"] == self.name:
            self.views += 1
            if self.looks:
                self._start(self._look(content["port"], content["path"]))

    async def _answer(self, question: dict[str, Any]) -> None:
        if question["what"] == "create_offer" and self.udp:
            await super()._answer(question)
        elif question["what"] == "create_offer":
            self.say(type="answer", number=question["number"], sdp=NO_UDP, media=[])
        else:
            self.say(type="answer", number=question["number"])

    async def _look(self, port: int, path: str) -> None:
        async with ClientSession() as web, web.ws_connect(f"http://127.0.0.1:{port}/{path}") as one:
            async for message in one:
                self.seen.append(message.data)
                await one.send_str(str(int.from_bytes(message.data[:4])))


@asynccontextmanager
async def closing(call: BrowserCall) -> AsyncIterator[BrowserCall]:
    try:
        yield call
    finally:
        await call.close()


def with_call(work: Callable[[BrowserCall], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    async def body() -> Any:
        async with closing(
            lab.browser_call(place="kernel", **{"back_video": SMALL, **options})
        ) as call:
            return await work(call)

    with fake_wire(), nothing_left():
        return run(body())


def test_a_page_that_offers_no_udp_gets_pictures_and_the_run_says_so() -> None:
    async def work(call: BrowserCall) -> lab.Run:
        async with FarPage(call) as page:
            page.press("test picture")
            await call.connected(20 * SECOND)
            assert call.view_only
            assert "view only" in repr(call)
            assert "not measured" in call.show().state["text"]
            await until(lambda: len(page.seen) > 5)
            assert all(one[8:10] == b"\xff\xd8" for one in page.seen)  # a JPEG begins so
            return await call.record(0.5)

    one = with_call(work)
    assert set(one.peers["peer"]) == {"viewer", "lab"}
    assert set(one.frames["receiver"].dropna()) == {"viewer"}
    assert "browser" not in str(one.meta["asked"])
    assert one.meta["asked"]["view_only"] is True
    assert one.summary("lab", "viewer")["frames"]["shown"] > 0


def test_a_page_that_is_never_heard_gets_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PAGE_TIMEOUT_S", 0.5)

    async def work(call: BrowserCall) -> None:
        async with FarPage(call, udp=True) as page:
            await call.start("test picture")
            await until(lambda: len(page.seen) > 2)
            assert page.ended == 1  # its connection

    with_call(work)


def test_the_link_can_be_bent_and_stop_leaves_nothing() -> None:
    async def work(call: BrowserCall) -> None:
        async with FarPage(call) as page:
            await call.start()
            call.set_link("lab->viewer", loss=1.0)
            await asyncio.sleep(0.3)
            seen = len(page.seen)
            await asyncio.sleep(0.5)
            assert len(page.seen) <= seen + 2
            page.say(type="stop", id="2")
            await until(lambda: call.state == "closed")
            assert not call._pictures
            call._door.choose(page.name, "camera")
            assert not call.view_only
            assert call.spec.names == ("browser", "lab")
            assert call.spec.back == lab.Link(loss=1.0)

    with_call(work)


def test_without_pictures_of_the_lab_it_is_an_error_in_words() -> None:
    async def work(call: BrowserCall) -> None:
        async with FarPage(call) as page:
            with pytest.raises(NoMediaPath, match="No media from this browser reaches the lab"):
                await call.start()
            assert (page.views, call.view_only) == (0, False)

    with_call(work, back_video=None)


def test_a_page_that_does_not_come_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewonly, "COME_S", 0.3)

    async def work(call: BrowserCall) -> None:
        async with FarPage(call, looks=False) as page:
            with pytest.raises(NoMediaPath) as caught:
                await call.start()
            assert page.views == 1
            assert "jupyter-server-proxy" in str(caught.value.__cause__)

    with_call(work)


def test_a_page_that_goes_breaks_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.live.pictureserver.COME_BACK_S", 0.2)

    async def work(call: BrowserCall) -> None:
        async with FarPage(call) as page:
            await call.start()
            await until(lambda: len(page.seen) > 2)
        await until(lambda: call.state == "broken")
        assert "has left the call" in str(call.failure)

    with_call(work)
