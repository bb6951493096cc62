from __future__ import annotations

import asyncio
import json
import time

import pytest
from livekit import api, rtc

from labkit.errors import CallError, WaitTimeout
from labkit.media import Chirp, TestPattern
from labkit.net import Link
from labkit.peers.sdk import SdkPeer
from labkit.rooms.running import LivekitServer
from labkit.rooms.tokens import room_token
from labkit.run.schema import COLUMNS
from tests.experiments.helpers import run
from tests.peers.sdk_rooms import SMALL, SdkRoom
from tests.timing import SECOND


def test_two_participants_and_everything_a_run_needs(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        before = asyncio.all_tasks()
        async with SdkRoom(livekit_server) as room:
            alice = await room.join("alice", video=SMALL, audio=Chirp())
            bob = await room.join("bob")
            assert (alice.connection_state, bob.connection_state) == ("connected", "connected")
            await room.until_arrived("bob", 20)
            for _time in range(2):
                await alice.sample()
                await bob.sample()
                await room.until_arrived("bob", 15)
            await room.until(lambda: any(r.delivered > 60 for r in bob.receivers))
            bob.sweep(0.0)
            rows = room.tap.rows
            heard = [row for row in rows["frames"] if row["receiver"] == "bob"]
            assert {row["fate"] for row in heard} == {"shown"}
            assert {(row["width"], row["height"]) for row in heard} == {(320, 240)}
            assert all(latency > 0 for latency in room.latencies_ms("bob"))
            assert alice.senders[1].newest >= heard[-1]["frame"]
            assert set(alice.senders[1].recent) >= {row["frame"] for row in heard}
            assert room.newest("bob", "frames_decoded", "alice:video") > 30
            assert room.newest("bob", "frames_delivered", "alice:video") > 30
            assert room.newest("bob", "unreadable", "alice:video") == 0
            assert room.newest("bob", "jitter_buffer_ms", "alice:video") > 0
            assert room.newest("alice", "frames_per_s", "alice:video") > 5
            assert bob.received_bytes > 1000
            assert alice.senders[1].target_kbps
            assert {row["track"] for row in rows["tracks"]} == {"alice:audio", "alice:video"}
            assert len({row["ssrc"] for row in rows["streams"] if row["role"] == "media"}) == 2
            assert rows["peers"][0]["engine"] == "livekit"
            assert {row["fate"] for row in rows["audio"]} == {"shown"}
            joined = next(
                row for row in rows["events"] if (row["peer"], row["name"]) == ("bob", "joined")
            )
            assert json.loads(joined["detail"]) == {"already_there": ["alice"]}
            assert "participant_connected" not in room.events("bob")
            await room.until(lambda: "participant_connected" in room.events("alice"))
            assert room.failures == []
        assert alice.connection_state == "closed"
        assert asyncio.all_tasks() - before == set()

    run(scene())


@pytest.mark.alone
def test_a_bent_uplink_bends_one_participant_alone(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            alice = await room.join_bent("alice", Link(delay_ms=50), Link(), video=SMALL)
            bob = await room.join_bent("bob", Link(), Link())
            await room.until_arrived("bob", 30)
            rtts: dict[str, list[float]] = {"alice": [], "bob": []}
            for _time in range(6):
                await asyncio.sleep(0.4)
                for peer in (alice, bob):
                    await peer.sample()
                    rtts[peer.name].append(room.newest(peer.name, "rtt_ms") or 0.0)
            for peer in (alice, bob):
                host, port = room.bridges[peer.name].address_for[peer.name]
                pair = peer.nominated_pair()
                assert pair is not None
                assert pair["remote"].startswith(f"{host}:{port} ")
            assert 50 <= min(rtts["alice"]) < 100  # a busy machine adds to both
            assert min(rtts["bob"]) < 40
            counts = await room.bridges["alice"].counts()
            assert counts["alice->sfu"]["delivered"] > 30
            assert counts["sfu->alice"]["strangers"] == 0
            names = {note[2] for note in room.notes if note[0] == "alice"}
            assert {"join_request", "add_track", "offer", "trickle"} <= names
            assert not any("eyJ" in note[3] for note in room.notes)

    run(scene())


def test_a_link_is_bent_while_the_room_runs(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            await room.join("alice", video=SMALL)
            bob = await room.join_bent("bob", Link(), Link())
            await room.until_arrived("bob", 10)
            await room.bridges["bob"].change("sfu->bob", Link(delay_ms=120))
            await asyncio.sleep(1.0)

            async def bent() -> bool:
                await bob.sample()
                return 120 <= (room.newest("bob", "rtt_ms") or 0.0) < 200

            async with asyncio.timeout(8 * SECOND):
                while not await bent():  # noqa: ASYNC110
                    await asyncio.sleep(0.3)

    run(scene())


def test_who_may_not_publish_is_told_at_once(livekit_server: LivekitServer) -> None:
    async def scene(**rights: object) -> None:
        async with SdkRoom(livekit_server) as room:
            began = time.monotonic()
            with pytest.raises(CallError, match="alice has no right to publish video"):
                await room.join("alice", video=SMALL, rights=rights)
            assert time.monotonic() - began < 5 * SECOND

    run(scene(can_publish=False))
    run(scene(can_publish_sources=["microphone"]))


def test_a_full_room_is_said_to_be_full(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            limited = {"max_participants": 1}
            await room.join("alice", rights=limited)

            async def why() -> str:
                return "It is full."

            with pytest.raises(CallError, match=r"bob could not join the room\. It is full\."):
                await room.join("bob", rights=limited, why_refused=why)
            with pytest.raises(CallError, match="it may be full"):
                await room.join("carol", rights=limited)

    run(scene())


def test_a_wrong_token_is_refused_without_being_shown(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            good = room_token(livekit_server, "alice", room.room)
            peer = await room.make("alice", token=good[:-6] + "AAAAAA")
            with pytest.raises(CallError, match="signed with another secret") as refused:
                await peer.join()
            assert "eyJ" not in str(refused.value)
            assert refused.value.__cause__ is None
            assert refused.value.__suppress_context__
            assert peer.connection_state == "failed"

    run(scene())


def test_nobody_at_the_address_is_said() -> None:
    async def scene() -> None:
        token = "not-looked-at"
        async with SdkPeer("alice", url="ws://127.0.0.1:9", token=token) as peer:
            with pytest.raises(CallError, match="Nothing listens"):
                await peer.join()

    run(scene())


def test_a_relay_that_is_missing_is_not_waited_for_a_minute(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            # Through the proxy no TURN server is told.
            proxy = await room.open_proxy("alice", Link(), Link())
            options = {"relay_only": True, "connect_timeout_s": 1.0}
            with pytest.raises(WaitTimeout, match="none was found"):
                await room.join("alice", url=proxy.url, options=options)

    run(scene())


def test_a_full_reconnection_brings_the_frames_back(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            alice = await room.join_bent("alice", Link(), Link(), video=SMALL)
            bob = await room.join_bent("bob", Link(), Link())
            await room.until_arrived("bob", 10)
            await alice.room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
            await room.until(lambda: "local_track_republished" in room.events("alice"), 12)
            await room.until_arrived("bob", 10, 12)
            await bob.room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
            await room.until(lambda: room.events("bob").count("reconnected") == 1, 12)
            await room.until_arrived("bob", 10, 12)
            await bob.sample()
            host, port = room.bridges["bob"].address_for["bob"]
            assert bob.nominated_pair()["remote"].startswith(f"{host}:{port} ")  # type: ignore[index]
            assert room.events("bob").count("track_subscribed") >= 2
            assert [r.track for r in bob.receivers] == ["alice:video"]
            assert room.failures == []

    run(scene())


def test_who_is_removed_is_no_failure(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            alice = await room.join("alice", video=SMALL)
            async with livekit_server.api() as lk:
                await lk.room.remove_participant(
                    api.RoomParticipantIdentity(room=room.room, identity="alice")
                )
            await room.until(lambda: alice.connection_state == "closed")
            told = [row["detail"] for row in room.tap.rows["events"]
                    if row["name"] == "disconnected"]  # fmt: skip
            assert json.loads(told[0]) == {"disconnected": "PARTICIPANT_REMOVED"}
            assert room.failures == []

    run(scene())


def test_rows_are_as_wide_as_their_tables(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            await room.join("alice", video=SMALL)
            assert set(room.tap.rows) <= set(COLUMNS)

    run(scene())


def test_a_codec_that_the_sdk_replaces_is_told(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            alice = await room.join("alice", video=SMALL, codec="h265")
            await room.join("bob")
            await room.until_arrived("bob", 3)
            await alice.sample()
            told = [row["detail"] for row in room.tap.rows["events"]
                    if row["name"] == "codec_replaced"]  # fmt: skip
            assert json.loads(told[0]) == {"asked": "H265", "sent": "VP8"}

    run(scene())


def test_layers_are_chosen_by_the_receiver(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            await room.join("alice", video=TestPattern(640, 480, fps=15))
            bob = await room.join("bob")
            frames = room.tap.rows["frames"]

            def newest_layer() -> tuple[str | None, int]:
                heard = [row for row in frames if row["receiver"] == "bob"]
                return (heard[-1]["layer"], heard[-1]["width"]) if heard else (None, 0)

            await room.until(lambda: newest_layer() == ("h", 640))
            (publication,) = bob.room.remote_participants["alice"].track_publications.values()
            publication.set_video_quality(rtc.VideoQuality.VIDEO_QUALITY_LOW)
            await room.until(lambda: newest_layer() == ("q", 480))
            assert all(latency > 0 for latency in room.latencies_ms("bob"))

    run(scene())


def test_a_wrong_key_is_seen_by_what_does_not_come(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            right, wrong = ({"encryption_key": key} for key in ("one", "another"))
            await room.join("alice", video=SMALL, options=right)
            bob = await room.join("bob", options=right)
            eve = await room.join("eve", options=wrong)
            await room.until_arrived("bob", 10)

            async def seen() -> bool:
                await eve.sample()
                await bob.sample()
                return "packets_without_pictures" in room.events("eve")

            async with asyncio.timeout(8 * SECOND):
                while not await seen():  # noqa: ASYNC110
                    await asyncio.sleep(1)
            assert room.arrived("eve") == 0
            assert "packets_without_pictures" not in room.events("bob")

    run(scene())
