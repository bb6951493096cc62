"""The row about joins and leaves: many in one worker, and beside it the SDK alone."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from labkit.bench.held import held, sees_something
from labkit.bench.rooms import own_server
from labkit.bench.row import Row
from labkit.experiments.rooms import Room, participant, room
from labkit.media import TestPattern
from labkit.process import Child
from labkit.rooms.tokens import room_token

if TYPE_CHECKING:
    from labkit.rooms.running import LivekitServer

__all__ = ["Guests", "InARoom", "SdkAlone", "by_turns", "churn"]

JOINS = 200
SHORT_JOINS = 20
"""Where less than 5 s a measurement were asked for; the row is not met then."""

WARM_UP = 10
"""Joins after which the SDK has everything that it keeps: its threads, its buffers."""

TURN = 20
"""So many of one kind come before the next kind does."""

SLACK = {"files": 5, "threads": 2, "tasks": 0, "handles": 0, "listeners": 0}
"""What may be there on top at the end: the SDK's runtime opens some files late."""

OURS_MB = 0.2
"""What two joins, one by SDK and one by WHIP, may leave in memory on top of what the SDK leaves by
itself. They are judged together: what one kind has freed, the next one in the worker uses."""

ENGINES = {"livekit": "SDK", "labkit": "WHIP"}
ALONE = "SDK alone"
CHILD = "labkit.bench.guests"
SMALL = TestPattern(320, 240, fps=20)


class Guests:
    """Guests of one kind who come, see something and go, one after another.

    Args:
        kind: What they are called.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.taken_s: list[float] = []
        "Seconds of each visit that counts."
        self.turns: list[tuple[int, float]] = []
        "How many came in each turn, and by how much their process grew (MB) meanwhile."

    async def warm_up(self) -> None:
        """Make the visits after which a process has everything that it keeps."""
        await self.visits(WARM_UP)

    async def turn(self, count: int) -> None:
        """Let some come and go, and count them."""
        before = await self.held()
        self.taken_s += await self.visits(count)
        self.turns.append((count, (await self.held())["memory_mb"] - before["memory_mb"]))

    @property
    def each_mb(self) -> float:
        """What each left in memory in the second half of the turns; NaN where nobody came.

        In the first half the C library fills its arenas, as in ``labkit.bench.soak``.
        """
        late = self.turns[len(self.turns) // 2 :]
        came = sum(count for count, _mb in late)
        return sum(mb for _count, mb in late) / came if came else math.nan

    def figures(self) -> dict[str, Any]:
        """Return everything that was measured."""
        return {"seconds": self.taken_s, "turns": self.turns, "each_mb": self.each_mb}

    async def visits(self, count: int) -> list[float]:
        """Let some come and go; return the seconds of each."""
        raise NotImplementedError

    async def held(self) -> dict[str, float]:
        """Return what their process holds."""
        raise NotImplementedError


class InARoom(Guests):
    """They come by ``room.join`` and leave again, all in the worker of a room.

    Args:
        made: The room, running; alice publishes.
        engine: ``livekit`` or ``labkit``.
    """

    def __init__(self, made: Room, engine: str) -> None:
        super().__init__(ENGINES[engine])
        self._room = made
        self._engine = engine

    async def visits(self, count: int) -> list[float]:
        """Let that many come and go; return how many seconds each visit took.

        Args:
            count: How many.
        """
        taken_s = []
        for number in range(count):
            began_s = time.perf_counter()
            guest = participant(f"guest {number}", engine=self._engine)
            async with self._room.join(guest) as visit:
                await visit.ask(sees_something)
            taken_s.append(time.perf_counter() - began_s)
        return taken_s

    async def held(self) -> dict[str, float]:
        """Return what the room's worker holds just now."""
        told: dict[str, float] = await self._room.ask("alice", held)
        return told


class SdkAlone(Guests):
    """A dozen lines of LiveKit's SDK in a process of its own.

    Args:
        server: Where they visit.
        room_name: A room in which somebody publishes.
        child: The process.
    """

    def __init__(self, server: LivekitServer, room_name: str, child: Child) -> None:
        super().__init__(ALONE)
        self._server = server
        self._room = room_name
        self._child = child

    async def visits(self, count: int) -> list[float]:
        """Let that many come and go; return how many seconds each visit took.

        Args:
            count: How many.
        """
        names = [f"alone {number}" for number in range(count)]
        tokens = {name: room_token(self._server, name, self._room) for name in names}
        within_s = 30 + 5 * count
        taken_s: list[float] = await self._child.call(
            "come_and_go", timeout=within_s, url=self._server.url, tokens=tokens
        )
        return taken_s

    async def held(self) -> dict[str, float]:
        """Return what the process holds just now."""
        told: dict[str, float] = await self._child.call("held", timeout=20)
        return told


async def by_turns(kinds: Sequence[Guests], joins: int) -> None:
    """Let every kind come ``joins`` times, by turns, so that all meet the same machine."""
    done, order = 0, list(kinds)
    while done < joins:
        count = min(TURN, joins - done)
        for one in order:
            await one.turn(count)
        done += count
        order.reverse()


async def churn(seconds: float) -> Row:
    """Let participants join a room, see something and leave, one after another in one worker.

    Half of them use the SDK, half of them WHIP. By turns, the SDK alone does the same in a
    process of its own.
    """
    joins = JOINS if seconds >= 5 else SHORT_JOINS
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(own_server())
        alice = participant("alice", video=SMALL)
        made = await stack.enter_async_context(room(alice, server=server))
        child = await stack.enter_async_context(await Child.start(CHILD))
        ours = [InARoom(made, engine) for engine in ENGINES]
        kinds = [*ours, SdkAlone(server, made.name, child)]
        for one in kinds:
            await one.warm_up()
        before = await ours[0].held()
        await by_turns(kinds, joins // len(ours))
        after = await ours[0].held()
    return churn_row(kinds, before, after)


def churn_row(kinds: Sequence[Guests], before: dict[str, float], after: dict[str, float]) -> Row:
    """Return the row.

    Args:
        kinds: By the SDK and by WHIP in one worker, and the SDK alone.
        before: What the worker held after the warm-up.
        after: What it holds in the end.
    """
    sdk, whip, alone = kinds
    joins = len(sdk.taken_s) + len(whip.taken_s)
    left = {name: after[name] - before[name] for name in before}
    grown = {name: by for name, by in left.items() if by > SLACK.get(name, math.inf)}
    flat = sdk.each_mb + whip.each_mb - alone.each_mb <= OURS_MB
    times = ", ".join(f"{one.kind} {statistics.median(one.taken_s):.2f} s" for one in kinds)
    return Row(
        "room-churn",
        f"{joins} joins and leaves in one worker",
        "no leak, no crash",
        f"left {grown or 'nothing'}; memory by SDK {sdk.each_mb:.2f} MB a join (the SDK alone "
        f"{alone.each_mb:.2f}), by WHIP {whip.each_mb:.2f} MB",
        not grown and flat and joins >= JOINS,
        f"room.join, see something, leave; p50 {times}; by turns of {TURN}, the SDK alone in a "
        f"process of its own; {WARM_UP} of each before, which do not count; counted in the worker: "
        "files, threads, tasks, the SDK’s handles and listeners; memory over the second half of "
        f"the turns; a leak is more than {OURS_MB:g} MB for one join of each beyond what the SDK "
        "keeps by itself",
        {"left": left, **{one.kind: one.figures() for one in kinds}},
    )
