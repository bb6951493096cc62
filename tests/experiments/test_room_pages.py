"""A page as a participant of a room on the real server, without a browser."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import labkit as lab
from labkit.errors import BadValue, CallError, WaitTimeout
from labkit.experiments import pages
from labkit.experiments.spare import spare
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import PLACES, SMALL
from tests.experiments.roompages import ME, SHOWING, alice, with_room
from tests.peers.pages import FakeRoomPage
from tests.timing import SECOND, until


@pytest.mark.parametrize("place", PLACES)
def test_a_page_joins_sees_and_is_recorded(place: str, livekit_server: LivekitServer) -> None:
    async def work(room: Any) -> lab.Run:
        async with FakeRoomPage(room) as page:
            page.press("test picture")
            await room.connected(20 * SECOND)
            assert "This page is “me”" in page.view.state["text"]
            return await room.record(1)

    one = with_room(work, alice(), ME, server=livekit_server, place=place)
    engines = dict(zip(one.peers["peer"], one.peers["engine"], strict=True))
    assert engines == {"alice": "labkit", "me": "browser", "sfu": "livekit-server"}
    me = one.peers.set_index("peer").loc["me"]
    assert (me["place"], me["clock_error_s"]) == ("browser", 0.002)
    assert one.meta["browsers"] == {"me": "a fake page"}
    assert (one.meta["sender"], one.meta["receiver"]) == ("alice", "me")
    assert one.meta["subscribed"]["me"] == ["alice:video"]
    figures = one.summary()
    assert figures["frames"]["shown"] > 4
    assert 0 < figures["latency_ms"]["p50"] < 2000
    assert figures["hops"]["sfu->me"]["bitrate_kbps"] > 0


def test_it_publishes_and_hears_the_others(livekit_server: LivekitServer) -> None:
    """Those who were there first receive it, too."""

    async def work(room: Any) -> lab.Run:
        async with FakeRoomPage(room, video=SMALL, audio=lab.Tone()) as page:
            page.press("test picture")
            await room.connected(20 * SECOND)
            return await room.record(1)

    one = with_room(work, SHOWING, alice(), "bob", server=livekit_server)
    subscribed = one.meta["subscribed"]
    assert subscribed == {
        "me": ["alice:video"],
        "alice": ["me:audio", "me:video"],
        "bob": ["alice:video", "me:audio", "me:video"],
    }
    for receiver in ("alice", "bob"):
        assert one.summary("me", receiver)["frames"]["shown"] > 4, receiver
        seen = one.frames[
            (one.frames["track"] == "me:video") & (one.frames["receiver"] == receiver)
        ]
        assert (seen["latency_ms"] > 0).any()
    assert one.summary("alice", "me")["frames"]["shown"] > 4
    sources = one.tracks.set_index("track")["source"]
    assert sources["me:video"] == "test picture of the browser"


def test_a_camera_is_received_without_a_number(livekit_server: LivekitServer) -> None:
    async def work(room: Any) -> lab.Run:
        async with FakeRoomPage(room, video=SMALL) as page:  # it has no microphone
            page.press("camera")
            await room.connected(20 * SECOND)
            assert page.media == "camera"
            return await room.record(0.7)

    one = with_room(work, SHOWING, "bob", server=livekit_server)
    seen = one.frames[(one.frames["track"] == "me:video") & (one.frames["receiver"] == "bob")]
    assert len(seen) > 5
    assert set(seen["fate"]) == {"shown"}
    assert seen["captured_s"].isna().all()
    assert one.meta["asked"]["participants"]["me"]["video"] == "camera of the browser"


def test_its_links_are_bent_and_the_way_is_the_relays(livekit_server: LivekitServer) -> None:
    far = lab.participant("me", engine="browser", downlink=lab.Link(delay_ms=50))

    async def work(room: Any) -> lab.Run:
        async with FakeRoomPage(room) as page:
            await room.start()
            pair = page.peer.nominated_pair()  # type: ignore[union-attr]
            assert str(livekit_server.udp_port) not in pair["remote"]  # type: ignore[index]
            room.set_link("me", uplink=lab.Link(delay_ms=20))
            return await room.record(2)

    one = with_room(work, alice(), far, server=livekit_server)
    wire = one.packets[(one.packets["layer"] == "wire") & (one.packets["fate"] == "delivered")]
    wire = wire[wire["sent_s"] > one.meta["recorded_from_s"]]
    waits_ms = ((wire["due_s"] - wire["sent_s"]) * 1000).groupby([wire["sender"], wire["receiver"]])
    assert waits_ms.median().round(1).to_dict() == {
        ("alice", "sfu"): 0, ("me", "sfu"): 20, ("sfu", "alice"): 0, ("sfu", "me"): 50,
    }  # fmt: skip
    assert one.summary()["latency_ms"]["p5"] > 50
    told = one.events[(one.events["name"] == "relay_address") & (one.events["peer"] == "me")]
    assert {json.loads(detail)["to"] for detail in told["detail"]} == {"sfu", "me"}


def test_no_token_reaches_the_page(livekit_server: LivekitServer) -> None:
    heard: list[str] = []

    async def work(room: Any) -> None:
        async with FakeRoomPage(room) as page:
            take = page._take

            def overheard(content: dict[str, Any]) -> None:
                heard.append(json.dumps(content))
                take(content)

            page._take = overheard  # type: ignore[method-assign]
            await room.start()
            tokens = list(room.spec.access.tokens.values())
            assert tokens and not any(token in text for token in tokens for text in heard)

    with_room(work, alice(), ME, server=livekit_server)
    assert any("set_answer" in text for text in heard)


def test_a_recording_opens_the_room_and_knows_the_pages_clock(
    livekit_server: LivekitServer,
) -> None:
    async def work(room: Any) -> lab.Run:
        async with FakeRoomPage(room):
            return await room.record(0.7)

    one = with_room(work, alice(), ME, server=livekit_server)
    (error_s,) = one.peers.loc[one.peers["peer"] == "me", "clock_error_s"]
    assert error_s == 0.002
    assert one.summary()["frames"]["shown"] > 5


def test_without_a_page_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ANSWER_S", 0.2 * SECOND)

    async def work(room: Any) -> None:
        with pytest.raises(CallError, match=r"(?s)No page is there for “me”.*room\.page\('me'\)"):
            await room.start()
        assert room.state == "closed"
        with pytest.raises(CallError, match="never shown"):
            await room.record(1)
        view = room.page()
        with pytest.raises(WaitTimeout, match="No page that shows its widget came"):
            await room.start()
        with pytest.raises(WaitTimeout, match="not connected within"):
            await room.connected(0.1)
        assert view.state["can_start"]

    with_room(work, "alice", ME)


def test_a_refused_camera_is_told_and_the_page_may_try_again(
    livekit_server: LivekitServer,
) -> None:
    async def work(room: Any) -> None:
        async with FakeRoomPage(room, refuses="NotAllowedError", video=SMALL) as page:
            page.press("camera")
            with pytest.raises(CallError, match="permission was denied"):
                await room.connected(20 * SECOND)
            assert "permission was denied" in page.view.state["text"]
            page.refuses = ""
            page.press("test picture")
            await room.connected(20 * SECOND)

    with_room(work, SHOWING, "bob", server=livekit_server)


def test_the_widget_has_a_worker_ready(livekit_server: LivekitServer) -> None:
    async def work(room: Any) -> None:
        async with FakeRoomPage(room) as page:
            page.say(type="near")
            await until(lambda: spare.ready)
            await room.start()
            assert not spare.ready

    with_room(work, alice(), ME, server=livekit_server)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: lab.participant("me", engine="browser", video=SMALL), "A page cannot publish"),
        (lambda: lab.participant("me", engine="browser", audio=lab.Tone()), "own camera"),
        (lambda: lab.participant("me", engine="browser", options={"red": False}), "for the SDK"),
        (lambda: lab.participant("me", engine="browser", codec="av1"), "codec"),
        (lambda: lab.room("alice").page(), "Which page"),
        (lambda: lab.room("alice", ME).page("alice"), "No participant 'alice'"),
        (lambda: lab.participant("me", video=True), "video"),
    ],
)
def test_what_is_refused(wrong: Callable[[], Any], says: str) -> None:
    with pytest.raises(BadValue, match=says):
        wrong()


def test_pages_join_last_so_that_they_see_everybody() -> None:
    spec = lab.room(SHOWING, alice(), lab.participant("carol", video=SMALL)).spec
    assert [one.name for one in spec.in_order] == ["alice", "carol", "me"]
    assert [one.name for one in spec.second_ears] == ["alice", "carol"]
