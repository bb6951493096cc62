"""The course of an exam: who is waited for, and when the server dies. It judges nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from labkit.exam.names import BACK, KILLED, SDK, SFU
from labkit.exam.session import Progress
from labkit.words import _

__all__ = ["Conductor", "Stage"]

LOOK_S = 0.2

DEAD_S = 2.0
"""How long the server is gone."""

GONE_S = 8.0
"""How long somebody whose connection is closed may take to come again."""

THIRD_SHARE = 0.5
"""Share of the time after which the server dies even if no third person has come."""

CALL_S = 1.5
"""How long both see each other before the server dies, and after it is back."""


class Stage(Protocol):
    """What a conductor needs of an exam."""

    async def look(self) -> Progress:
        """Return how far the candidate is."""
        ...

    async def write(self, peer: str, name: str, detail: Any) -> None:
        """Write down an event."""
        ...

    def refused(self) -> bool:
        """Whether the token endpoint has said to somebody that the room is full."""
        ...

    async def kill(self) -> None:
        """End the server at once."""
        ...

    async def restart(self) -> None:
        """Bring it back."""
        ...


class Conductor:
    """Leads through one exam.

    Args:
        stage: The exam.
        kind: ``sdk`` or ``whip``; without an SDK nobody reconnects, and the server stays.
        seconds: When it is over at the latest.
        back_within_s: How soon the media must be back.
        say: Takes a sentence about what has just been seen.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        kind: str,
        seconds: float,
        back_within_s: float,
        say: Callable[[str], None],
    ) -> None:
        self._stage = stage
        self._kind = kind
        self._seconds = seconds
        self._back_within_s = back_within_s
        self._say = say
        self._ends_s = 0.0
        self._down = False
        self._stopped = False

    def stop(self) -> None:
        """End the exam now, from any thread; what there is will be judged."""
        self._stopped = True

    async def conduct(self) -> None:
        """Return when the candidate has left, or the time is up."""
        began_s = (await self._stage.look()).now_s
        self._ends_s = began_s + self._seconds
        try:
            await self._lead(began_s)
        except _OverError as over:
            self._say(str(over))

    async def _lead(self, began_s: float) -> None:
        await self._until(lambda now: now.joined_s is not None)
        self._say(_("Somebody has joined."))
        await self._until(lambda now: now.frames > 0 and now.subscribed_s is not None)
        self._say(_("Pictures go both ways."))
        if self._kind == SDK:
            await self._third(began_s)
            await self._die()
        self._say(_("Now leave the call in your app."))
        await self._until(lambda now: False)

    async def _third(self, began_s: float) -> None:
        enough_s = began_s + THIRD_SHARE * self._seconds
        since_s = (await self._stage.look()).now_s
        await self._until(lambda now: self._stage.refused() or now.now_s > enough_s)
        if self._stage.refused():
            self._say(_("A third person was told that the room is full."))
        else:
            self._say(_("No third person has asked for a token: it goes on without."))
        await self._until(lambda now: now.now_s > since_s + CALL_S)

    async def _die(self) -> None:
        await self._until(lambda now: now.here)
        self._say(_("The server dies now, and comes back in {seconds:g} s.").format(seconds=DEAD_S))
        self._down = True
        await self._stage.write(SFU, KILLED, "")
        await self._stage.kill()
        await asyncio.sleep(DEAD_S)
        await self._stage.restart()
        back_s = (await self._stage.look()).now_s
        await self._stage.write(SFU, BACK, "")
        try:
            await self._until(lambda now: _again(now, back_s) or self._late(now, back_s))
        finally:
            self._down = False
        now = await self._stage.look()
        if not _again(now, back_s):
            self._say(_("The pictures have not come back in time."))
            return
        self._say(_("The pictures are back."))
        await self._until(lambda later: later.now_s > now.now_s + CALL_S)

    def _late(self, now: Progress, back_s: float) -> bool:
        return now.now_s > back_s + self._back_within_s

    async def _until(self, seen: Callable[[Progress], bool]) -> None:
        """Wait for something; the end of the exam is no matter of what is waited for.

        Raises:
            _OverError: The candidate has left, or the time is up.
        """
        while True:
            now = await self._stage.look()
            if self._stopped:
                raise _OverError(_("The exam was ended by hand."))
            if seen(now):
                return
            if now.now_s > self._ends_s:
                raise _OverError(_("The time is up."))
            if not self._down and _has_left(now):
                raise _OverError(_("The candidate has left."))
            await asyncio.sleep(LOOK_S)


class _OverError(Exception):
    """The exam has ended; the text says why."""


def _again(now: Progress, back_s: float) -> bool:
    return now.frame_s is not None and now.frame_s > back_s


def _has_left(now: Progress) -> bool:
    if now.here or now.gone_s is None:
        return False
    said = now.left_s is not None and (now.joined_s is None or now.left_s > now.joined_s)
    return said or now.now_s > now.gone_s + GONE_S
