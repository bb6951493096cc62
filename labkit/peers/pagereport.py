"""What a page has measured, as rows: frames that it sent and showed, and its ``getStats()``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from labkit.peers.pageclock import PageClock
from labkit.run.join import UNREAD
from labkit.run.tap import Tap

__all__ = ["STATS", "PageReport"]

STATS = ("candidate-pair", "inbound-rtp", "media-source", "outbound-rtp",
         "remote-inbound-rtp", "remote-outbound-rtp", "transport")  # fmt: skip
"""Types of ``getStats()`` that go into ``samples``."""

_OURS = ("outbound-rtp", "media-source", "remote-inbound-rtp")


class PageReport:
    """Writes rows while somebody records.

    Beside the page's own numbers there are ``rtt_ms`` (of the connection) and, by track that
    arrives, ``jitter_buffer_ms`` (the mean since the statistics before).

    Args:
        name: How the page's peer is called in the Run.
        incoming: Names a track that arrives, by its section (mid) and kind; None: nobody's.
        stamped: Whether the pictures of a track carry a stamp; a camera's do not.
        tap: Where the rows go.
        clock: Turns the page's times into seconds of the call.
        on_decoded: Takes track, None, number and second of each frame that was presented.
    """

    def __init__(
        self,
        name: str,
        *,
        incoming: Callable[[str | None, str], str | None],
        stamped: Callable[[str], bool],
        tap: Tap,
        clock: PageClock,
        on_decoded: Callable[[str, Any, int | None, float], None],
    ) -> None:
        self.told_until_s = -math.inf
        "Everything that the page saw before this second has been told."
        self._name = name
        self._incoming = incoming
        self._stamped = stamped
        self._tap, self._clock = tap, clock
        self._on_decoded = on_decoded
        self._heard: set[str] = set()
        self._buffers: dict[str, tuple[float, float]] = {}

    def take_batch(self, message: dict[str, Any]) -> None:
        """Take frames: those that the page has sent, and those that it has shown."""
        for number, at_ms, width, height in message["captured"]:
            self._add("frames", track=f"{self._name}:video", frame=number, width=width,
                      height=height, captured_s=self._clock.at(at_ms))  # fmt: skip
        for seen in message["shown"]:
            self._take_shown(*seen)
        self.told_until_s = self._clock.at(message["at_ms"])
        for mid, counts in message["counts"].items():
            track = self._incoming(mid, "video")
            for name, count in counts.items() if track is not None else ():
                self.sample(self.told_until_s, track, name, count)

    def take_stats(self, message: dict[str, Any]) -> None:
        """Take the reports of one ``getStats()``."""
        at_s = self._clock.at(message["at_ms"])
        for report in message["stats"]:
            kind = report.get("type")
            track = self._track_of(report)
            if kind not in STATS or (track is None and "kind" in report):
                continue
            for field, value in report.items():
                if isinstance(value, int | float) and not isinstance(value, bool):
                    self.sample(at_s, track, f"{kind}.{field}", value)
            if kind == "candidate-pair" and "currentRoundTripTime" in report:
                self.sample(at_s, None, "rtt_ms", report["currentRoundTripTime"] * 1000)
            if kind == "inbound-rtp" and track is not None:
                self._take_buffer(at_s, track, report)
                self._look_for_sound(at_s, track, report)

    def sample(self, at_s: float, track: str | None, name: str, value: float) -> None:
        """Write down a value of the page."""
        self._add("samples", at_s=at_s, peer=self._name, track=track, name=name, value=value)

    def _take_shown(
        self,
        number: int | None,
        rtp_timestamp: int | None,
        received_ms: float | None,
        presented_ms: float,
        display_ms: float | None,
        width: int,
        height: int,
        unread: int,
        mid: str | None,
    ) -> None:
        track, decoded_s = self._incoming(mid, "video"), self._clock.at(presented_ms)
        if track is None:
            return
        stamped = self._stamped(track)
        number = number if stamped else None
        self._add(
            "frames",
            track=track,
            frame=number,
            receiver=self._name,
            width=width,
            height=height,
            rtp_timestamp=rtp_timestamp,
            last_arrived_s=None if received_ms is None else self._clock.at(received_ms),
            decoded_s=decoded_s,
            shown_s=None if display_ms is None else self._clock.at(display_ms),
            fate="unreadable" if stamped and number is None else "shown",
        )
        if unread:
            self.sample(decoded_s, track, UNREAD, unread)
        self._on_decoded(track, None, number, decoded_s)

    def _take_buffer(self, at_s: float, track: str, report: dict[str, Any]) -> None:
        delay_s = report.get("jitterBufferDelay")
        count = report.get("jitterBufferEmittedCount")
        if delay_s is None or count is None:
            return
        was_s, was = self._buffers.get(track, (0.0, 0))
        self._buffers[track] = delay_s, count
        if was and count > was:
            mean_ms = (delay_s - was_s) / (count - was) * 1000
            self.sample(at_s, track, "jitter_buffer_ms", mean_ms)

    def _look_for_sound(self, at_s: float, track: str, report: dict[str, Any]) -> None:
        """Sound has no frames that a page could tell of: its first packets stand for them."""
        sound = report["kind"] == "audio" and report.get("packetsReceived")
        if sound and track not in self._heard:
            self._heard.add(track)
            self._on_decoded(track, None, None, at_s)

    def _track_of(self, report: dict[str, Any]) -> str | None:
        """Return the track that a report is about; RTP reports and sources have a kind."""
        kind = report.get("kind")
        if kind is None:
            return None
        if report["type"] in _OURS:
            return f"{self._name}:{kind}"
        return self._incoming(report.get("mid"), kind)

    def _add(self, table: str, **values: Any) -> None:
        if self._tap.recording:
            self._tap.add(table, **values)
