"""The tracks that one participant is subscribed to by the LiveKit SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from livekit import rtc

from labkit.peers.clock import Clock
from labkit.peers.sdkchirps import ChirpBook
from labkit.peers.sdkevents import track_name
from labkit.peers.sdkreceive import Decoded, SdkAudioReceiver, SdkReceiver, SdkVideoReceiver
from labkit.run.tap import Tap

__all__ = ["SdkSubscriptions"]


class SdkSubscriptions:
    """Reads each subscribed track, and its successor after a reconnection.

    Args:
        name: The receiving participant.
        unstamped: Names of tracks whose pictures carry no stamp.
        book: When each chirp was captured.
        event: Takes a name and a detail.
        on_decoded: As a ``Peer`` takes it.
    """

    def __init__(
        self,
        name: str,
        unstamped: frozenset[str],
        *,
        tap: Tap,
        clock: Clock,
        book: ChirpBook,
        event: Callable[[str, Any], None],
        on_decoded: Decoded,
    ) -> None:
        self._name = name
        self._unstamped = unstamped
        self._book = book
        self._event = event
        self._common: dict[str, Any] = {"tap": tap, "clock": clock, "on_decoded": self._decoded}
        self._on_decoded = on_decoded
        self._receivers: dict[str, SdkReceiver] = {}
        self._firsts: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()

    @property
    def receivers(self) -> list[SdkReceiver]:
        """What is received, or was."""
        return list(self._receivers.values())

    def subscribed(self, track: Any, publication: Any, participant: Any) -> None:
        """Begin to read a track; in the place of one of the same name."""
        name = track_name(participant.identity, publication)
        receiver = self._receivers.get(name)
        if receiver is None:
            receiver = self._receivers[name] = self._make(name, publication)
        if isinstance(receiver, SdkVideoReceiver):
            receiver.full_width = publication.width if publication.simulcasted else None
        self._spawn(receiver.switch(track))

    def unsubscribed(self, track: Any, publication: Any, participant: Any) -> None:
        """Stop reading a track, unless its successor is read already."""
        receiver = self._receivers.get(track_name(participant.identity, publication))
        if receiver is not None and receiver.native is track:
            self._spawn(receiver.stop())

    async def stop(self) -> None:
        """Stop reading; before the room is left."""
        await asyncio.gather(*self._work, return_exceptions=True)
        for receiver in self._receivers.values():
            await receiver.stop()

    def _make(self, name: str, publication: Any) -> SdkReceiver:
        if publication.kind == rtc.TrackKind.KIND_AUDIO:
            return SdkAudioReceiver(self._name, name, book=self._book, **self._common)
        return SdkVideoReceiver(
            self._name,
            name,
            stamped=name not in self._unstamped,
            on_number=lambda said: self._event("numbers_disagree", said),
            **self._common,
        )

    def _decoded(self, track: str, frame: Any, number: int | None, at_s: float) -> None:
        if track not in self._firsts:
            self._firsts.add(track)
            self._event("first_frame", track)
        self._on_decoded(track, frame, number, at_s)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
