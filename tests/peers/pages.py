"""Pages without a browser: aiortc peers that answer the lab's questions as page.js does."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Self

import labkit.run.run  # noqa: F401  (loading pandas later would stop the page for a second)
from labkit.peers.endpoint import Peer
from labkit.peers.remote import VERSION
from labkit.peers.whip import PublishedTrack, WhipPeer


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
        view: The widget, where it is not the call's own.
        refuses: Name of the error that the camera rejects with.
        silent: Say nothing, ever, after the start.
        peer: Options of the peer that stands for the browser's connection.
    """

    def __init__(
        self,
        call: Any,
        *,
        view: Any = None,
        refuses: str = "",
        silent: bool = False,
        **peer: Any,
    ) -> None:
        self.call, self.refuses, self.silent = call, refuses, silent
        self.name = f"page {id(self)}"
        self.view = view or call.show()
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
            await self._accept(question)
            self.say(type="answer", number=number)
            self._start(self._report())
            return
        if self.refuses:
            self.say(type="failed", number=number, name=self.refuses, message="no")
            return
        self.media = question["media"]
        sdp = await self._describe(question)
        media = [
            {"kind": kind, "label": "fake", "settings": {"width": 320}}
            for kind in ("audio", "video")
            if self._options.get(kind) is not None
        ]
        self.say(type="answer", number=number, sdp=sdp, media=media, agent="a fake page")
        self.say(type="clock", offset_s=0.0, rtt_s=0.004)

    async def _describe(self, question: dict[str, Any]) -> str:
        self.peer = Peer("browser", other="lab", on_decoded=self._decoded, **self._options)
        await self.peer.open()
        return await self.peer.create_offer()

    async def _accept(self, question: dict[str, Any]) -> None:
        assert self.peer is not None
        await self.peer.set_answer(question["sdp"])

    def _mid_of(self, track: str) -> str:
        return "0"

    def _decoded(self, track: str, frame: Any, number: int | None, at_s: float) -> None:
        now_ms = time.perf_counter() * 1000
        size = frame.width, frame.height
        self.shown.append(
            [number, None, now_ms - 3, now_ms, now_ms + 5, *size, 0, self._mid_of(track)]
        )

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
                     counts={"0": {"frames_read": len(shown)}})  # fmt: skip
            stats = [{"type": "inbound-rtp", "kind": "video", "framesDecoded": 7, "mid": "0"}]
            self.say(type="stats", at_ms=now_ms, stats=stats)
            await asyncio.sleep(0.05)


class FakeRoomPage(FakePage):
    """The same for a room: it receives what it is asked to, and tells by section.

    Args:
        room: The room.
        one: Its participant in a browser, or one who comes later.
        options: As ``FakePage`` takes them.
    """

    def __init__(self, room: Any, one: Any = "me", **options: Any) -> None:
        super().__init__(room, view=room.page(one), **options)
        self.participant = getattr(one, "name", one)
        self.ears: dict[str, WhipPeer] = {}
        self.forgotten: list[str] = []
        self._heard: dict[str, list[list[Any]]] = {}
        self._closing: list[asyncio.Future[None]] = []

    def _take(self, content: dict[str, Any]) -> None:
        if content.get("what") == "hang_up":
            self._end_ear(content["ear"])
        elif content.get("what") == "forget":
            self.forgotten.append(content["publisher"])
        else:
            super()._take(content)
        if content["type"] == "end":
            self._hang_up()
            for ear in list(self.ears):
                self._end_ear(ear)

    async def _answer(self, question: dict[str, Any]) -> None:
        ear = question.get("ear")
        if ear is None:
            await super()._answer(question)
            return
        if self.refuses:
            told: dict[str, Any] = {"type": "failed", "name": self.refuses, "message": "no"}
        elif question["what"] == "set_answer":
            await self._take_answer(self.ears[ear], question)
            told = {"type": "answer"}
            self._start(self._report_ear(ear))
        else:
            self._end_ear(ear)
            told = {"type": "answer", "sdp": await self._listen(ear, question)}
        self.say(ear=ear, number=question["number"], **told)

    async def _listen(self, ear: str, question: dict[str, Any]) -> str:
        heard = self._heard[ear] = []

        def decoded(track: str, frame: Any, number: int | None, at_s: float) -> None:
            mid = next(mid for mid, name in peer._by_mid.items() if name == track)
            now_ms = time.perf_counter() * 1000
            size = frame.width, frame.height
            heard.append([number, None, now_ms - 3, now_ms, now_ms + 5, *size, 0, mid])

        options = {**self._options, "video": None, "audio": None}
        peer = self.ears[ear] = WhipPeer(self.participant, on_decoded=decoded, **options)
        await peer.open()
        peer._wanted = [PublishedTrack("", "", "", kind) for kind in question["receive"]]
        return await peer.create_offer()

    async def _report_ear(self, ear: str) -> None:
        peer = self.ears[ear]
        while self.ears.get(ear) is peer:
            self.say(ear=ear, type="state", state=peer.connection_state)
            shown = self._heard[ear][:]
            del self._heard[ear][:]
            at_ms = time.perf_counter() * 1000
            self.say(ear=ear, type="batch", at_ms=at_ms, shown=shown, captured=[], counts={})
            await asyncio.sleep(0.05)

    def _end_ear(self, ear: str) -> None:
        peer = self.ears.pop(ear, None)
        if peer is not None:
            self._closing.append(asyncio.ensure_future(peer.close()))

    def _hang_up(self) -> None:
        peer, self.peer = self.peer, None
        if peer is not None:
            self._closing.append(asyncio.ensure_future(peer.close()))

    async def leave(self) -> None:
        await super().leave()
        for ear in list(self.ears):
            self._end_ear(ear)
        await asyncio.gather(*self._closing)

    async def _describe(self, question: dict[str, Any]) -> str:
        self._hang_up()
        peer = self.peer = WhipPeer(self.participant, on_decoded=self._decoded, **self._options)
        await peer.open()
        peer._wanted = [PublishedTrack("", "", "", kind) for kind in question["receive"]]
        return await peer.create_offer()

    async def _accept(self, question: dict[str, Any]) -> None:
        assert isinstance(self.peer, WhipPeer)
        await self._take_answer(self.peer, question)

    async def _take_answer(self, peer: WhipPeer, question: dict[str, Any]) -> None:
        kinds = {one.mid: one.kind for one in peer.pc.getTransceivers()}
        names = question["names"]
        peer._by_mid = {mid: f"{who}:{kinds[mid]}" for mid, who in names.items()}
        peer._wanted = [PublishedTrack(who, "", "", kinds[mid]) for mid, who in names.items()]
        await peer.set_answer(question["sdp"])

    def _mid_of(self, track: str) -> str:
        assert isinstance(self.peer, WhipPeer)
        return next(mid for mid, name in self.peer._by_mid.items() if name == track)
