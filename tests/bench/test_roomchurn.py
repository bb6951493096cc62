"""The row about joins and leaves: what it makes of counts, and few joins on a real server."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.bench.held import sees_something
from labkit.bench.roomchurn import ALONE, JOINS, Guests, by_turns, churn, churn_row

HELD = {"files": 20.0, "threads": 9.0, "tasks": 4.0, "handles": 8.0, "listeners": 2.0,
        "memory_mb": 100.0}  # fmt: skip


class Counted(Guests):
    """Guests who take no time, and leave something in memory."""

    def __init__(self, kind: str, leave_mb: float, diary: list[str]) -> None:
        super().__init__(kind)
        self.leave_mb = leave_mb
        self.diary = diary
        self.memory_mb = 50.0

    async def visits(self, count: int) -> list[float]:
        self.diary.append(f"{count} {self.kind}")
        self.memory_mb += count * self.leave_mb
        return [0.5] * count

    async def held(self) -> dict[str, float]:
        return {"memory_mb": self.memory_mb}


def visited(
    sdk_mb: float = 0.3, whip_mb: float = 0.0, alone_mb: float = 0.25, each: int = JOINS // 2
) -> list[Counted]:
    kinds = [Counted("SDK", sdk_mb, []), Counted("WHIP", whip_mb, []),
             Counted(ALONE, alone_mb, [])]  # fmt: skip
    asyncio.run(by_turns(kinds, each))
    return kinds


def test_every_kind_comes_as_often_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.bench.roomchurn.TURN", 2)
    diary: list[str] = []
    kinds = [Counted(kind, 1.0, diary) for kind in "ab"]
    asyncio.run(kinds[0].warm_up())
    asyncio.run(by_turns(kinds, 3))
    assert diary == ["10 a", "2 a", "2 b", "1 b", "1 a"]
    assert [len(one.taken_s) for one in kinds] == [3, 3]
    assert [one.each_mb for one in kinds] == [1.0, 1.0]  # of the visits that count
    assert math.isnan(Guests("nobody").each_mb)


def test_memory_counts_in_the_second_half() -> None:
    guests = Guests("a")
    guests.turns = [(20, 9.0), (20, 4.0), (20, 1.0), (20, 0.0), (10, 1.0)]
    assert guests.each_mb == pytest.approx(2 / 50)


def test_what_the_sdk_keeps_by_itself_is_no_leak_of_ours() -> None:
    row = churn_row(visited(), HELD, {**HELD, "files": 22.0, "memory_mb": 130.0})
    assert row.met is True
    assert "left nothing" in row.measured and "200 joins" in row.what
    assert "0.30 MB a join (the SDK alone 0.25)" in row.measured


@pytest.mark.parametrize(
    ("kinds", "after"),
    [
        ({"sdk_mb": 0.5}, {}),
        ({"whip_mb": 0.2}, {}),
        ({"each": 20}, {}),
        ({}, {"handles": 9.0}),
        ({}, {"tasks": 5.0}),
        ({}, {"files": 30.0}),
    ],
)
def test_what_is_left_is_a_leak(kinds: dict[str, Any], after: dict[str, float]) -> None:
    row = churn_row(visited(**kinds), HELD, {**HELD, **after})
    assert row.met is False
    for name in after:
        assert name in row.measured


def test_who_sees_nothing_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.bench.held.SEE_WITHIN_S", 0.05)
    blind = SimpleNamespace(engine="livekit", receivers=[SimpleNamespace(delivered=0)])
    deaf = SimpleNamespace(engine="labkit", receivers=["a probe"], received_bytes=0)
    for peer in (blind, deaf):
        with pytest.raises(TimeoutError):
            asyncio.run(sees_something(peer))
    blind.receivers[0].delivered = deaf.received_bytes = 1
    for peer in (blind, deaf):
        asyncio.run(sees_something(peer))


def test_few_joins_leave_nothing_and_do_not_pass_for_many(
    livekit_binary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labkit.bench.roomchurn.SHORT_JOINS", 4)
    monkeypatch.setattr("labkit.bench.roomchurn.WARM_UP", 2)
    row = asyncio.run(churn(1.0))
    assert row.met is False and "4 joins" in row.what
    for kind in ("SDK", "WHIP", ALONE):
        assert len(row.figures[kind]["seconds"]) == 2
        assert all(0 < one < 20 for one in row.figures[kind]["seconds"])
    left = row.figures["left"]
    assert left["handles"] <= 0 and left["tasks"] <= 0, left
