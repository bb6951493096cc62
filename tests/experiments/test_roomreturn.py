"""Who joins again when a server is back, in which order and how often; without a server."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from labkit.errors import CallError, LabError
from labkit.experiments import roomreturn
from labkit.experiments.roomreturn import Return
from labkit.experiments.roomspec import Participant, RoomAccess, RoomSpec
from tests.experiments.helpers import SMALL, run


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roomreturn, "PAUSES_S", (0.0, 0.01, 0.01))
    monkeypatch.setattr(roomreturn, "BACK_WITHIN_S", 0.05)


class FakeSeat:
    """A seat of a participant by WHIP; ``fails`` joins fail before one succeeds."""

    comes_back = True

    def __init__(self, one: Participant, log: list[str], fails: int = 0) -> None:
        self.participant, self.name, self.identity = one, one.name, one.name
        self.peer = SimpleNamespace(sid=f"old {one.name}", event=self._event)
        self.fails = fails
        self._log = log

    def _event(self, name: str, detail: Any = "") -> None:
        self._log.append(f"{self.identity} {name}")

    def receives(self) -> list[str]:
        return []

    def server_away(self) -> None:
        self.peer.event("reconnecting")

    def is_forgotten(self) -> None:
        assert self.peer.sid.startswith("old")
        self._log.append(f"{self.identity} is forgotten")

    async def reopen(self) -> None:
        self._log.append(f"{self.identity} reopens")


class FakeSeating:
    """What ``Return`` uses of a ``Seating``; the server knows only who has joined again."""

    def __init__(self, seats: list[FakeSeat], ears: list[FakeSeat], log: list[str]) -> None:
        people = tuple(seat.participant for seat in seats)
        spec = RoomSpec(people, "room", access=RoomAccess(url="ws://127.0.0.1:1"))
        clock = SimpleNamespace(now=asyncio.get_running_loop().time)
        self.around = SimpleNamespace(spec=spec, clock=clock)
        self.seats = {seat.name: seat for seat in seats}
        self.ears = {ear.identity: ear for ear in ears}
        self.there: list[SimpleNamespace] = []
        self._log = log

    @property
    def connections(self) -> list[FakeSeat]:
        return [*self.seats.values(), *self.ears.values()]

    async def listed(self) -> list[SimpleNamespace]:
        return self.there

    async def tracks(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(track=f"{one.name}:video") for one in self.there if one.sends]

    async def join(self, seat: FakeSeat) -> None:
        self._log.append(f"{seat.identity} joins")
        if seat.fails:
            seat.fails -= 1
            raise CallError("Not yet.")
        seat.peer.sid = f"new {seat.identity}"
        sends = bool(seat.participant.sends)
        self.there.append(SimpleNamespace(sid=seat.peer.sid, name=seat.name, sends=sends))

    async def close_ears(self, identities: list[str]) -> None:
        for identity in identities:
            del self.ears[identity]
            self._log.append(f"{identity} closes")

    async def complete(self) -> None:
        self._log.append("ears for the rest")


def alice_and_bob(log: list[str]) -> tuple[FakeSeat, FakeSeat, FakeSeat]:
    """Return seats of two who publish, and the ear by which the first hears the second."""
    alice, bob = (Participant(name, video=SMALL) for name in ("alice", "bob"))
    ear = FakeSeat(alice, log)
    ear.identity = "alice (second ear)"
    return FakeSeat(alice, log), FakeSeat(bob, log), ear


def make(
    seats: list[FakeSeat], ears: list[FakeSeat], log: list[str], failed: list[LabError]
) -> Any:
    seating: Any = FakeSeating(seats, ears, log)
    back = Return(seating, asyncio.Lock(), lambda name, error: failed.append(error))
    return back, seating


async def settle(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_publishers_first_and_no_ear_of_before_is_kept() -> None:
    log: list[str] = []
    failed: list[LabError] = []

    async def work() -> None:
        alice, bob, ear = alice_and_bob(log)
        dave = FakeSeat(Participant("dave"), log, fails=1)
        back, _seating = make([dave, alice, bob], [ear], log, failed)
        back.server_changed(False)
        back.server_changed(True)
        back.begin()
        await settle(lambda: "ears for the rest" in log)
        await back.close()

    run(work())
    assert not failed
    assert log[:3] == ["dave reconnecting", "alice reconnecting", "bob reconnecting"]
    assert log[3:] == [
        "alice (second ear) is forgotten", "alice (second ear) closes",
        "alice is forgotten", "alice reopens", "alice joins", "alice reconnected",
        "bob is forgotten", "bob reopens", "bob joins", "bob reconnected",
        "dave is forgotten", "dave reopens", "dave joins",
        "dave reopens", "dave joins", "dave reconnected",
        "ears for the rest",
    ]  # fmt: skip


def test_who_is_still_there_is_left_alone() -> None:
    log: list[str] = []

    async def work() -> None:
        alice, bob, ear = alice_and_bob(log)
        back, seating = make([alice, bob], [ear], log, [])
        kept = (alice, bob, ear)
        seating.there = [SimpleNamespace(sid=s.peer.sid, name=s.name, sends=False) for s in kept]
        back.begin()
        await asyncio.sleep(0.05)
        await back.close()

    run(work())
    assert log == []


def test_who_cannot_join_is_tried_a_few_times_and_told() -> None:
    log: list[str] = []
    failed: list[LabError] = []

    async def work() -> None:
        alice, bob, _ear = alice_and_bob(log)
        bob.fails = 99
        back, _seating = make([alice, bob], [], log, failed)
        back.begin()
        await settle(lambda: failed)
        await back.close()

    run(work())
    assert log.count("bob joins") == 3
    assert "bob could not join again. Not yet." in str(failed[0])


def test_those_who_come_by_themselves_are_awaited_and_heard() -> None:
    log: list[str] = []

    async def work() -> None:
        alice, _bob, _ear = alice_and_bob(log)
        sue = FakeSeat(Participant("sue", engine="livekit", video=SMALL), log)
        sue.comes_back = False
        back, seating = make([alice, sue], [], log, [])
        back.begin()
        await settle(lambda: "alice reconnected" in log)
        await asyncio.sleep(0.1)
        assert "ears for the rest" not in log
        seating.there.append(SimpleNamespace(sid="", name="sue", sends=True))
        await settle(lambda: "ears for the rest" in log)
        await back.close()

    run(work())


def test_a_server_that_stays_away_is_given_up_and_one_that_comes_is_not() -> None:
    failed: list[LabError] = []

    async def work() -> None:
        alice, bob, _ear = alice_and_bob([])
        back, _seating = make([alice, bob], [], [], failed)
        back.server_changed(False)
        await asyncio.sleep(0.01)
        back.server_changed(True)
        await asyncio.sleep(0.1)
        assert not failed
        back.server_changed(False)
        await settle(lambda: failed)
        await back.close()

    run(work())
    assert "is gone" in str(failed[0]) and "within 0.05 s" in str(failed[0])


def test_a_server_that_ends_again_is_waited_for() -> None:
    log: list[str] = []
    failed: list[LabError] = []

    async def work() -> None:
        alice, _bob, _ear = alice_and_bob(log)
        back, _seating = make([alice], [], log, failed)
        back.server_changed(False)
        back.begin()
        await asyncio.sleep(0.02)
        assert "alice reopens" not in log
        back.server_changed(True)
        await settle(lambda: "alice reconnected" in log)
        await back.close()

    run(work())
    assert not failed
