"""Pictures and numbers for whoever watches a call while it runs."""

from __future__ import annotations

import asyncio
import io
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PIL import Image

if TYPE_CHECKING:
    from labkit.experiments.basesession import BaseSession

__all__ = ["PICTURE_SIZE", "Watch"]

PICTURE_SIZE = (320, 240)
"""Largest width and height of a picture in the panel; the aspect is kept."""

FIRST_PICTURE_S = 0.01
"""How soon to look again while there is no new picture: the first one is waited for."""


class Watch:
    """Sends a session's newest pictures and a few numbers at a steady rate.

    Pictures are ``("picture", {track, frame, jpeg})``, numbers ``("numbers", {at_s, tracks})``
    with, for each track, latency_ms (p50 since the last ones, None without frames), frames,
    unreadable, and received_kbps.

    Args:
        session: The call that is watched.
        notify: Takes a name and a payload.
    """

    def __init__(self, session: BaseSession, notify: Callable[[str, Any], None]) -> None:
        self._session = session
        self._notify = notify
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._newest: dict[str, tuple[int | None, Any]] = {}
        self._latencies: dict[str, list[float]] = defaultdict(list)
        self._frames: dict[str, int] = defaultdict(int)
        self._bytes_before: dict[str, int] = {}
        self._numbers_at = 0.0

    def set_rates(self, pictures_hz: float, numbers_hz: float) -> None:
        """Begin, change or stop (0 Hz) the pictures and the numbers."""
        self._set_task("pictures", pictures_hz, self._send_pictures)
        self._set_task("numbers", numbers_hz, self._send_numbers)

    def decoded(
        self, receiver: str, track: str, frame: Any, number: int | None, at_s: float
    ) -> None:
        """Note a decoded frame; cheap while nobody watches."""
        if not self._tasks or track.endswith(":audio"):
            return
        name = self._session.watched_as(receiver, track)
        self._newest[name] = (number, frame)
        self._frames[name] += 1
        captured_s = self._captured_s(track, number)
        if captured_s is not None:
            self._latencies[name].append((at_s - captured_s) * 1000)

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._tasks.values())
        self.set_rates(0, 0)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _set_task(self, name: str, hz: float, work: Callable[[float], Any]) -> None:
        task = self._tasks.pop(name, None)
        if task is not None:
            task.cancel()
        if hz > 0:
            self._tasks[name] = asyncio.create_task(work(1 / hz), name=f"watch {name}")

    async def _send_pictures(self, every_s: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            started = time.perf_counter()
            pause_s = every_s if self._newest else FIRST_PICTURE_S
            for track, (number, frame) in list(self._newest.items()):
                del self._newest[track]
                jpeg = await loop.run_in_executor(None, _jpeg, frame)
                self._notify("picture", {"track": track, "frame": number, "jpeg": jpeg})
            await asyncio.sleep(max(0.0, started + pause_s - time.perf_counter()))

    async def _send_numbers(self, every_s: float) -> None:
        self._numbers_at = time.perf_counter()
        while True:
            await asyncio.sleep(every_s)
            self._notify("numbers", self._numbers())

    def _numbers(self) -> dict[str, Any]:
        now = time.perf_counter()
        passed_s, self._numbers_at = now - self._numbers_at, now
        tracks = {}
        for peer in self._session.peers.values():
            kbps = self._received_kbps(peer.name, peer.received_bytes, passed_s)
            for probe in peer.receivers:
                name = self._session.watched_as(peer.name, probe.track)
                latencies = self._latencies.pop(name, [])
                tracks[name] = {
                    "latency_ms": statistics.median(latencies) if latencies else None,
                    "frames_per_s": self._frames.pop(name, 0) / passed_s,
                    "received_kbps": kbps,
                }
        return {"at_s": self._session.clock.now(), "tracks": tracks}

    def _received_kbps(self, peer: str, received: int, passed_s: float) -> float | None:
        before = self._bytes_before.get(peer)
        self._bytes_before[peer] = received
        return None if before is None else (received - before) * 8 / 1000 / passed_s

    def _captured_s(self, track: str, number: int | None) -> float | None:
        owner = self._session.sides.get(track.split(":")[0])
        for probe in () if owner is None else owner.senders:
            if probe.track == track and number is not None:
                captured_s: float | None = probe.recent.get(number)
                return captured_s
        return None


def _jpeg(frame: Any) -> bytes:
    scale = min(1.0, PICTURE_SIZE[0] / frame.width, PICTURE_SIZE[1] / frame.height)
    width, height = (int(side * scale) // 2 * 2 for side in (frame.width, frame.height))
    # One thread: those that “auto” starts for every picture take the media's turn on the processor.
    small = frame.reformat(width=width, height=height, format="rgb24", threads=1)
    buffer = io.BytesIO()
    Image.fromarray(small.to_ndarray()).save(buffer, "JPEG", quality=75)
    return buffer.getvalue()
