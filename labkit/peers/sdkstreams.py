"""Streams and data tracks between participants: collected at one end, sent at the other.

The functions run where the participant lives (``room.ask``); importing this module does not load
the SDK.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import WaitTimeout
from labkit.words import _

if TYPE_CHECKING:
    from livekit import rtc

    from labkit.peers.sdk import SdkPeer

__all__ = ["Collected", "collect_frames", "collect_streams", "send_frames", "wait_for_streams"]

CHAT, FILES = "chat", "files"
BUFFERED_FRAMES = 64
SUBSCRIBED_WITHIN_S = 1.0
_books: dict[int, Collected] = {}
"""By the participant's room; an entry ends with its process."""


@dataclass
class Collected:
    """What a participant has received since it collects."""

    streams: list[tuple[str, int, int, float]]
    "Name, pieces, size (letters or bytes), second at which it was complete."
    transit_ms: list[float]
    "Of each frame of a data track that said when it was sent."
    frames: int = 0
    "How many frames came."


def collect_streams(peer: SdkPeer) -> None:
    """Collect text streams of the topic ``chat`` and byte streams of ``files`` from now on.

    Args:
        peer: A participant that has joined.

    Notebook: notebooks/deeper/09-streams.ipynb
    """
    book = _book(peer)

    async def read(reader: Any, name: str) -> None:
        sizes = [len(piece) async for piece in reader]
        book.streams.append((name, len(sizes), sum(sizes), peer.clock.now()))

    def text_begins(reader: rtc.TextStreamReader, _who: str) -> None:
        peer.spawn(read(reader, "text"))

    def file_begins(reader: rtc.ByteStreamReader, _who: str) -> None:
        peer.spawn(read(reader, reader.info.name))

    peer.room.unregister_text_stream_handler(CHAT)
    peer.room.unregister_byte_stream_handler(FILES)
    peer.room.register_text_stream_handler(CHAT, text_begins)
    peer.room.register_byte_stream_handler(FILES, file_begins)
    book.streams.clear()


async def wait_for_streams(
    peer: SdkPeer, count: int, within_s: float = 10.0
) -> list[tuple[str, int, int, float]]:
    """Return the streams that have arrived, in order, once there are so many.

    Args:
        peer: One that collects.
        count: How many streams are waited for.
        within_s: How long.

    Raises:
        WaitTimeout: Fewer arrived.

    Notebook: notebooks/deeper/09-streams.ipynb
    """
    book = _book(peer)
    deadline_s = peer.clock.now() + within_s
    while len(book.streams) < count:
        if peer.clock.now() > deadline_s:
            raise WaitTimeout(
                _("{there} of {count} streams arrived within {seconds:g} s.").format(
                    there=len(book.streams), count=count, seconds=within_s
                ),
                next_step=_("Run the cell again; the machine may be overloaded."),
            )
        await asyncio.sleep(0.02)
    return sorted(book.streams, key=lambda one: one[3])


def collect_frames(peer: SdkPeer) -> Collected:
    """Collect the frames of data tracks that are published from now on; return what there is.

    Args:
        peer: A participant that has joined.

    Notebook: notebooks/deeper/09-streams.ipynb
    """
    book = _book(peer)

    async def read(track: Any) -> None:
        async for frame in track.subscribe(buffer_size=BUFFERED_FRAMES):
            book.frames += 1
            if frame.user_timestamp:
                book.transit_ms.append(peer.clock.now() * 1000 - frame.user_timestamp / 1000)

    if "collect_frames" not in peer.helpers:
        peer.helpers.add("collect_frames")
        name: Any = "data_track_published"  # the SDK's list of names lacks it
        peer.room.on(name, lambda track: peer.spawn(read(track)))
    return book


async def send_frames(
    peer: SdkPeer, count: int, rate_hz: float | None = None, size_bytes: int = 100
) -> int:
    """Publish a data track, send frames that carry the time, and return how many were refused.

    Args:
        peer: Who sends.
        count: How many frames.
        rate_hz: How many a second; None for as fast as it goes.
        size_bytes: Of each.

    Notebook: notebooks/deeper/09-streams.ipynb
    """
    from livekit.rtc import DataTrackFrame, PushFrameError

    track = await peer.room.local_participant.publish_data_track(name="positions")
    await asyncio.sleep(SUBSCRIBED_WITHIN_S)
    refused, began_s = 0, peer.clock.now()
    for number in range(count):
        if rate_hz is not None:
            await asyncio.sleep(max(0.0, began_s + number / rate_hz - peer.clock.now()))
        now_us = int(peer.clock.now() * 1e6)
        try:
            track.try_push(DataTrackFrame(bytes(size_bytes), user_timestamp=now_us))
        except PushFrameError:
            refused += 1
    await asyncio.sleep(SUBSCRIBED_WITHIN_S)
    await track.unpublish()
    return refused


def _book(peer: SdkPeer) -> Collected:
    return _books.setdefault(id(peer.room), Collected([], []))
