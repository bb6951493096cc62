"""Rooms on a real LiveKit server: aiortc by WHIP on both sides of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

import labkit as lab
from labkit.errors import CallError, WaitTimeout
from labkit.experiments import roomreturn, seating
from labkit.rooms.base import Server
from labkit.rooms.running import LivekitServer
from labkit.rooms.server import livekit
from tests.experiments.helpers import PLACES, SMALL, child, nothing_left, run
from tests.timing import SECOND

FRAME = lab.Link(delay_ms=50)


def small_room(*others: Any, server: Server, **options: Any) -> Any:
    alice = lab.participant("alice", video=SMALL)
    return lab.room(alice, *others, server=server, **options)


def latency_ms(one: lab.Run, sender: str) -> float:
    """Return what the quickest frames need: a busy machine makes the others late."""
    return float(one.summary(sender, "bob")["latency_ms"]["p5"])


def rtts(one: lab.Run) -> dict[str, float]:
    told = one.samples[one.samples["name"] == "rtt_ms"]
    return {str(peer): float(own["value"].min()) for peer, own in told.groupby("peer")}


def pairs(one: lab.Run) -> dict[str, dict[str, str]]:
    events = one.events[one.events["name"] == "nominated_pair"]
    return {e.peer: json.loads(e.detail) for e in events.itertuples()}


@pytest.mark.parametrize("place", PLACES)
def test_a_room_is_recorded_like_a_call(
    place: str, livekit_server: LivekitServer, tmp_path: Path
) -> None:
    path = tmp_path / "room.run"
    made = small_room("bob", server=livekit_server, place=place)
    with nothing_left(tmp_path, ("room.run",)):
        one = run(made.record(1.5, path))
    assert made.state == "closed"
    assert one.complete and one.meta["closed_by"] == "the call"
    assert (one.meta["sender"], one.meta["receiver"]) == ("alice", "bob")
    assert one.meta["subscribed"] == {"alice": [], "bob": ["alice:video"]}
    engines = dict(zip(one.peers["peer"], one.peers["engine"], strict=True))
    assert engines == {"alice": "labkit", "bob": "labkit", "sfu": "livekit-server"}
    figures = one.summary()
    assert figures["frames"]["shown"] > 20 and figures["latency_ms"]["p50"] > 0
    assert set(one.frames["receiver"]) == {"bob"}
    stamps = ["captured_s", "encoded_s", "first_sent_s", "last_arrived_s", "released_s"]
    shown = one.frames[one.frames["fate"] == "shown"]
    assert shown[[*stamps, "decoded_s"]].notna().all().all()
    wire = one.packets[one.packets["layer"] == "wire"]
    assert set(zip(wire["sender"], wire["receiver"], strict=True)) == {
        ("alice", "sfu"), ("sfu", "alice"), ("bob", "sfu"), ("sfu", "bob"),
    }  # fmt: skip
    plain = one.packets[(one.packets["layer"] == "rtp") & (one.packets["kind"] == "rtp")]
    assert len(plain) > 20 and plain["fate"].isna().all()  # nobody knows what became of them


def test_what_is_said_is_noted_without_secrets(livekit_server: LivekitServer) -> None:
    one = run(small_room("bob", server=livekit_server).record(0.5))
    messages = one.messages
    assert [m.name for m in messages.itertuples() if m.sender == "alice"] == ["POST /whip/v1"]
    assert [m.name for m in messages.itertuples() if m.receiver == "bob"] == ["201 Created"]
    answer = messages.loc[messages["receiver"] == "bob", "body"].iloc[0]
    assert "a=ice-pwd:(hidden)" in answer and "m=video" in answer
    everything = messages.to_csv() + one.events.to_csv() + json.dumps(one.meta)
    assert "eyJ" not in everything and livekit_server.api_secret not in everything


def test_media_go_through_the_relay_alone(livekit_server: LivekitServer) -> None:
    one = run(small_room("bob", server=livekit_server).record(0.5))
    found = pairs(one)
    assert set(found) == {"alice", "bob"}
    relays = {
        e.peer: told["is"]
        for e in one.events.itertuples()
        if e.name == "relay_address" and (told := json.loads(e.detail))["to"] == e.peer
    }
    for name, pair in found.items():
        assert pair["remote"] == f"{relays[name]} host"
        assert str(livekit_server.udp_port) not in pair["remote"]


@pytest.mark.alone
def test_a_bent_uplink_shifts_the_latency_and_nobody_else(livekit_server: LivekitServer) -> None:
    async def work() -> tuple[lab.Run, lab.Run, lab.Run]:
        other = lab.participant("carol", video=SMALL)
        async with small_room(other, "bob", server=livekit_server) as room:
            before = await room.record(2)
            room.set_link("alice", uplink=FRAME)
            assert room.spec.links["alice->sfu"] == FRAME
            during = await room.record(3)
            room.set_link("alice->sfu", delay_ms=0)
            return before, during, await room.record(2)

    with nothing_left():
        before, during, after = run(work())
    shift = latency_ms(during, "alice") - latency_ms(before, "alice")
    assert shift == pytest.approx(50, abs=5 * SECOND)
    carol = [latency_ms(one, "carol") for one in (before, during, after)]
    assert max(carol) - min(carol) < 5 * SECOND
    assert latency_ms(after, "alice") < latency_ms(during, "alice") - 30
    changes = during.events[during.events["name"] == "link_changed"]
    assert json.loads(changes["detail"].iloc[0])["direction"] == "alice->sfu"


@pytest.mark.alone
def test_links_hold_from_the_start(livekit_server: LivekitServer) -> None:
    alice = lab.participant("alice", video=SMALL, uplink=FRAME)
    bob = lab.participant("bob", downlink=lab.Link(delay_ms=30))
    one = run(lab.room(alice, bob, server=livekit_server).record(4))
    assert rtts(one)["alice"] == pytest.approx(50, abs=5 * SECOND)
    frames = one.frames[one.frames["fate"] == "shown"]
    network_ms = (frames["last_arrived_s"] - frames["first_sent_s"]).quantile(0.05) * 1000
    assert network_ms == pytest.approx(80, abs=5 * SECOND)
    wire = one.packets[(one.packets["layer"] == "wire") & (one.packets["fate"] == "delivered")]
    waits_ms = ((wire["due_s"] - wire["sent_s"]) * 1000).groupby([wire["sender"], wire["receiver"]])
    assert waits_ms.median().round(1).to_dict() == {
        ("alice", "sfu"): 50, ("bob", "sfu"): 0, ("sfu", "alice"): 0, ("sfu", "bob"): 30,
    }  # fmt: skip


def test_several_publishers_and_receivers(livekit_server: LivekitServer) -> None:
    async def work() -> tuple[lab.Run, Any]:
        people = [
            lab.participant("alice", video=SMALL, audio=lab.Tone()),
            lab.participant("bob", video=SMALL, codec="h264"),
            lab.participant("carol"),
            lab.participant("dave"),
            lab.participant("erin", subscribe=False),
        ]
        async with lab.room(*people, server=livekit_server) as room:
            one = await room.record(1)
            return one, await room.counts()

    one, counts = run(work())
    everything = ["alice:audio", "alice:video", "bob:video"]
    assert one.meta["subscribed"] == {
        "alice": ["bob:video"],  # who came later, by a second connection
        "bob": ["alice:audio", "alice:video"],
        "carol": everything,
        "dave": everything,
        "erin": [],
    }
    for sender, receivers in (
        ("alice", ("bob", "carol", "dave")),
        ("bob", ("alice", "carol", "dave")),
    ):
        for receiver in receivers:
            frames = one.summary(sender, receiver)["frames"]
            assert frames["shown"] > 10, (sender, receiver, frames)
    assert set(one.audio.loc[one.audio["fate"] == "shown", "receiver"]) == {"bob", "carol", "dave"}
    assert counts["sfu->dave"]["delivered"] > 50 > counts["sfu->erin"]["delivered"]


def test_a_full_room_is_told_in_words(livekit_server: LivekitServer) -> None:
    made = small_room("bob", "carol", server=livekit_server, max_participants=2)
    with nothing_left():
        with pytest.raises(CallError, match=r"is full: (bob|carol) cannot join") as full:
            run(made.start())
    assert "2 participants" in str(full.value)


def test_a_token_without_the_right_to_publish(
    livekit_server: LivekitServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seating, "PUBLISH_WITHIN_S", 0.7)
    alice = lab.participant("alice", video=SMALL, grants={"can_publish": False})
    with nothing_left(), pytest.raises(WaitTimeout, match="alice publishes"):
        run(lab.room(alice, "bob", server=livekit_server, place="kernel").start())


def test_a_server_that_is_away(livekit_binary: Path) -> None:
    async def work() -> None:
        async with livekit() as server:
            made = small_room("bob", server=server)
            await server.kill()
            with pytest.raises(CallError):
                await made.start()

    with nothing_left():
        run(work())


def test_a_server_that_ends_in_the_middle(
    livekit_binary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roomreturn, "BACK_WITHIN_S", 0.5)

    async def work() -> str:
        async with livekit() as server:
            async with small_room("bob", server=server, place="kernel") as room:
                handle = room.start_recording(30, tmp_path / "a.run")
                while handle._from_s is None:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
                await asyncio.sleep(0.5)
                await server.kill()
                with pytest.raises(CallError, match="is gone") as gone:
                    await handle
                assert room.state == "broken"
                return str(gone.value)

    with nothing_left(tmp_path, ("a.run",)):
        assert "a.run" in run(work())
    one = lab.load_run(tmp_path / "a.run")
    assert "server_gone" in set(one.events["name"])
    assert one.summary()["frames"]["shown"] > 3


def test_a_room_brings_a_server_of_its_own(livekit_binary: Path) -> None:
    async def work() -> None:
        async with lab.room(lab.participant("alice", video=SMALL), "bob") as room:
            assert room.server.alive
            assert await room.ask("bob", lambda peer: peer.connection_state) == "connected"
            assert (await room.record(0.5)).summary()["frames"]["shown"] > 5
            with pytest.raises(lab.BadValue, match="no peer"):
                await room.ask("nobody", lambda peer: 1)

    with nothing_left():
        run(work())


def test_a_worker_that_dies_in_a_room(livekit_server: LivekitServer, tmp_path: Path) -> None:
    async def work() -> None:
        async with small_room("bob", server=livekit_server) as room:
            handle = room.start_recording(30, tmp_path / "a.run")
            while handle._from_s is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)
            child("labkit.experiments.worker").kill()
            with pytest.raises(lab.LabError, match=r"a\.run"):
                await handle
            assert room.state == "broken"

    with nothing_left(tmp_path, ("a.run",)):
        run(work())
    assert lab.load_run(tmp_path / "a.run").summary()["frames"]["shown"] > 3
