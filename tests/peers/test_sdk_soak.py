from __future__ import annotations

import asyncio
import gc
import os
import threading
from dataclasses import dataclass

import psutil
import pytest
from livekit.rtc import _ffi_client

from labkit.net import Link
from labkit.rooms.running import LivekitServer
from tests.peers.sdk_rooms import SMALL, SdkRoom

JOINS = int(os.environ.get("LAB_SOAK_JOINS", "200"))
WARM = 10
"""Joins after which the SDK has everything it keeps: its threads, its buffers."""


@dataclass
class Held:
    """What a process holds."""

    files: int
    threads: int
    tasks: int
    handles: int
    listeners: int
    megabytes: float

    @classmethod
    def now(cls) -> Held:
        gc.collect()
        me = psutil.Process()
        return cls(
            files=me.num_fds() if hasattr(me, "num_fds") else me.num_handles(),
            threads=threading.active_count(),
            tasks=len(asyncio.all_tasks()),
            handles=sum(not handle.disposed for handle in _ffi_client._live_handles),
            listeners=len(_ffi_client.FfiClient.instance.queue._subscribers),
            megabytes=me.memory_info().rss / 1e6,
        )


async def join_and_leave(server: LivekitServer, bent: bool) -> None:
    async with SdkRoom(server) as room:
        if bent:
            await room.join_bent("alice", Link(), Link(), video=SMALL)
        else:
            await room.join("alice", video=SMALL)
        bob = await room.join("bob")
        await room.until_arrived("bob", 2)
        await bob.sample()


@pytest.mark.soak
def test_many_joins_and_leaves_in_one_process(livekit_server: LivekitServer) -> None:
    async def scene() -> None:
        for _time in range(WARM // 2):
            await join_and_leave(livekit_server, bent=False)
        before = Held.now()
        for time in range(JOINS // 2):  # two participants each
            await join_and_leave(livekit_server, bent=time % 10 == 0)
        await asyncio.sleep(1.0)
        after = Held.now()
        print(f"\nbefore {before}\nafter  {after}")
        assert after.files <= before.files + 5
        assert after.threads <= before.threads + 2
        assert after.tasks <= before.tasks
        assert after.handles <= before.handles
        assert after.listeners <= before.listeners
        # The SDK keeps 0.2 to 0.3 MB a join, with nothing of ours around it as well.
        assert after.megabytes - before.megabytes < 20 + 0.4 * JOINS

    asyncio.run(scene())
