"""A peer that lives in a web page, as its call sees it.

Questions go out to the page as messages; its answers, and what it measures, come back as
messages. How they travel is not this module's business. Times of the page are milliseconds of
its ``performance.now()``; they become seconds of the call by the clocks' offset.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from aiortc.sdp import SessionDescription

from labkit.peers.clock import Clock
from labkit.peers.pageclock import PageClock
from labkit.peers.pageerrors import page_error, silent_error, undecided_error, version_error
from labkit.peers.pagereport import PageReport
from labkit.run.tap import Tap

__all__ = ["ANSWER_S", "PERMISSION_S", "VERSION", "RemoteSide"]

VERSION = 4
"""Of the messages between page and lab; a page that was loaded before an update has another."""

ANSWER_S = 8.0
"""How long the page may be silent while something is waited for."""

PERMISSION_S = 60.0
"""How long a person may think about whether the page may use the camera."""

KEPT_EARLY = 200
"""Messages kept until the clocks have been compared."""


class RemoteSide:
    """One side of a call whose ``RTCPeerConnection`` is in a page.

    Args:
        name: How the peer is called in the Run.
        other: Name of the peer at the far end.
        sends: What the page sends, by kind; None for nothing.
        codec: ``vp8`` or ``h264``.
        ask: Takes a question for the page: ``{"number", "what", ...}``.
        tap: Where the rows go.
        clock: The call's clock.
        on_decoded: As in ``Peer``; the frame itself stays in the page and is None here.
        page_clock: The page's clock, where another side of the same page compares it.
    """

    engine = "browser"
    senders: tuple[Any, ...] = ()
    receivers: tuple[Any, ...] = ()
    lost = ""
    "Why nothing more comes of the page, once that is clear."

    def __init__(
        self,
        name: str,
        *,
        other: str,
        sends: dict[str, Any],
        codec: str,
        ask: Callable[[dict[str, Any]], None],
        tap: Tap,
        clock: Clock,
        on_decoded: Callable[[str, Any, int | None, float], None],
        page_clock: PageClock | None = None,
    ) -> None:
        self.name = name
        self.other = other
        self.connection_state = "new"
        self.agent = ""
        self._sends = sends
        self._codec = codec
        self._ask_page = ask
        self._tap, self._clock = tap, clock
        self._page = page_clock or PageClock(clock)
        self._report = PageReport(name, incoming=self._incoming, stamped=self._is_stamped,
                                  tap=tap, clock=self._page, on_decoded=on_decoded)  # fmt: skip
        self._early: list[dict[str, Any]] = []
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._asked = 0
        self._heard_at = 0.0

    @property
    def told_until_s(self) -> float:
        """Everything that the page saw before this second of the call has been told."""
        return self._report.told_until_s

    @property
    def clock_is_known(self) -> bool:
        """Whether the page's clock has been compared with the call's."""
        return self._page.known

    async def open(self) -> None:
        """Nothing to open here: the page opens its connection when it is asked for an offer."""

    async def close(self) -> None:
        """Wait for nothing any more."""
        for answer in self._answers.values():
            answer.cancel()

    async def create_offer(self, **details: Any) -> str:
        """Return the page's SDP offer, with all candidates in it.

        Args:
            details: What else the page should know, for instance ``receive``.

        Raises:
            CallError: The page may not or cannot use what was asked for.
            WaitTimeout: It does not answer.
        """
        answer = await self._question(PERMISSION_S, "create_offer", **details)
        sdp = str(answer["sdp"])
        self._note_media(answer)
        self._note_streams(sdp)
        return sdp

    async def create_answer(self, offer: str) -> str:
        """Give the page an SDP offer and return its answer."""
        answer = await self._question(PERMISSION_S, "create_answer", sdp=offer)
        self._note_media(answer)
        self._note_streams(str(answer["sdp"]))
        return str(answer["sdp"])

    async def set_answer(self, answer: str, **details: Any) -> None:
        """Give the page the SDP answer to its offer, and what else it should know."""
        await self._question(ANSWER_S, "set_answer", sdp=answer, **details)

    def event(self, name: str, detail: Any = "", at_s: float | None = None) -> None:
        """Write down a state change or a step of the set-up."""
        text = detail if isinstance(detail, str) else json.dumps(detail)
        at_s = self._clock.now() if at_s is None else at_s
        self._tap.add("events", at_s=at_s, peer=self.name, name=name, detail=text)

    def sweep(self, older_than_s: float | None = None) -> None:
        """Nothing waits here: the page tells every frame once."""

    def settle_clock(self, *, introduce: bool = True) -> None:
        """Let what is known of the page's clock hold from now on.

        Args:
            introduce: Write it down; False for one who has been in this Run before.
        """
        if self._page.settled:
            return
        self._page.settle()
        if not introduce:
            return
        self._tap.add("peers", peer=self.name, engine=self.engine, place="browser",
                      clock_offset_s=self._page.offset_s,
                      clock_error_s=self._page.error_s)  # fmt: skip

    def said(self, message: dict[str, Any]) -> None:
        """Take a message of the page; one of an unknown type is left alone."""
        self._heard_at = time.monotonic()
        kind = message.get("type")
        if kind in ("answer", "failed"):
            self._take_answer(message)
        elif kind == "state":
            self.connection_state = str(message["state"])
        elif kind == "clock":
            self._take_clock(message)
        elif kind in ("event", "batch", "stats"):
            self._take_measured(message)

    def _incoming(self, mid: str | None, kind: str) -> str | None:
        """Return the name of a track that arrives, None for one that nobody has asked for."""
        return f"{self.other}:{kind}"

    def _is_stamped(self, track: str) -> bool:
        return True

    async def _question(self, within_s: float, what: str, **details: Any) -> dict[str, Any]:
        self._asked += 1
        number = self._asked
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._heard_at = started = time.monotonic()
        self._ask_page({"v": VERSION, "number": number, "what": what, **details})
        try:
            while not answer.done():
                self._refuse_silence(started, within_s)
                await asyncio.wait([answer], timeout=0.1)
            told: dict[str, Any] = answer.result()
            return told
        finally:
            self._answers.pop(number, None)
            answer.cancel()

    def _refuse_silence(self, started: float, within_s: float) -> None:
        now = time.monotonic()
        if now - self._heard_at > ANSWER_S:
            raise silent_error(ANSWER_S)
        if now - started > within_s:
            raise undecided_error(within_s)

    def _take_answer(self, message: dict[str, Any]) -> None:
        answer = self._answers.get(message["number"])
        if answer is None or answer.done():
            return
        if message.get("v") != VERSION:
            answer.set_exception(version_error())
        elif message["type"] == "failed":
            name, words = str(message["name"]), str(message.get("message", ""))
            answer.set_exception(page_error(name, words))
        else:
            answer.set_result(message)

    def _take_clock(self, message: dict[str, Any]) -> None:
        offset_s, rtt_s = float(message["offset_s"]), float(message["rtt_s"])
        self._page.take(offset_s, rtt_s)
        early, self._early = self._early, []
        for told in early:
            self._take_measured(told)
        now = self._clock.now()
        self._report.sample(now, None, "clock_error_ms", rtt_s / 2 * 1000)
        self._report.sample(now, None, "clock_drift_ms", self._page.drift_s(offset_s) * 1000)

    def _take_measured(self, message: dict[str, Any]) -> None:
        if not self._page.known:  # its times mean nothing yet
            self._early = [*self._early[-KEPT_EARLY:], message]
        elif message["type"] == "event":
            self.event(
                str(message["name"]), message.get("detail", ""), self._page.at(message["at_ms"])
            )
        elif message["type"] == "stats":
            self._report.take_stats(message)
        else:
            self._report.take_batch(message)

    def _note_media(self, answer: dict[str, Any]) -> None:
        self.agent = str(answer.get("agent", ""))
        for media in answer.get("media", ()):
            kind = media["kind"]
            self.event("media_settings", media)
            source = self._sends.get(kind)
            self._tap.add("tracks", track=f"{self.name}:{kind}", peer=self.name, kind=kind,
                          source=None if source is None else source.describe(),
                          codec=self._codec.upper() if kind == "video" else "opus")  # fmt: skip

    def _note_streams(self, sdp: str) -> None:
        for media in SessionDescription.parse(sdp).media:
            again = {ssrc for group in media.ssrc_group if group.semantic == "FID"
                     for ssrc in group.items[1:]}  # fmt: skip
            for stream in media.ssrc:
                role = "rtx" if stream.ssrc in again else "media"
                self._tap.add("streams", ssrc=stream.ssrc, track=f"{self.name}:{media.kind}",
                              role=role)  # fmt: skip
