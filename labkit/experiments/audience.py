"""The child process that holds an audience: many SDK participants who only receive.

They join directly, without links, so that as many as possible fit; what they see is counted.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

from labkit.errors import CallError, LabError, WaitTimeout
from labkit.experiments.loop import SWITCH_INTERVAL_S
from labkit.peers.clock import Clock
from labkit.peers.sdk import SdkPeer
from labkit.process import Pipe
from labkit.serving import serve_tasks
from labkit.words import _

__all__ = ["main"]

FIRST_FRAME_S = 15.0
"""How long somebody waits for the first frame."""

TOGETHER = 4
"""So many join at the same time."""


class _Listener:
    """One participant, and the frames that it has seen."""

    def __init__(self, name: str, url: str, token: str, clock: Clock) -> None:
        self.peer = SdkPeer(
            name, url=url, token=token, clock=clock, on_decoded=self._see, on_failure=self._fail
        )
        self.seen: list[tuple[int | None, float]] = []
        self.failure: LabError | None = None
        self.first_s = 0.0
        "Seconds from the wish to join to the first frame."
        self._first = asyncio.Event()

    async def join(self) -> None:
        """Join and wait for the first frame.

        Raises:
            WaitTimeout: None came.
        """
        began_s = self.peer.clock.now()
        await self.peer.open()
        await self.peer.join()
        try:
            async with asyncio.timeout(FIRST_FRAME_S):
                await self._first.wait()
        except TimeoutError:
            raise WaitTimeout(
                _("{name} saw no frame within {seconds:g} s.").format(
                    name=self.peer.name, seconds=FIRST_FRAME_S
                ),
                next_step=_("Somebody has to publish video, and the machine may be full."),
            ) from None
        self.first_s = self.peer.clock.now() - began_s

    async def counted(self) -> dict[str, int]:
        """Return the SDK's own counters of what arrived, summed over its video tracks."""
        answer = await asyncio.wait_for(self.peer.room.get_rtc_stats(), 5.0)
        found = [s.inbound_rtp for s in answer.subscriber_stats if s.HasField("inbound_rtp")]
        found = found or [
            s.inbound_rtp for s in answer.publisher_stats if s.HasField("inbound_rtp")
        ]
        return {
            "packets": sum(int(one.received.packets_received) for one in found),
            "lost": sum(int(one.received.packets_lost) for one in found),
            "decoded": sum(int(one.inbound.frames_decoded) for one in found),
        }

    def _see(self, _track: str, _picture: Any, number: int | None, at_s: float) -> None:
        self.seen.append((number, at_s))
        self._first.set()

    def _fail(self, error: LabError) -> None:
        self.failure = error


class _Audience:
    """Everybody in this process."""

    def __init__(self) -> None:
        self._there: dict[str, _Listener] = {}

    async def join(self, url: str, tokens: Mapping[str, str], zero_s: float) -> dict[str, float]:
        """Let everybody join and return how long each waited for a first frame (s)."""
        clock, places = Clock(zero_s), asyncio.Semaphore(TOGETHER)
        coming = {name: _Listener(name, url, token, clock) for name, token in tokens.items()}
        self._there.update(coming)

        async def come(one: _Listener) -> None:
            async with places:
                await one.join()

        async with asyncio.TaskGroup() as group:
            for one in coming.values():
                group.create_task(come(one))
        return {name: one.first_s for name, one in coming.items()}

    async def measure(self, seconds: float) -> dict[str, dict[str, Any]]:
        """Return by listener what came within some seconds, and this process's cost."""
        before = {name: await one.counted() for name, one in self._there.items()}
        for one in self._there.values():
            one.seen.clear()
        began_s, used_s = time.perf_counter(), time.process_time()
        await asyncio.sleep(seconds)
        passed_s = time.perf_counter() - began_s
        cpu_percent = 100 * (time.process_time() - used_s) / passed_s
        seen = {name: list(one.seen) for name, one in self._there.items()}
        told: dict[str, dict[str, Any]] = {}
        for name, one in self._there.items():
            after = await one.counted()
            grown = {key: after[key] - count for key, count in before[name].items()}
            told[name] = {**grown, "seen": seen[name], "failure": one.failure}
        return {"listeners": told, "process": {"cpu_percent": cpu_percent, "seconds": passed_s}}

    async def come_and_go(self, url: str, tokens: Mapping[str, str]) -> list[float]:
        """Let one after the other join, see two frames and leave; return the seconds of each."""
        taken_s = []
        for name, token in tokens.items():
            began_s = time.perf_counter()
            one = _Listener(name, url, token, Clock(began_s))
            try:
                await one.join()
            finally:
                await one.peer.close()
            if one.failure is not None:
                raise one.failure
            taken_s.append(time.perf_counter() - began_s)
        return taken_s

    async def held(self) -> dict[str, float]:
        """Return what this process holds: files, threads, tasks, the SDK's handles, memory."""
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

    async def leave(self) -> None:
        """Let everybody leave, one after the other: the SDK does not like a crowd at the door."""
        there, self._there = self._there, {}
        for one in there.values():
            await one.peer.close()


def _in_words(error: BaseException) -> LabError:
    if isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, LabError):
        return error
    return CallError(
        _("The audience failed: {kind}: {error}.").format(kind=type(error).__name__, error=error),
        next_step=_("Try again with fewer listeners."),
    )


async def _serve(pipe: Pipe) -> None:
    audience = _Audience()

    async def answer(message: tuple[Any, ...]) -> None:
        number, method, arguments = message
        try:
            pipe.send((number, True, await getattr(audience, method)(**arguments)))
        except BaseException as error:
            pipe.send((number, False, _in_words(error)))

    await serve_tasks(pipe, answer)
    await audience.leave()


def main(pipe: Pipe) -> None:
    """Serve one parent until it is gone."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    asyncio.run(_serve(pipe))
