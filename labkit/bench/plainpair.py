"""Two plain aiortc peers without a probe, in a process of their own: the other side of a row.

Only the source (which knows when it captured) and the reader of the stamp are ours.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from typing import Any

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)

from labkit.experiments.loop import SWITCH_INTERVAL_S
from labkit.media import TestPattern
from labkit.media.stamp import read_frame
from labkit.media.tracks import SourceTrack
from labkit.net import Link
from labkit.net.relay_handle import Relay
from labkit.net.sdp import replace_candidates
from labkit.peers import private
from labkit.peers.jitterbuffers import jitter_buffer_class
from labkit.process import Child, Pipe
from labkit.serving import serve_tasks

__all__ = ["main", "plain_latencies_ms"]

SETTLE_S = 2.0


async def plain_latencies_ms(
    seconds: float, *, jitter_buffer: str = "stock", relay: bool = False
) -> list[float]:
    """Return the latency of every frame of an unprobed VP8 640x480@30 call.

    Args:
        seconds: How long it is measured, after ``SETTLE_S``.
        jitter_buffer: ``stock`` leaves aiortc as it is, ``marker`` puts ours in.
        relay: Whether the datagrams go through a relay with a clean link.
    """
    async with await Child.start("labkit.bench.plainpair") as child:
        latencies: list[float] = await child.call(
            "measure",
            timeout=seconds + SETTLE_S + 20,
            seconds=seconds,
            jitter_buffer=jitter_buffer,
            relay=relay,
        )
    return latencies


async def _measure(seconds: float, jitter_buffer: str, relay: bool) -> list[float]:
    captured: dict[int, float] = {}
    track = SourceTrack(TestPattern(640, 480, fps=30), on_captured=captured.__setitem__)
    config = RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
    alice, bob = RTCPeerConnection(config), RTCPeerConnection(config)
    relaying = await Relay.start() if relay else None
    try:
        await _connect(alice, bob, track, jitter_buffer, relaying)
        return await _read(bob.getReceivers()[0].track, captured, seconds)
    finally:
        track.stop()
        await asyncio.gather(alice.close(), bob.close())
        if relaying is not None:
            await relaying.close()


async def _connect(
    alice: RTCPeerConnection,
    bob: RTCPeerConnection,
    track: SourceTrack,
    jitter_buffer: str,
    relay: Relay | None,
) -> None:
    transceiver = alice.addTransceiver(track, direction="sendonly")
    codecs = RTCRtpSender.getCapabilities("video").codecs
    transceiver.setCodecPreferences(
        [codec for codec in codecs if codec.mimeType in ("video/VP8", "video/rtx")]
    )
    bridge = None
    if relay is not None:
        bridge = await relay.open("alice", "bob", forward=Link(), back=Link(), seed=1)

    async def described(pc: RTCPeerConnection, name: str, other: str) -> RTCSessionDescription:
        for connection in private.ice_connections(pc):
            private.stay_on_loopback(connection)
        await pc.setLocalDescription()
        text = pc.localDescription.sdp
        if bridge is not None:
            text, far = replace_candidates(text, *bridge.address_for[other])
            await bridge.set_far(name, far)
        return RTCSessionDescription(text, pc.localDescription.type)

    await bob.setRemoteDescription(await described(alice, "alice", "bob"))
    if jitter_buffer != "stock":
        buffer = jitter_buffer_class(jitter_buffer)
        private.replace_jitter_buffer(
            bob.getReceivers()[0], lambda present: buffer(present.capacity, is_video=True)
        )
    await alice.setRemoteDescription(await described(bob, "bob", "alice"))


async def _read(track: Any, captured: dict[int, float], seconds: float) -> list[float]:
    latencies: list[float] = []
    begin: float | None = None
    while begin is None or time.perf_counter() < begin + SETTLE_S + seconds:
        frame = await asyncio.wait_for(track.recv(), 10)
        now = time.perf_counter()
        begin = begin or now
        number = read_frame(frame)
        if number in captured and now > begin + SETTLE_S:
            latencies.append((now - captured[number]) * 1000)
    return latencies


async def _serve(pipe: Pipe) -> None:
    async def answer(message: tuple[int, str, dict[str, Any]]) -> None:
        number, _method, arguments = message
        pipe.send((number, True, await _measure(**arguments)))

    await serve_tasks(pipe, answer)


def main(pipe: Pipe) -> None:
    """Serve one parent until it is gone."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.freeze()
    asyncio.run(_serve(pipe))
