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

    Pictures are ``("picture", {track, frame, jpeg, more})``, where ``more`` says that another one
    of the same moment follows; numbers are ``("numbers", {at_s, tracks})`` with, for each track,
    latency_ms (p50 since the last ones, None without frames), frames_per_s and received_kbps
    (everything that its receiver gets, None where it is not known).

    Args:
        session: The call that is watched.
        notify: Takes a name and a payload.
    """

    def __init__(self, session: BaseSession, notify: Callable[[str, Any], None]) -> None:
        self._session = session
        self._notify = notify
        self._task: asyncio.Task[None] | None = None
        self._newest: dict[str, tuple[int | None, Any]] = {}
        self._latencies: dict[str, list[float]] = defaultdict(list)
        self._frames: dict[str, int] = defaultdict(int)
        self._bytes_before: dict[str, int] = {}
        self._numbers_at = 0.0
        self._seen_by: str | None = None

    def set_rates(self, pictures_hz: float, numbers_hz: float, seen_by: str | None = None) -> None:
        """Begin, change or stop (0 Hz) the pictures and the numbers.

        Args:
            pictures_hz: How often each picture goes out.
            numbers_hz: How often the numbers do, those of everybody.
            seen_by: The receiver whose pictures are wanted; None for those of all.
        """
        self._seen_by = seen_by
        self._newest.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if pictures_hz > 0 or numbers_hz > 0:
            work = self._send_forever(pictures_hz, numbers_hz)
            self._task = asyncio.create_task(work, name="watch")

    def decoded(
        self, receiver: str, track: str, frame: Any, number: int | None, at_s: float
    ) -> None:
        """Note a decoded frame (None: a page keeps it); cheap while nobody watches."""
        if self._task is None or track.endswith(":audio"):
            return
        name = self._session.watched_as(receiver, track)
        if frame is not None and self._seen_by in (None, receiver):
            self._newest[name] = (number, frame)
        self._frames[name] += 1
        captured_s = self._captured_s(track, number)
        if captured_s is not None:
            self._latencies[name].append((at_s - captured_s) * 1000)

    async def close(self) -> None:
        """End what is under way."""
        task = self._task
        self.set_rates(0, 0)
        if task is not None:
            await asyncio.gather(task, return_exceptions=True)

    async def _send_forever(self, pictures_hz: float, numbers_hz: float) -> None:
        """Send both on one beat: a page draws what comes together in one go, which costs less."""
        beat_s = 1 / (pictures_hz or numbers_hz)
        self._numbers_at = time.perf_counter()
        while True:
            started = time.perf_counter()
            sent = pictures_hz > 0 and await self._send_pictures()
            if numbers_hz and started - self._numbers_at >= 1 / numbers_hz - beat_s / 2:
                received = await self._session.received_bytes()
                self._notify("numbers", self._numbers(started, received))
            pause_s = beat_s if sent or not pictures_hz else min(beat_s, FIRST_PICTURE_S)
            await asyncio.sleep(max(0.0, started + pause_s - time.perf_counter()))

    async def _send_pictures(self) -> bool:
        newest, self._newest = self._newest, {}
        if not newest:
            return False
        loop = asyncio.get_running_loop()
        frames = [frame for _number, frame in newest.values()]
        jpegs = await loop.run_in_executor(None, lambda: [_jpeg(frame) for frame in frames])
        for left, (track, (number, _frame)), jpeg in zip(
            reversed(range(len(newest))), newest.items(), jpegs, strict=True
        ):
            more = left > 0
            self._notify("picture", {"track": track, "frame": number, "jpeg": jpeg, "more": more})
        return True

    def _numbers(self, now: float, received: dict[str, int]) -> dict[str, Any]:
        passed_s, self._numbers_at = now - self._numbers_at, now
        kbps = {name: self._kbps(name, total, passed_s) for name, total in received.items()}
        tracks = {}
        for peer in self._session.peers.values():
            for probe in peer.receivers:
                name = self._session.watched_as(peer.name, probe.track)
                latencies = self._latencies.pop(name, [])
                tracks[name] = {
                    "latency_ms": statistics.median(latencies) if latencies else None,
                    "frames_per_s": self._frames.pop(name, 0) / passed_s,
                    "received_kbps": kbps.get(peer.name),
                }
        return {"at_s": self._session.clock.now(), "tracks": tracks}

    def _kbps(self, peer: str, received: int, passed_s: float) -> float | None:
        before = self._bytes_before.get(peer)
        self._bytes_before[peer] = received
        return None if before is None else (received - before) * 8 / 1000 / passed_s

    def _captured_s(self, track: str, number: int | None) -> float | None:
        for side in () if number is None else self._session.sides.values():
            for probe in side.senders:  # somebody may send one track over several connections
                if probe.track == track and number in probe.recent:
                    captured_s: float = probe.recent[number]
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
