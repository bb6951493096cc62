"""A participant by the LiveKit SDK: what an app gets, measured like every other peer.

It belongs into a worker process: a fault of the native library ends the process that it is in.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import partial
from typing import Any

from livekit import rtc

import labkit.peers.sdkexit  # noqa: F401  (before the SDK is used)
from labkit.errors import CallError, LabError
from labkit.peers import sdkerrors
from labkit.peers.clock import Clock
from labkit.peers.sdkchirps import ChirpBook, book_of
from labkit.peers.sdkevents import EVENTS, detail_of
from labkit.peers.sdkoptions import SdkOptions, check_sdk_codec
from labkit.peers.sdkpublish import SdkPublisher, soon
from labkit.peers.sdkreceive import Decoded, SdkReceiver
from labkit.peers.sdksample import SdkSampling
from labkit.peers.sdksend import SdkSender
from labkit.peers.sdkstats import Pair
from labkit.peers.sdksubscribe import SdkSubscriptions
from labkit.rooms.hiding import hide_tokens
from labkit.run.tap import Tap
from labkit.words import _

__all__ = ["SdkPeer", "WhyRefused"]

PAIR_S = 1.0
"""How long after joining the pair of addresses is looked for."""

_STATES = {"reconnecting": "disconnected", "reconnected": "connected"}

WhyRefused = Callable[[], Any]
"""Returns in words (or awaitably) why the server may refuse a join, or None."""


class SdkPeer:
    """One participant of a room; an async context manager that opens, and does not join.

    Args:
        name: How the participant is called in the Run; the token says its identity.
        url: What it joins: the server, or an ``AccessProxy``.
        token: Its room token.
        video: Video source to publish, or None.
        audio: Audio source to publish, or None.
        codec: ``vp8``, ``h264``, ``vp9``, ``av1`` or ``h265``.
        options: See ``SdkOptions``.
        unstamped: Names of tracks whose pictures carry no stamp (cameras).
        tap: Where rows go.
        clock: The call's clock.
        place: ``worker`` or ``kernel``, for the Run's table of peers.
        first_number: Of its frames; more than 0 for a name that has been here before.
        chirps: Where captured chirps are noted; None: shared by all of this clock.
        on_decoded: Called with track, frame, frame number and second of every decoded frame.
        on_failure: Called with an error that happens while the call runs.
        why_refused: Asked when the server refuses without a reason.

    Raises:
        BadValue: The codec or an option is none of those above.
    """

    engine = "livekit"

    def __init__(
        self,
        name: str = "alice",
        *,
        url: str,
        token: str,
        video: Any = None,
        audio: Any = None,
        codec: str = "vp8",
        options: Mapping[str, Any] | None = None,
        unstamped: Collection[str] = (),
        tap: Tap | None = None,
        clock: Clock | None = None,
        place: str = "worker",
        first_number: int = 0,
        chirps: ChirpBook | None = None,
        on_decoded: Decoded | None = None,
        on_failure: Callable[[LabError], None] | None = None,
        why_refused: WhyRefused | None = None,
    ) -> None:
        check_sdk_codec(codec)
        self.name = name
        self.clock = clock or Clock(time.perf_counter())
        self.tap = tap or Tap()
        self.helpers: set[str] = set()
        """What has been set up in this room already, for instance ``echo``."""
        self._url, self._token = url, token
        self._sources = {"audio": audio, "video": video}
        self._options = SdkOptions.of(options)
        self._place = place
        self._on_failure = on_failure or (lambda error: None)
        self._why_refused = why_refused or (lambda: None)
        self._room: rtc.Room | None = None
        self._state = "new"
        self._tasks: set[asyncio.Task[Any]] = set()
        common: dict[str, Any] = {
            "tap": self.tap,
            "clock": self.clock,
            "book": chirps or book_of(self.clock),
        }
        self._publisher = SdkPublisher(
            name, codec, self._options, first=first_number, on_failure=self._on_failure, **common
        )
        self._subscriptions = SdkSubscriptions(
            name,
            frozenset(unstamped),
            event=self.event,
            on_decoded=on_decoded or (lambda *_ignored: None),
            **common,
        )
        self._sampling = SdkSampling(
            name,
            codec,
            tap=self.tap,
            event=self.event,
            publisher=self._publisher,
            subscriptions=self._subscriptions,
        )

    async def __aenter__(self) -> SdkPeer:
        await self.open()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def room(self) -> rtc.Room:
        """The SDK's room, for everything that an app could do with it."""
        if self._room is None:
            raise CallError(
                _("{name} is not in a room.").format(name=self.name),
                next_step=_("Ask while the room is open."),
            )
        return self._room

    @property
    def senders(self) -> list[SdkSender]:
        """What is published, with ``track``, ``newest``, ``recent`` and ``target_kbps``."""
        return list(self._publisher.senders)

    @property
    def receivers(self) -> list[SdkReceiver]:
        """What is subscribed, or was."""
        return self._subscriptions.receivers

    @property
    def connection_state(self) -> str:
        """State of the connection in the words of W3C; disconnected while it is mended."""
        return self._state

    @property
    def received_bytes(self) -> int:
        """Bytes received on the wire by the last ``sample``, 28 header bytes a datagram."""
        return self._sampling.stats.received_bytes

    @property
    def datagrams(self) -> dict[str, int]:
        """UDP datagrams ``sent`` and ``received`` by the last ``sample``."""
        return self._sampling.stats.datagrams

    def nominated_pair(self) -> Pair | None:
        """Return the addresses that ICE has agreed on, by the last ``sample``."""
        return self._sampling.stats.pair

    def event(self, name: str, detail: Any = "") -> None:
        """Write down a state change or a step of the set-up."""
        text = detail if isinstance(detail, str) else json.dumps(detail)
        self.tap.add("events", at_s=self.clock.now(), peer=self.name, name=name, detail=text)

    def sweep(self, older_than_s: float | None = None) -> None:
        """Write down sound that has waited long enough for its chirp to be found."""
        for receiver in self._subscriptions.receivers:
            receiver.sweep() if older_than_s is None else receiver.sweep(older_than_s)

    async def open(self) -> None:
        """Make the room object; nothing is sent yet."""
        if not os.environ.get("LIVEKIT_RTC_DEBUG"):
            # The SDK writes ten lines for each failed join, tokens included.
            logging.getLogger("livekit").setLevel(logging.CRITICAL)
        self._room = rtc.Room()
        name: Any  # the SDK's list of names lacks some that it emits
        for name in EVENTS:
            self._room.on(name, partial(self._heard, name))
        self.tap.add("peers", peer=self.name, engine=self.engine, place=self._place,
                     clock_offset_s=0.0, clock_error_s=0.0)  # fmt: skip

    async def join(self) -> None:
        """Connect, publish, and subscribe to what is there and comes.

        Raises:
            CallError: The server refused, or the token gives no right to publish.
            WaitTimeout: No way for the media was found.
        """
        self._state = "connecting"
        self.event("joining")
        try:
            async with asyncio.timeout(self._options.connect_s):
                await self.room.connect(self._url, self._token, self._options.room_options())
        except TimeoutError:
            self._state = "failed"
            raise sdkerrors.join_timeout(
                self.name, self._options.connect_s, relay_only=self._options.relay_only
            ) from None
        except rtc.ConnectError as error:
            self._state = "failed"
            # Without the SDK's own error, which may repeat the token.
            raise await self._join_error(error.message) from None
        # The SDK has no events for those who were there before.
        self.event("joined", {"already_there": sorted(self.room.remote_participants)})
        await self._tell_pair()
        for kind, source in self._sources.items():
            if source is not None:
                await self._publisher.publish(self.room, kind, source)
        self._state = "connected"

    async def sample(self, now_s: float | None = None) -> None:
        """Read the SDK's statistics into ``samples``; once a second is enough.

        Args:
            now_s: Second of the call that the rows carry; None is now.
        """
        if self._room is not None:
            await self._sampling.read(self._room, self.clock.now() if now_s is None else now_s)

    def spawn(self, work: Awaitable[Any]) -> asyncio.Task[None]:
        """Run something beside everything else; it ends when the participant leaves."""
        task = asyncio.create_task(self._beside(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _beside(self, work: Awaitable[Any]) -> None:
        try:
            await work
        except Exception as error:  # nobody waits for it, so the Run has to tell
            self.event("failed_beside", hide_tokens(f"{type(error).__name__}: {error}"))

    async def close(self) -> None:
        """Leave the room and let go of everything, in the order that the SDK needs."""
        room, self._room = self._room, None
        self._state = "closed"
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._publisher.stop(room)
        await self._subscriptions.stop()
        if room is not None:
            await soon(room.disconnect())
        await self._publisher.close()

    async def _join_error(self, said: str) -> CallError:
        reason = self._why_refused() if sdkerrors.is_refusal(said) else None
        if inspect.isawaitable(reason):
            reason = await reason
        return sdkerrors.join_error(self.name, said, str(reason or ""))

    async def _tell_pair(self) -> None:
        until_s = self.clock.now() + PAIR_S
        while self.clock.now() < until_s:
            await self.sample()
            pair = self.nominated_pair()
            if pair is not None:
                self.event("nominated_pair", pair)
                return
            await asyncio.sleep(0.05)

    def _heard(self, name: str, *arguments: Any) -> None:
        self.event(name, detail_of(name, arguments))
        if name == "track_subscribed":
            self._subscriptions.subscribed(*arguments)
        elif name == "track_unsubscribed":
            self._subscriptions.unsubscribed(*arguments)
        elif name in _STATES and self._state != "closed":
            self._state = _STATES[name]
        elif name == "disconnected":
            self._left(rtc.DisconnectReason.Name(arguments[0]))

    def _left(self, reason: str) -> None:
        if self._state == "closed":
            return
        wanted = reason in sdkerrors.SOMEBODYS_WISH
        self._state = "closed" if wanted else "failed"
        if not wanted:
            self._on_failure(sdkerrors.left_error(self.name, reason))
