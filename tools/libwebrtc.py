"""Record a Run of libwebrtc, the engine of browsers and of Flutter, for the figures of chapter 06.

It needs the optional package ``wrtc``. Picture, stamp and clock are those of every other run;
what happens in between is libwebrtc's own, so there is one number a frame and no steps.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import time
from typing import Any

import labkit as lab
from labkit.experiments.about import meta_for
from labkit.experiments.spec import CallSpec
from labkit.media.stamp import read_frame
from labkit.media.tracks import SourceTrack

os.environ.setdefault("WRTC_ALLOW_LOOPBACK", "1")  # read when the engine is loaded


async def record(seconds: float) -> lab.Run:
    """Run two libwebrtc peers on this machine and return what was measured.

    Args:
        seconds: How long, from the first frame that arrives on.
    """
    from webrtc import aiortc

    zero = time.perf_counter()
    captured: dict[int, float] = {}
    pattern = lab.TestPattern(640, 480, fps=30)
    source = SourceTrack(pattern, on_captured=captured.__setitem__)
    alone = aiortc.RTCConfiguration(iceServers=[])
    alice, bob = aiortc.RTCPeerConnection(alone), aiortc.RTCPeerConnection(alone)
    arrived: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    bob.on("track", arrived.set_result)
    try:
        alice.addTrack(_track(aiortc, source))
        await _connect(alice, bob)
        decoded, to_s = await _read(await asyncio.wait_for(arrived, 10), seconds)
    finally:
        source.stop()
        await asyncio.gather(alice.close(), bob.close())
    return _as_run(pattern, captured, decoded, zero, to_s)


def _track(aiortc: Any, source: SourceTrack) -> Any:
    class Track(aiortc.MediaStreamTrack):  # type: ignore[misc]
        kind = "video"

        async def recv(self) -> Any:
            return await source.recv()

    return Track()


async def _connect(alice: Any, bob: Any) -> None:
    await alice.setLocalDescription(await alice.createOffer())
    await bob.setRemoteDescription(alice.localDescription)
    await bob.setLocalDescription(await bob.createAnswer())
    await alice.setRemoteDescription(bob.localDescription)


async def _read(track: Any, seconds: float) -> tuple[list[tuple[int | None, float]], float]:
    """Return number and time of each frame, and when the recording ended."""
    frames: list[tuple[int | None, float]] = []
    end = None
    while end is None or time.perf_counter() < end + 1:
        frame = await asyncio.wait_for(track.recv(), 10)
        now = time.perf_counter()
        end = end or now + seconds
        frames.append((read_frame(frame), now))
    return frames, end


def _as_run(
    pattern: lab.TestPattern,
    captured: dict[int, float],
    decoded: list[tuple[int | None, float]],
    zero: float,
    to: float,
) -> lab.Run:
    first = decoded[0][1]
    meta = meta_for(CallSpec(video=pattern), to - first)
    meta["versions"]["wrtc"] = importlib.metadata.version("wrtc")
    meta["asked"]["jitter_buffer"] = "libwebrtc"
    meta["engine"] = "libwebrtc"
    meta |= {"recorded_from_s": first - zero, "recorded_to_s": to - zero}
    shown = {number: at for number, at in decoded if number is not None}
    rows = [_row(number, at, shown.get(number), zero) for number, at in captured.items()]
    peers = [{"peer": peer, "engine": "libwebrtc", "place": "worker"} for peer in ("alice", "bob")]
    track = {"track": "alice:video", "peer": "alice", "kind": "video", "codec": "VP8"}
    return lab.Run.from_tables(meta, frames=rows, peers=peers, tracks=[track])


def _row(number: int, captured: float, decoded: float | None, zero: float) -> dict[str, Any]:
    row = {
        "track": "alice:video",
        "receiver": "bob",
        "frame": number,
        "captured_s": captured - zero,
    }
    if decoded is None:
        return {**row, "fate": "lost"}
    times = {"decoded_s": decoded - zero, "latency_ms": (decoded - captured) * 1000}
    return {**row, **times, "fate": "shown"}
