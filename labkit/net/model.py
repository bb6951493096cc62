"""What becomes of each datagram of one direction: pure, without a clock of its own."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Literal

from labkit.net.bottleneck import Bottleneck
from labkit.net.crossing import Crossing, Key
from labkit.net.link import Link, Phase
from labkit.net.loss import LossStream
from labkit.net.seeds import derive_seed

__all__ = ["Counts", "Fate", "LinkModel", "Passage"]

Fate = Literal["delivered", "lost", "queue_full"]


@dataclass(frozen=True, slots=True)
class Passage:
    """What a link does with one datagram."""

    number: int
    """Which datagram of its direction it is, from 0."""
    fate: Fate
    due_s: tuple[float, ...] = ()
    """When it leaves, and when its duplicate leaves; empty unless it is delivered."""
    duplicated: bool = False
    """Whether the link made a duplicate, even if the queue had no room for that."""


@dataclass(slots=True)
class Counts:
    """How many datagrams a link has seen, by fate; duplicates are counted apart."""

    received: int = 0
    delivered: int = 0
    lost: int = 0
    queue_full: int = 0
    duplicated: int = 0


class LinkModel:
    """Applies a `Link` to datagrams, one after another.

    Loss, duplication and jitter each have a random stream of their own, and every datagram
    takes the same number of values from each: the k-th one meets the same luck whatever its
    time, its size, and what became of those before it.

    Args:
        link: What to apply.
        seed: The call's seed; ``link.seed`` goes before it.
        direction: Name of the direction, for instance ``alice->bob``.
    """

    def __init__(self, link: Link, *, seed: int, direction: str) -> None:
        chosen = seed if link.seed is None else link.seed
        self.counts = Counts()
        self.bottleneck = Bottleneck()
        self._losses = LossStream(derive_seed(chosen, direction, "loss"))
        self._jitter = Random(derive_seed(chosen, direction, "jitter"))
        self._duplicate = Random(derive_seed(chosen, direction, "duplicate"))
        self._now_s = -math.inf
        self._crossing = Crossing()
        self._hurried: dict[Key, float] = {}
        self._phases: deque[Phase] = deque(link.phases)
        self._use(link.replace(phases=()), self._now_s)

    @property
    def link(self) -> Link:
        """What is applied now: the phases so far are worked in, those to come left out."""
        return self._link

    def change(self, link: Link, now_s: float) -> None:
        """Apply ``link`` from now on; the luck goes on where it is. See ``take_hurried``.

        Phases of the new link that lie before ``now_s`` are not applied. Its seed is ignored.
        """
        self._phases = deque(phase for phase in link.phases if phase.at_s > now_s)
        self._now_s = max(now_s, self._now_s)
        self._use(link.replace(phases=()), self._now_s)

    def take_hurried(self) -> dict[Key, float]:
        """Return, once, new due times of what a higher rate has let go, by number and copy."""
        hurried, self._hurried = self._hurried, {}
        return hurried

    def push(self, now_s: float, size_bytes: int) -> Passage:
        """Let one datagram enter and return what becomes of it.

        Args:
            now_s: Seconds since the start of the call; a time before the last one counts as it.
            size_bytes: Its payload, without IP and UDP headers.
        """
        now_s = self._now_s = max(now_s, self._now_s)
        self._follow_phases(now_s)
        lost = self._losses.next(self._model)
        twice = self._duplicate.random() < self._link.duplicate
        spread = self._two_gaussians()
        passage = self._pass(now_s, size_bytes, lost, twice, spread)
        self._count(passage)
        return passage

    def _pass(
        self, now_s: float, size_bytes: int, lost: bool, twice: bool, spread: tuple[float, float]
    ) -> Passage:
        number = self._losses.number
        if lost:
            return Passage(number, "lost")
        first = self._cross((number, 0), now_s, size_bytes, spread[0])
        if first is None:
            return Passage(number, "queue_full")
        second = self._cross((number, 1), now_s, size_bytes, spread[1]) if twice else None
        due_s = (first,) if second is None else (first, second)
        return Passage(number, "delivered", due_s, duplicated=twice)

    def _cross(self, key: Key, now_s: float, size_bytes: int, spread: float) -> float | None:
        """Return when the datagram leaves the link, None if the queue is full."""
        out_s = self.bottleneck.enter(now_s, size_bytes, self._link)
        if out_s is None:
            return None
        delay_ms = max(0.0, self._link.delay_ms + self._link.jitter_ms * spread)
        due_s = out_s + delay_ms / 1000
        if not self._link.reorder:
            due_s = max(due_s, self._crossing.last_due_s)
        self._crossing.add(key, now_s, out_s, due_s)
        return due_s

    def _two_gaussians(self) -> tuple[float, float]:
        # Box-Muller takes exactly two values a datagram, whatever they are.
        radius = math.sqrt(-2 * math.log(1 - self._jitter.random()))
        angle = math.tau * self._jitter.random()
        return radius * math.cos(angle), radius * math.sin(angle)

    def _follow_phases(self, now_s: float) -> None:
        while self._phases and self._phases[0].at_s <= now_s:
            self._use(self._link.replace(**self._phases.popleft().changes), now_s)

    def _use(self, link: Link, now_s: float) -> None:
        self._link = link
        self._model = link.losses()
        earlier = self.bottleneck.hurry(now_s, link)
        if earlier:
            self._hurried |= self._crossing.hurry(now_s, earlier, reorder=link.reorder)

    def _count(self, passage: Passage) -> None:
        counts = self.counts
        counts.received += 1
        setattr(counts, passage.fate, getattr(counts, passage.fate) + 1)
        counts.duplicated += passage.duplicated
