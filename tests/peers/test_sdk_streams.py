from __future__ import annotations

import pytest

from labkit.errors import WaitTimeout
from labkit.peers.sdkstreams import (
    collect_frames,
    collect_streams,
    send_frames,
    wait_for_streams,
)
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import run
from tests.peers.sdk_rooms import SdkRoom


def test_streams_are_collected_with_their_pieces(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            bob = await room.join("bob")
            alice = await room.join("alice")
            collect_streams(bob)
            collect_streams(bob)  # the cell was run again
            me = alice.room.local_participant
            await me.send_text("hello", topic="chat")
            file = await me.stream_bytes("photo.jpg", total_size=40_000, topic="files")
            await file.write(bytes(40_000))
            await file.aclose()
            text, photo = await wait_for_streams(bob, 2)
            assert text[:3] == ("text", 1, 5)
            assert photo[0] == "photo.jpg" and photo[1] > 1 and photo[2] == 40_000
            with pytest.raises(WaitTimeout, match="2 of 3 streams"):
                await wait_for_streams(bob, 3, within_s=0.1)

    run(scene())


def test_frames_of_a_data_track_are_counted_and_timed(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        async with SdkRoom(livekit_server) as room:
            bob = await room.join("bob")
            alice = await room.join("alice")
            collect_frames(bob)
            refused = await send_frames(alice, 20, rate_hz=50)
            got = collect_frames(bob)
            assert refused == 0 and 10 <= got.frames <= 20
            assert len(got.transit_ms) == got.frames and min(got.transit_ms) > 0
            assert await send_frames(alice, 1000, size_bytes=1000) > 0  # the queue is full

    run(scene())
