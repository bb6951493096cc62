"""Reads the LiveKit SDK's statistics of one participant into the Run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from livekit import rtc

from labkit.peers.sdkpublish import SdkPublisher
from labkit.peers.sdkreceive import SdkVideoReceiver
from labkit.peers.sdkstats import Sample, SdkStats
from labkit.peers.sdksubscribe import SdkSubscriptions
from labkit.run.tap import Tap

__all__ = ["SdkSampling"]

STATS_S = 2.0
"""How long the SDK may take to answer."""

FEW = 10
"""So many may come between two readings before something has to become of them."""

_STEPS = ("packets_received", "frames_decoded", "frames_delivered")
_HALTS = ("packets_without_pictures", "pictures_not_delivered")


class SdkSampling:
    """Samples, SSRCs, and the codec that is really sent.

    Args:
        name: The participant.
        codec: What was asked for.
        tap: Where rows go.
        event: Takes a name and a detail.
        publisher: What it sends.
        subscriptions: What it receives.
    """

    def __init__(
        self,
        name: str,
        codec: str,
        *,
        tap: Tap,
        event: Callable[[str, Any], None],
        publisher: SdkPublisher,
        subscriptions: SdkSubscriptions,
    ) -> None:
        self.stats = SdkStats()
        self._name = name
        self._codec = codec.upper()
        self._tap = tap
        self._event = event
        self._publisher = publisher
        self._subscriptions = subscriptions
        self._track_of: dict[int, str] = {}
        self._streams_told: set[int] = set()
        self._codec_told = False
        self._progress: dict[str, list[float]] = {}
        self._dark: set[str] = set()

    async def read(self, room: rtc.Room, at_s: float) -> bool:
        """Take one reading; False while the SDK has none.

        Args:
            room: The participant's room.
            at_s: Second of the call that the rows carry.
        """
        try:
            async with asyncio.timeout(STATS_S):
                answer = await room.get_rtc_stats()
                known = [*answer.publisher_stats, *answer.subscriber_stats]
                await self._learn_tracks(known)
        except (RuntimeError, TimeoutError):
            return False
        samples = [*self.stats.take(at_s, known, self._name_track), *self._counts()]
        self._tell_streams()
        self._note_targets(samples)
        self._note_dark(samples)
        if self._tap.recording:
            for track, name, value in samples:
                self._tap.add("samples", at_s=at_s, peer=self._name, track=track, name=name,
                              value=float(value))  # fmt: skip
        return True

    async def _learn_tracks(self, known: list[Any]) -> None:
        """Find the track of each SSRC that arrives: the statistics of a room do not say it."""
        arriving = {s.inbound_rtp.stream.ssrc for s in known if s.HasField("inbound_rtp")}
        if arriving <= self._track_of.keys():
            return
        for receiver in self._subscriptions.receivers:
            if receiver.native is not None:
                for each in await receiver.native.get_stats():
                    if each.HasField("inbound_rtp"):
                        self._track_of[each.inbound_rtp.stream.ssrc] = receiver.track

    def _name_track(self, kind: str, ssrc: int, arrives: bool) -> str | None:
        return self._track_of.get(ssrc) if arrives else f"{self._name}:{kind}"

    def _counts(self) -> list[Sample]:
        counts: list[Sample] = []
        for receiver in self._subscriptions.receivers:
            counts.append((receiver.track, "frames_delivered", receiver.delivered))
            if isinstance(receiver, SdkVideoReceiver):
                counts.append((receiver.track, "unreadable", receiver.unreadable))
        return counts

    def _tell_streams(self) -> None:
        for ssrc, (kind, role, rid) in self.stats.streams.items():
            if ssrc not in self._streams_told:
                self._streams_told.add(ssrc)
                track = f"{self._name}:{kind}"
                self._tap.add("streams", ssrc=ssrc, track=track, role=role, rid=rid or None)
        sent = self.stats.codecs.get("video")
        if sent is not None and not self._codec_told:
            self._codec_told = True
            if sent != self._codec:  # H.265 silently becomes VP8
                self._event("codec_replaced", {"asked": self._codec, "sent": sent})

    def _note_targets(self, samples: list[Sample]) -> None:
        for sender in self._publisher.senders:
            parts = [
                value
                for track, name, value in samples
                if track == sender.track and name.startswith("target_kbps")
            ]
            sender.target_kbps = sum(parts) if parts else None

    def _note_dark(self, samples: list[Sample]) -> None:
        """Tell of a track that has come to a halt on its way, which the SDK never says.

        Packets without pictures: the key of the encryption is wrong, or a narrow link breaks
        every frame. Pictures that are not delivered: the SDK's stream has stopped, as it does
        with a playout delay of the room.
        """
        values = {(track, name): value for track, name, value in samples}
        for receiver in self._subscriptions.receivers:
            steps = [values.get((receiver.track, name)) for name in _STEPS]
            known = [step for step in steps if step is not None]
            if len(known) == len(_STEPS):
                self._compare(receiver.track, known)

    def _compare(self, track: str, steps: list[float]) -> None:
        before = self._progress.get(track, steps)
        self._progress[track] = steps
        grown = [step - earlier for step, earlier in zip(steps, before, strict=True)]
        halts = [
            name
            for name, came, went in zip(_HALTS, grown, grown[1:], strict=False)
            if came >= FEW and went == 0
        ]
        if halts and track not in self._dark:
            self._dark.add(track)
            self._event(halts[0], track)
        elif grown[-1] > 0:
            self._dark.discard(track)
