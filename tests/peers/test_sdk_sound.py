from __future__ import annotations

from typing import Any

from labkit.media import Chirp, Tone
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import run
from tests.peers.sdk_rooms import SdkRoom
from tests.timing import SECOND


def test_a_chirp_has_a_latency(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            await room.join("alice", audio=Chirp())
            bob = await room.join("bob")

            def heard() -> list[dict[str, Any]]:
                bob.sweep(1.5)
                return [row for row in room.tap.rows["audio"] if row["frame"] is not None]

            await room.until(heard)
            first = heard()[0]
            assert first["frame"] % 50 == 0
            assert first["marker"] == first["frame"] // 50 % 4
            assert (first["track"], first["receiver"]) == ("alice:audio", "bob")
            assert first["latency_ms"] == (first["decoded_s"] - first["captured_s"]) * 1000
            assert 20 < first["latency_ms"] < 1000 * SECOND

    run(scene())


def test_a_tone_has_its_level_and_no_chirps(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            await room.join("alice", audio=Tone(440, -20), options={"dtx": False, "red": False})
            bob = await room.join("bob")
            await room.until(lambda: any(r.delivered > 60 for r in bob.receivers))
            bob.sweep(0.0)
            late = room.tap.rows["audio"][40:]
            levels = [row["level_dbfs"] for row in late if row["level_dbfs"] is not None]
            assert len(levels) > 10
            # A sine is 3 dB quieter than its peak.
            assert -25 < sorted(levels)[len(levels) // 2] < -21
            assert {row["marker"] for row in late} == {None}

    run(scene())
