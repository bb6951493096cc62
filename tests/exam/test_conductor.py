"""The course of an exam, with a stage that stands for everything else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from labkit.exam import conductor
from labkit.exam.conductor import Conductor
from labkit.exam.session import Progress


@dataclass
class Stage:
    """A candidate who does what ``plan`` says, by the second; the clock runs with each look."""

    plan: Callable[[Stage, float], dict[str, Any]]
    full_at_s: float | None = None
    now_s: float = 0.0
    done: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    died_s: float | None = None
    back_s: float | None = None

    async def look(self) -> Progress:
        self.now_s += 0.2
        return replace(Progress(now_s=self.now_s), **self.plan(self, self.now_s))

    async def write(self, peer: str, name: str, detail: Any) -> None:
        self.done.append(name)

    def refused(self) -> bool:
        return self.full_at_s is not None and self.now_s > self.full_at_s

    async def kill(self) -> None:
        self.done.append("kill")
        self.died_s = self.now_s

    async def restart(self) -> None:
        self.done.append("restart")
        self.back_s = self.now_s


def good(stage: Stage, now_s: float, stays_s: float = 5.0) -> dict[str, Any]:
    """Joins at 1 s, publishes at 2 s, is back 3 s after the server, leaves some seconds later."""
    told: dict[str, Any] = {}
    if now_s > 1:
        told |= {"joined_s": 1.0, "here": True}
    if now_s > 2:
        told |= {"frames": 30, "frame_s": now_s, "subscribed_s": 1.5}
    if stage.died_s is not None:
        told |= {"here": False, "gone_s": stage.died_s, "frame_s": stage.died_s}
    if stage.back_s is not None and now_s > stage.back_s + 3:
        told |= {"joined_s": stage.back_s + 3, "here": True, "frame_s": now_s}
        end_s = stage.back_s + 3 + stays_s
        if now_s > end_s:
            told |= {"here": False, "gone_s": end_s, "left_s": end_s}
    return told


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conductor, "LOOK_S", 0.0)
    monkeypatch.setattr(conductor, "DEAD_S", 0.0)


def conduct(stage: Stage, *, kind: str = "sdk", seconds: float = 60.0) -> Stage:
    leader = Conductor(stage, kind=kind, seconds=seconds, back_within_s=15.0, say=stage.said.append)
    asyncio.run(asyncio.wait_for(leader.conduct(), 5))
    return stage


KILLING = ["server_killed", "kill", "restart", "server_restarted"]


def test_the_whole_course() -> None:
    stage = conduct(Stage(good, full_at_s=4.0))
    assert stage.done == KILLING
    assert stage.died_s is not None and 4 < stage.died_s < 6
    assert stage.said[-1] == "The candidate has left."
    assert stage.now_s < 20


def test_without_a_third_person_it_goes_on_after_half_of_the_time() -> None:
    stage = conduct(Stage(good))
    assert stage.died_s is not None and 30 < stage.died_s < 31
    assert stage.done == KILLING


def test_nobody_comes() -> None:
    stage = conduct(Stage(lambda stage, now_s: {}), seconds=10)
    assert (stage.done, stage.said) == ([], ["The time is up."])
    assert 10 < stage.now_s < 11


def test_whoever_leaves_early_ends_it_before_the_server_dies() -> None:
    def early(stage: Stage, now_s: float) -> dict[str, Any]:
        told = good(stage, now_s)
        return told | ({"here": False, "gone_s": 3.0, "left_s": 3.0} if now_s > 3 else {})

    stage = conduct(Stage(early, full_at_s=None))
    assert stage.done == [] and stage.now_s < 4


def test_whoever_is_gone_without_a_word_is_given_some_seconds() -> None:
    def lost(stage: Stage, now_s: float) -> dict[str, Any]:
        told = good(stage, now_s)
        return told | ({"here": False, "gone_s": 3.0} if now_s > 3 else {})

    stage = conduct(Stage(lost, full_at_s=4.0))
    assert stage.done == []  # the server does not die for nobody
    assert 3 + conductor.GONE_S < stage.now_s < 3 + conductor.GONE_S + 1


def test_whoever_does_not_come_back_is_not_waited_for_to_the_end() -> None:
    def away(stage: Stage, now_s: float) -> dict[str, Any]:
        told = good(stage, now_s)
        died = {"here": False, "gone_s": stage.died_s, "frame_s": stage.died_s, "joined_s": 1.0}
        return told | (died if stage.died_s is not None else {})

    stage = conduct(Stage(away, full_at_s=3.0))
    assert "The pictures have not come back in time." in stage.said
    assert stage.now_s < 30


def test_a_page_without_an_sdk_keeps_its_server() -> None:
    def page(stage: Stage, now_s: float) -> dict[str, Any]:
        told = good(stage, now_s)
        return told | ({"here": False, "gone_s": 8.0, "left_s": 8.0} if now_s > 8 else {})

    stage = conduct(Stage(page), kind="whip")
    assert stage.done == [] and 8 < stage.now_s < 9


def test_it_can_be_ended_by_hand() -> None:
    stage = Stage(good)
    leader = Conductor(stage, kind="sdk", seconds=1e6, back_within_s=15.0, say=stage.said.append)

    def plan(stage: Stage, now_s: float) -> dict[str, Any]:
        if now_s > 20:
            leader.stop()
        return good(stage, now_s)

    stage.plan = plan
    asyncio.run(asyncio.wait_for(leader.conduct(), 5))
    assert stage.said[-1] == "The exam was ended by hand."
