"""Numbered messages at a steady rate, and when each was answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit.errors import BadValue, WaitTimeout
from labkit.words import _

if TYPE_CHECKING:
    from labkit.peers.sdk import SdkPeer

__all__ = ["Answers", "Series", "check_number"]

SEND_S = 10.0
"""How long the SDK may take to accept a message."""


@dataclass(frozen=True)
class Answers:
    """What became of a series of messages.

    Args:
        channel: ``data reliable``, ``data lossy``, ``text`` or ``rpc``.
        sent: How many were sent.
        rtt_ms: Time until each answer came, by the number of its message; None without one.
    """

    channel: str
    sent: int
    rtt_ms: tuple[float | None, ...]

    @property
    def answered(self) -> int:
        """How many were answered: both ways have to succeed."""
        return sum(rtt is not None for rtt in self.rtt_ms)

    def percentile(self, percent: float) -> float | None:
        """Return a percentile (0 to 100) of the round trip in ms; None without an answer."""
        known = sorted(rtt for rtt in self.rtt_ms if rtt is not None)
        place = min(len(known) - 1, int(len(known) * percent / 100))
        return known[place] if known else None


class Series:
    """Sends numbered messages at steady times and notes when each is answered.

    Args:
        peer: Who sends.
        channel: For the Run.
        count: How many, from 1.
        rate_hz: How many a second, 0.1 to 1000.
        wait_s: How long after the last one answers are waited for.

    Raises:
        BadValue: An argument is out of its range.
    """

    def __init__(
        self, peer: SdkPeer, channel: str, count: int, rate_hz: float, wait_s: float
    ) -> None:
        check_number("count", count, 1, 100_000)
        check_number("rate_hz", rate_hz, 0.1, 1000)
        self._peer = peer
        self._channel = channel
        self._count = count
        self._rate_hz = rate_hz
        self._wait_s = wait_s
        self._sent: dict[int, float] = {}
        self._rtt_ms: dict[int, float | None] = {}
        self._complete = asyncio.Event()

    async def run(self, send: Callable[[int], Awaitable[None]]) -> Answers:
        """Send all of them, wait for the answers, and return what came of it."""
        begin_s = self._peer.clock.now()
        for number in range(self._count):
            due_s = begin_s + number / self._rate_hz
            await asyncio.sleep(max(0.0, due_s - self._peer.clock.now()))
            self._sent[number] = self._peer.clock.now()
            await _within(send(number), self._peer.name)
        try:
            await asyncio.wait_for(self._complete.wait(), self._wait_s)
        except TimeoutError:
            pass  # what has not come by now counts as unanswered
        rtt_ms = tuple(self._rtt_ms.get(number) for number in range(self._count))
        return Answers(self._channel, len(self._sent), rtt_ms)

    def answered(self, number: int) -> None:
        """Note the answer to a message; a second one is none."""
        if number in self._rtt_ms or number not in self._sent:
            return
        now_s = self._peer.clock.now()
        rtt_ms = (now_s - self._sent[number]) * 1000
        if self._peer.tap.recording:
            self._peer.tap.add("samples", at_s=now_s, peer=self._peer.name,
                               name=f"rtt_ms:{self._channel}", value=rtt_ms)  # fmt: skip
        self._settle(number, rtt_ms)

    def given_up(self, number: int) -> None:
        """Note that no answer will come."""
        self._settle(number, None)

    def _settle(self, number: int, rtt_ms: float | None) -> None:
        self._rtt_ms[number] = rtt_ms
        if len(self._rtt_ms) == self._count:
            self._complete.set()


async def _within(work: Awaitable[None], name: str) -> None:
    try:
        async with asyncio.timeout(SEND_S):
            await work
    except TimeoutError:
        raise WaitTimeout(
            _("{name} could not send within {seconds:g} s.").format(name=name, seconds=SEND_S),
            _("The connection may be broken, or its buffer full."),
            _("Send less at a time."),
        ) from None


def check_number(name: str, value: float, first: float, last: float) -> None:
    """Refuse a number that is out of its range.

    Raises:
        BadValue: Names the argument and the range.
    """
    if isinstance(value, bool) or not first <= value <= last:
        raise BadValue(
            _("{name}={value!r} cannot be used.").format(name=name, value=value),
            next_step=_("Use a number from {first:g} to {last:g}.").format(first=first, last=last),
        )
