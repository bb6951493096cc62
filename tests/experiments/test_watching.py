"""What a watcher is sent of many tracks: whose pictures, and what everybody receives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import av
import pytest

from labkit.experiments.watching import Watch
from labkit.peers.clock import Clock
from tests.experiments.helpers import run
from tests.timing import SECOND


@dataclass
class FakeProbe:
    track: str
    recent: dict[int, float] = field(default_factory=dict)


@dataclass
class FakePeer:
    name: str
    senders: list[FakeProbe] = field(default_factory=list)
    receivers: list[FakeProbe] = field(default_factory=list)


class FakeSession:
    """Two who are seen by two, over connections of their own."""

    def __init__(self) -> None:
        self.clock = Clock(0.0)
        sees = {"carol": ["alice:video", "bob:video"], "dave": ["alice:video"]}
        self.peers = {
            "alice->carol": FakePeer("alice", senders=[FakeProbe("alice:video", {7: 1.0})]),
            "alice->dave": FakePeer("alice", senders=[FakeProbe("alice:video", {8: 2.0})]),
            **{who: FakePeer(who, receivers=[*map(FakeProbe, t)]) for who, t in sees.items()},
        }
        self.sides = self.peers
        self.received = {"carol": 1000}

    def watched_as(self, receiver: str, track: str) -> str:
        return f"{track}->{receiver}"

    async def received_bytes(self) -> dict[str, int]:
        self.received = {name: total + 1000 for name, total in self.received.items()}
        return self.received


async def watched(
    told: list[tuple[str, Any]], rates: tuple[float, float], seen_by: str | None, enough: int
) -> None:
    """Watch a session in which everybody sees a frame now and then."""
    watch: Any = Watch(FakeSession(), lambda *message: told.append(message))  # type: ignore[arg-type]
    watch.set_rates(*rates, seen_by)
    picture = av.VideoFrame(64, 48, "yuv420p")
    try:
        async with asyncio.timeout(5 * SECOND):
            while len(told) < enough:
                watch.decoded("carol", "alice:video", picture, 7, 1.025)
                watch.decoded("carol", "bob:video", picture, None, 1.025)
                watch.decoded("dave", "alice:video", picture, 8, 2.05)
                await asyncio.sleep(0.01)
    finally:
        await watch.close()


def told_of(name: str, told: list[tuple[str, Any]]) -> list[Any]:
    return [payload for each, payload in told if each == name]


@pytest.fixture
def look() -> Callable[..., list[tuple[str, Any]]]:
    def looked(rates: tuple[float, float], seen_by: str | None, enough: int) -> Any:
        told: list[tuple[str, Any]] = []
        run(watched(told, rates, seen_by, enough))
        return told

    return looked


def test_pictures_are_of_one_receiver_where_one_is_named(look: Any) -> None:
    pictures = told_of("picture", look((50, 0), "carol", 6))
    assert {one["track"] for one in pictures} == {"alice:video->carol", "bob:video->carol"}
    first, second = pictures[:2]
    assert first["more"] and not second["more"]  # of one moment


def test_pictures_are_of_all_where_nobody_is_named(look: Any) -> None:
    pictures = told_of("picture", look((50, 0), None, 6))
    assert {one["track"] for one in pictures} == {
        "alice:video->carol", "bob:video->carol", "alice:video->dave",
    }  # fmt: skip


def test_numbers_are_of_everybody_whoever_is_looked_at(look: Any) -> None:
    numbers = told_of("numbers", look((0, 20), "carol", 3))
    tracks = numbers[-1]["tracks"]
    assert tracks["alice:video->carol"]["latency_ms"] == pytest.approx(25)
    assert tracks["alice:video->dave"]["latency_ms"] == pytest.approx(50)
    assert tracks["bob:video->carol"]["latency_ms"] is None  # no number, no capture
    assert tracks["bob:video->carol"]["frames_per_s"] > 0


def test_what_somebody_receives_is_missing_until_it_is_known(look: Any) -> None:
    first, *others = told_of("numbers", look((0, 20), None, 3))
    assert first["tracks"]["alice:video->carol"]["received_kbps"] is None
    assert others[0]["tracks"]["alice:video->carol"]["received_kbps"] > 0
    assert others[0]["tracks"]["alice:video->dave"]["received_kbps"] is None
