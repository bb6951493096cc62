"""A call with a page, without a browser: an aiortc peer answers as the page does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

import labkit as lab
from labkit.errors import BadValue, CallError, WaitTimeout
from tests.experiments.helpers import SMALL, nothing_left, run
from tests.live.comms import fake_wire
from tests.peers.pages import FakePage
from tests.timing import SECOND, until


@pytest.mark.parametrize("value", [3, "yes", {"width": object()}, {"width": float("nan")}])
def test_constraints_that_no_page_can_be_asked(value: Any) -> None:
    with pytest.raises(BadValue, match="cannot be asked of a browser"):
        lab.browser_call(video=value)


def with_call(work: Callable[[Any], Any], **options: Any) -> Any:
    async def body() -> Any:
        call = lab.browser_call(audio=False, back_video=SMALL, **options)
        try:
            return await work(call)
        finally:
            await call.close()

    with fake_wire(), nothing_left():
        return run(body())


@pytest.mark.parametrize("place", ["worker", "kernel"])
def test_a_page_calls_and_is_recorded(place: str) -> None:
    async def work(call: Any) -> lab.Run:
        async with FakePage(call, video=SMALL, receives=("video",)) as page:
            page.press("test picture")
            await call.connected(20 * SECOND)
            return await call.record(1)

    one = with_call(work, place=place)
    places = dict(zip(one.peers["peer"], one.peers["place"], strict=True))
    assert places == {"browser": "browser", "lab": place}
    assert one.meta["browser"] == "a fake page"
    assert one.meta["asked"]["video"] == "test picture of the browser"
    for direction in (("browser", "lab"), ("lab", "browser")):
        figures = one.summary(*direction)
        assert figures["frames"]["shown"] > 10
        assert 0 < figures["latency_ms"]["p50"] < 1000
        assert figures["bitrate_kbps"] > 0
    at_browser = one.frames[one.frames["receiver"] == "browser"]
    assert at_browser["shown_s"].notna().any()
    assert (one.samples["name"] == "inbound-rtp.framesDecoded").sum() > 1
    assert set(one.messages["channel"]) == {"signaling (comm)"}


def test_camera_frames_count_without_a_latency() -> None:
    async def work(call: Any) -> lab.Run:
        async with FakePage(call, video=SMALL, receives=("video",)) as page:
            await call.start("camera")
            assert (call.state, page.media) == ("running", "camera")
            return await call.record(0.5)

    one = with_call(work)
    camera = one.frames[(one.frames["track"] == "browser:video") & one.frames["decoded_s"].notna()]
    assert len(camera) > 5
    assert set(camera["fate"]) == {"shown"}
    assert camera["captured_s"].isna().all()


def test_a_refused_camera_is_told_and_the_test_picture_still_works() -> None:
    async def work(call: Any) -> None:
        async with FakePage(call, refuses="NotAllowedError", video=SMALL) as page:
            page.press("camera")
            with pytest.raises(CallError, match="permission was denied"):
                await call.connected(20 * SECOND)
            assert "permission was denied" in call.show().state["text"]
            assert call.show().state["can_start"]
            page.refuses = ""
            page.press("test picture")
            await call.connected(20 * SECOND)

    with_call(work)


def test_a_page_that_leaves_ends_the_call_and_another_one_takes_over() -> None:
    async def work(call: Any) -> None:
        async with FakePage(call, video=SMALL, receives=("video",)) as first:
            first.press("test picture")
            await call.connected(20 * SECOND)
            await first.leave()  # a page that is reloaded closes its connection, and says nothing
            await until(lambda: call.state == "broken")
            assert "has left the call" in str(call.failure)
        async with FakePage(call, video=SMALL, receives=("video",)) as second:
            second.press("test picture")
            await call.connected(20 * SECOND)
            second.say(type="left")
            await until(lambda: call.state == "closed")

    with_call(work)


def test_a_second_page_takes_the_call_while_it_runs() -> None:
    async def work(call: Any) -> None:
        async with FakePage(call, video=SMALL) as first:
            first.press("test picture")
            await call.connected(20 * SECOND)
            async with FakePage(call, video=SMALL) as second:
                second.press("test picture")
                await until(lambda: call._door.page == second.name and call.state == "running")

    with_call(work)


def test_what_needs_a_page_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.experiments.pages.ANSWER_S", 0.2 * SECOND)

    async def work(call: Any) -> None:
        with pytest.raises(CallError, match="Press a button of its widget"):
            await call.record(1)
        with pytest.raises(BadValue, match="camera, test picture"):
            await call.start("hologram")
        with pytest.raises(WaitTimeout, match="No page shows"):
            await call.start()
        with pytest.raises(WaitTimeout, match="Use a test picture"):
            await call.connected(0.2 * SECOND)

    with_call(work)


def test_a_ping_is_answered_at_once_with_this_clock() -> None:
    with fake_wire() as wire:
        view = lab.browser_call().show()
        before = time.perf_counter()
        view._take(view, {"type": "ping", "page": "p", "sent_ms": 12.5}, [])
        ((pong, _buffers),) = wire.custom(view.comm.comm_id)
    assert before <= pong.pop("at_s") <= time.perf_counter()
    assert pong == {"type": "pong", "page": "p", "sent_ms": 12.5}
