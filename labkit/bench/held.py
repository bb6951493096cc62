"""What a process holds, counted in it; and whether a guest of a room has seen something."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
from typing import Any

__all__ = ["held", "sees_something"]

SEE_WITHIN_S = 15.0
LOOKS_EVERY_S = 0.01


async def held(_peer: Any = None) -> dict[str, float]:
    """Return what this process holds: files, threads, tasks, the SDK's handles, memory (MB)."""
    import psutil
    from livekit.rtc import _ffi_client

    await asyncio.sleep(1.0)  # what is on its way out may go
    gc.collect()
    me = psutil.Process()
    return {
        "files": len(me.open_files()) if os.name == "nt" else me.num_fds(),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()),
        "handles": sum(not handle.disposed for handle in _ffi_client._live_handles),
        "listeners": len(_ffi_client.FfiClient.instance.queue._subscribers),
        "memory_mb": me.memory_info().rss / 1e6,
    }


async def sees_something(peer: Any) -> None:
    """Return when an SDK participant has a picture, and one by WHIP has packets of it.

    Args:
        peer: A participant of a room in which somebody publishes.

    Raises:
        TimeoutError: Nothing came.
    """
    async with asyncio.timeout(SEE_WITHIN_S):
        while True:
            if _has_seen(peer):
                return
            await asyncio.sleep(LOOKS_EVERY_S)


def _has_seen(peer: Any) -> bool:
    if peer.engine == "livekit":
        return any(receiver.delivered for receiver in peer.receivers)
    return bool(peer.receivers) and peer.received_bytes > 0
