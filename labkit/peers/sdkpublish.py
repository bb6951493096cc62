"""The tracks that one participant publishes by the LiveKit SDK."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from livekit import rtc
from livekit.rtc.participant import PublishTrackError

from labkit.errors import LabError, WaitTimeout
from labkit.peers import sdkerrors
from labkit.peers.clock import Clock
from labkit.peers.sdkchirps import ChirpBook
from labkit.peers.sdkoptions import SdkOptions
from labkit.peers.sdksend import SdkAudioSender, SdkVideoSender
from labkit.run.tap import Tap
from labkit.words import _

__all__ = ["SdkPublisher", "soon"]

PUBLISH_S = 15.0
"""The SDK gives up after 10 s by itself; a server that is gone answers never."""

SOON_S = 3.0


class SdkPublisher:
    """Publishes sources, and takes them back in the order that the SDK needs.

    Args:
        name: The participant.
        codec: Of its video.
        options: What it asks of the SDK.
        tap: Where rows go.
        clock: The call's clock.
        book: When each chirp was captured.
        first: Number of the first frame.
        on_failure: Called with what ends a source before its time.
    """

    def __init__(
        self,
        name: str,
        codec: str,
        options: SdkOptions,
        *,
        tap: Tap,
        clock: Clock,
        book: ChirpBook,
        first: int = 0,
        on_failure: Callable[[LabError], None],
    ) -> None:
        self.senders: list[SdkVideoSender | SdkAudioSender] = []
        self._name = name
        self._codec = codec
        self._options = options
        self._tap = tap
        self._clock = clock
        self._book = book
        self._first = first
        self._on_failure = on_failure
        self._publications: list[rtc.LocalTrackPublication] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def publish(self, room: rtc.Room, kind: str, source: Any) -> None:
        """Publish a source, and begin to capture.

        Args:
            room: A room that is connected.
            kind: ``video`` or ``audio``.
            source: One of the lab's sources.

        Raises:
            CallError: The participant has no right to, or the SDK failed.
            WaitTimeout: The server does not answer.
        """
        self._check_right(room, kind)
        sender = self._make(kind, source)
        self.senders.append(sender)
        try:
            async with asyncio.timeout(PUBLISH_S):
                publication = await room.local_participant.publish_track(
                    sender.local, self._options_of(kind, source)
                )
        except PublishTrackError as error:
            raise sdkerrors.publish_error(self._name, kind, error.message) from None
        except TimeoutError:
            raise WaitTimeout(
                _("{name} could not publish {kind} within {seconds:g} s.").format(
                    name=self._name, kind=kind, seconds=PUBLISH_S
                ),
                _("The server does not answer any more."),
            ) from None
        self._publications.append(publication)
        self._tap.add("tracks", track=sender.track, peer=self._name, kind=kind,
                      source=source.describe(),
                      codec=self._codec.upper() if kind == "video" else "opus")  # fmt: skip
        self._tasks.append(asyncio.create_task(sender.run(), name=f"capture {sender.track}"))

    async def stop(self, room: rtc.Room | None) -> None:
        """Stop capturing and take the tracks back, while the room is still there."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if room is not None and room.isconnected():
            for publication in self._publications:  # its sid is new after a reconnection
                await soon(room.local_participant.unpublish_track(publication.sid))
        self._publications.clear()

    async def close(self) -> None:
        """Let the native sources go; after the room was left."""
        for sender in self.senders:
            await sender.close()

    def _check_right(self, room: rtc.Room, kind: str) -> None:
        # The server's refusal never reaches us: the SDK would wait for 10 s.
        rights = room.local_participant.permissions
        sources = rights.can_publish_sources
        if not rights.can_publish or (sources and _source_of(kind) not in sources):
            raise sdkerrors.may_not_error(self._name, kind)

    def _make(self, kind: str, source: Any) -> SdkVideoSender | SdkAudioSender:
        track = f"{self._name}:{kind}"
        common: dict[str, Any] = {
            "clock": self._clock,
            "first": self._first,
            "on_failure": self._on_failure,
        }
        if kind == "video":
            return SdkVideoSender(track, source, tap=self._tap, **common)
        return SdkAudioSender(track, source, book=self._book, **common)

    def _options_of(self, kind: str, source: Any) -> rtc.TrackPublishOptions:
        if kind == "video":
            return self._options.video_options(self._codec, source)
        return self._options.audio_options()


async def soon(work: Coroutine[Any, Any, Any], within_s: float = SOON_S) -> None:
    """Wait for the end of something that a server may never answer; its failure is no matter."""
    with contextlib.suppress(Exception):
        await asyncio.wait_for(work, within_s)


def _source_of(kind: str) -> int:
    sources = rtc.TrackSource
    found: int = sources.SOURCE_CAMERA if kind == "video" else sources.SOURCE_MICROPHONE
    return found
