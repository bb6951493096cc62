"""The child process that holds an audience: many SDK participants who send no media.

They join directly, without links, so that as many as possible fit; what they see is counted.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping
from typing import Any

from labkit.errors import CallError, LabError, WaitTimeout
from labkit.experiments.loop import SWITCH_INTERVAL_S
from labkit.peers.clock import Clock
from labkit.peers.sdk import SdkPeer
from labkit.process import Pipe
from labkit.rooms.hiding import hide_tokens
from labkit.serving import serve_tasks
from labkit.words import _

__all__ = ["Listener", "main"]

FIRST_FRAME_S = 15.0
"""How long somebody waits for the first frame."""

CONNECT_S = 40.0
"""How long somebody may take to connect: in a crowd all are slow."""

TOGETHER = 4
"""So many join at the same time."""


class Listener:
    """One participant, and the frames that it has seen."""

    def __init__(self, name: str, url: str, token: str, clock: Clock) -> None:
        self.peer = SdkPeer(
            name, url=url, token=token, clock=clock, on_decoded=self._see, on_failure=self._fail,
            options={"connect_timeout_s": CONNECT_S},
        )  # fmt: skip
        self.seen: list[tuple[int | None, float]] = []
        self.failure: LabError | None = None
        self.waited_s = 0.0
        "Seconds from the wish to join to the first frame, or to being in."
        self._first = asyncio.Event()

    async def join(self, *, silent: bool = False) -> None:
        """Join and wait for the first frame.

        Args:
            silent: Whether nobody publishes, so that there is no frame to wait for.

        Raises:
            CallError: The server refused.
            WaitTimeout: No frame came.
        """
        began_s = self.peer.clock.now()
        await self.peer.open()
        await self.peer.join()
        if not silent:
            await self._see_somebody()
        self.waited_s = self.peer.clock.now() - began_s

    async def _see_somebody(self) -> None:
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

    async def presence(self) -> dict[str, Any]:
        """Return what it knows of the room, and the far end of its media connection."""
        await self.peer.sample()
        pair = self.peer.nominated_pair()
        return {
            "others": len(self.peer.room.remote_participants),
            "far_end": None if pair is None else pair["remote"],
            "failure": self.failure,
        }

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
        self._there: dict[str, Listener] = {}

    async def join(
        self, url: str, tokens: Mapping[str, str], zero_s: float, silent: bool = False
    ) -> dict[str, float]:
        """Let everybody join and return how long each waited (s)."""
        clock, places = Clock(zero_s), asyncio.Semaphore(TOGETHER)
        coming = {name: Listener(name, url, token, clock) for name, token in tokens.items()}
        self._there.update(coming)

        async def come(one: Listener) -> None:
            async with places:
                await one.join(silent=silent)

        async with asyncio.TaskGroup() as group:
            for one in coming.values():
                group.create_task(come(one))
        return {name: one.waited_s for name, one in coming.items()}

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

    async def presence(self) -> dict[str, dict[str, Any]]:
        """Return by listener what it knows of the room."""
        return {name: await one.presence() for name, one in self._there.items()}

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
        hide_tokens(
            _("The audience failed: {kind}: {error}.").format(
                kind=type(error).__name__, error=error
            )
        ),
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
