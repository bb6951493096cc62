"""A page without a browser: an aiortc peer that answers the lab's questions as page.js does."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

import labkit.run.run  # noqa: F401  (loading pandas later would stop the page for a second)
from labkit.experiments.browsers import BrowserCall
from labkit.peers.endpoint import Peer
from labkit.peers.remote import VERSION


class KeptRows:
    """A recorder's feed that keeps what it is given, by table."""

    def __init__(self) -> None:
        self.rows: dict[str, list[tuple[Any, ...]]] = {}
        self.dropped_rows = 0

    def send(self, batch: Any) -> None:
        for table, rows in batch.items():
            self.rows.setdefault(table, []).extend(rows)

    def flush(self, timeout: float = 1.0) -> bool:
        return True

    def close(self) -> None:
        pass


class FakePage:
    """Shows a browser call's widget and takes part in the call; use it as a context manager.

    Args:
        call: The call; its widget's messages are taken here.
        refuses: Name of the error that the camera rejects with.
        silent: Say nothing, ever, after the start.
        peer: Options of the peer that stands for the browser's connection.
    """

    def __init__(
        self, call: BrowserCall, *, refuses: str = "", silent: bool = False, **peer: Any
    ) -> None:
        self.call, self.refuses, self.silent = call, refuses, silent
        self.name = f"page {id(self)}"
        self.view = call.show()
        self.view.send = self._from_any_thread
        self.shown: list[list[Any]] = []
        self.peer: Peer | None = None
        self.ended, self.media = 0, ""
        self.gone = False
        self._options = peer
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self.say(type="here")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.leave()

    def say(self, **message: Any) -> None:
        self.view._take(None, {"v": VERSION, "page": self.name, **message}, [])

    def press(self, media: str) -> None:
        self.say(type="start", media=media, id="1")

    async def leave(self) -> None:
        peer, self.peer = self.peer, None
        self.gone = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if peer is not None:
            await peer.close()

    def _from_any_thread(self, content: dict[str, Any], buffers: Any = None) -> None:
        self._loop.call_soon_threadsafe(self._take, content)

    def _take(self, content: dict[str, Any]) -> None:
        if content["type"] == "end":
            self.ended += 1
            if content["page"] == self.name and not self.silent and not self.gone:
                self.say(type="here")
        if content["type"] == "describe" and content["page"] == self.name and not self.silent:
            self._start(self._answer(content))

    def _start(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)

    async def _answer(self, question: dict[str, Any]) -> None:
        number = question["number"]
        if question["what"] == "set_answer":
            assert self.peer is not None
            await self.peer.set_answer(question["sdp"])
            self.say(type="answer", number=number)
            self._start(self._report())
            return
        if self.refuses:
            self.say(type="failed", number=number, name=self.refuses, message="no")
            return
        self.media = question["media"]
        self.peer = Peer("browser", other="lab", on_decoded=self._decoded, **self._options)
        await self.peer.open()
        media = [{"kind": "video", "label": "fake", "settings": {"width": 320}}]
        sdp = await self.peer.create_offer()
        self.say(type="answer", number=number, sdp=sdp, media=media, agent="a fake page")
        self.say(type="clock", offset_s=0.0, rtt_s=0.004)

    def _decoded(self, track: str, frame: Any, number: int | None, at_s: float) -> None:
        now_ms = time.perf_counter() * 1000
        size = frame.width, frame.height
        self.shown.append([number, None, now_ms - 3, now_ms, now_ms + 5, *size, 0])

    async def _report(self) -> None:
        while self.peer is not None:
            self.say(type="state", state=self.peer.connection_state)
            shown, self.shown = self.shown, []
            captured = []
            for probe in self.peer.senders if self.media == "test picture" else ():
                times, probe.recent = probe.recent, {}
                captured += [
                    [number, (self.peer.clock.zero + at_s) * 1000, 320, 240]
                    for number, at_s in times.items()
                ]
            now_ms = time.perf_counter() * 1000
            self.say(type="batch", at_ms=now_ms, shown=shown, captured=captured,
                     counts={"frames_read": len(shown)})  # fmt: skip
            stats = [{"type": "inbound-rtp", "kind": "video", "framesDecoded": 7, "mid": "0"}]
            self.say(type="stats", at_ms=now_ms, stats=stats)
            await asyncio.sleep(0.05)
