"""Three on this machine: everybody sees everybody, in a mesh and through a mixer."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any

import pytest

import labkit as lab
from labkit import mcu, mesh
from labkit.errors import BadValue, WaitTimeout
from labkit.experiments.meshspec import links_for
from labkit.media import TestPattern
from labkit.net import Link
from labkit.run import Run
from labkit.run import statistics as stats
from labkit.run.topology import topology_row
from tests.experiments.helpers import child, nothing_left, run

SMALL = TestPattern(320, 180, fps=15)
NAMES = ("alice", "bob", "carol")


def recorded(experiment: Any, seconds: float = 2.0) -> Run:
    async def work() -> Run:
        async with experiment:
            made: Run = await experiment.record(seconds, progress=False)
            return made

    with nothing_left():
        return run(work())


@pytest.fixture(scope="module")
def meshed() -> Run:
    return recorded(mesh(3, video=SMALL, link={"alice->carol": Link(delay_ms=40)}))


@pytest.fixture(scope="module")
def mixed() -> Run:
    return recorded(mcu(3, video=SMALL))


def test_in_a_mesh_everybody_sees_everybody(meshed: Run) -> None:
    for one, other in permutations(NAMES, 2):
        assert stats.frame_counts(meshed, one, other)["shown"] > 0
    assert sorted(meshed.peers["peer"]) == sorted(NAMES)
    assert sorted(meshed.tracks["track"]) == [f"{name}:video" for name in NAMES]


def test_a_frame_is_captured_once_and_encoded_for_each(meshed: Run) -> None:
    frames = meshed.frames[(meshed.frames["track"] == "alice:video")].dropna(subset=["encoded_s"])
    both = frames.pivot(index="frame", columns="receiver", values=["captured_s", "encoded_s"])
    both = both.dropna()
    assert len(both) > 0
    assert (both["captured_s", "bob"] == both["captured_s", "carol"]).all()
    assert (both["encoded_s", "bob"] != both["encoded_s", "carol"]).all()
    ssrcs = meshed.streams[meshed.streams["role"] == "media"].groupby("track")["ssrc"].nunique()
    assert (ssrcs == 2).all()


def test_every_receiver_has_the_budget_of_its_own_connection(meshed: Run) -> None:
    steps = meshed.frames[meshed.frames["fate"] == "shown"][
        ["captured_s", "encoded_s", "first_sent_s", "last_arrived_s", "released_s", "decoded_s"]
    ]
    assert (steps.dropna().diff(axis=1).iloc[:, 1:] >= 0).all(axis=None)
    assert stats.budget_ms(meshed, "alice", "carol")["network"] >= 39


def test_a_link_bends_one_direction_alone(meshed: Run) -> None:
    wire = meshed.packets[meshed.packets["layer"] == "wire"]
    waits = (
        (wire["arrived_s"] - wire["sent_s"]).groupby([wire["sender"], wire["receiver"]]).median()
    )
    assert len(waits) == 6
    bent_s = waits.pop(("alice", "carol"))
    assert bent_s >= 0.0399
    assert (waits < bent_s).all()


def test_a_mesh_costs_an_uplink_for_each_and_says_what_it_costs(meshed: Run) -> None:
    row = topology_row(meshed)
    assert (row["topology"], row["n"]) == ("mesh", 3)
    assert row["uplink_kbps"] > 1.5 * stats.bitrate_kbps(meshed, "alice", "bob")
    assert set(row["cpu_by_process"]) == {"worker", "relay"}
    assert all(percent > 0 for percent in row["cpu_by_process"].values())
    assert row["loop_lag_p95_ms"] > 0
    lags = meshed.samples[meshed.samples["name"] == "target_kbps"]
    assert set(lags["peer"]) == {f"{one}->{other}" for one, other in permutations(NAMES, 2)}


def test_through_a_mixer_everybody_sees_everybody_in_a_tile(mixed: Run) -> None:
    for one, other in permutations(NAMES, 2):
        assert stats.frame_counts(mixed, one, other)["shown"] > 0
    for name in NAMES:
        assert stats.frame_counts(mixed, name, "mcu")["shown"] > 0
        assert stats.frame_counts(mixed, "mcu", name)["shown"] > 0


def test_a_frame_is_at_the_mixer_before_it_is_in_anybodys_tile(mixed: Run) -> None:
    frames = mixed.frames[mixed.frames["track"] == "alice:video"]
    decoded = frames.pivot(index="frame", columns="receiver", values="decoded_s").dropna()
    captured = frames.groupby("frame")["captured_s"].first()
    assert len(decoded) > 0
    for name in ("bob", "carol"):
        assert (captured[decoded.index] < decoded["mcu"]).all()
        assert (decoded["mcu"] < decoded[name]).all()


def test_a_mixer_encodes_once_and_sends_the_same_to_all(mixed: Run) -> None:
    frames = mixed.frames[mixed.frames["track"] == "mcu:video"].dropna(subset=["size_bytes"])
    sizes = frames.groupby("frame")["size_bytes"]
    several = sizes.count() == 3
    assert several.any()
    assert (sizes.max() - sizes.min())[several].max() <= 200  # the descriptors of its packets
    row = topology_row(mixed)
    assert (row["topology"], row["n"]) == ("mcu", 3)
    assert (mixed.samples["name"] == "mix_percent").any()


def test_a_link_is_bent_while_it_runs_and_a_connection_can_be_asked() -> None:
    async def work() -> None:
        async with mesh(2, video=SMALL, place="kernel") as pair:
            assert "mesh of 2: alice, bob, 1 connections, running" in repr(pair)
            pair.set_link("bob->alice", delay_ms=30)
            made = await pair.record(1, progress=False)
            assert await pair.ask("alice->bob", lambda end: end.connection_state) == "connected"
            with pytest.raises(BadValue, match="alice->bob, bob->alice"):
                await pair.ask("alice", lambda end: None)
            assert set(await pair.counts()) == {"alice->bob", "bob->alice"}
        assert (made.events["name"] == "link_changed").any()
        assert stats.latency_ms(made, "bob", "alice")["p50"] > 29

    with nothing_left():
        run(work())


class Blind:
    """A jitter buffer that never lets a frame go."""

    def __init__(self, capacity: int, is_video: bool = True) -> None:
        self.capacity = capacity

    def add(self, packet: Any) -> tuple[bool, None]:
        return False, None


def test_who_sees_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.experiments.recording.FIRST_FRAME_S", 1.0)
    with nothing_left(), pytest.raises(WaitTimeout, match="No frame of bob:video arrived at alice"):
        run(mesh(2, video=SMALL, jitter_buffer=Blind, place="kernel").record(1, progress=False))


def test_a_worker_that_is_killed_leaves_nothing() -> None:
    async def work() -> None:
        async with mcu(2, video=SMALL) as pair:
            recording = pair.start_recording(20, progress=False)
            await asyncio.sleep(0.5)
            child("labkit.experiments.worker").kill()
            await recording

    with nothing_left(), pytest.raises(lab.CallError, match="ended"):
        run(work())


@pytest.mark.parametrize("n", [1, 10, 2.5, True, "three"])
def test_a_number_that_cannot_meet_is_refused(n: Any) -> None:
    with pytest.raises(BadValue, match="2 to 9"):
        mesh(n)


@pytest.mark.parametrize("link", [3, {"alice->bob": 50}, {"alice->zoe": Link()}])
def test_links_are_checked(link: Any) -> None:
    with pytest.raises(BadValue):
        mesh(3, link=link)


def test_a_link_for_all_or_for_some() -> None:
    ways = ("alice->bob", "bob->alice")
    assert links_for(ways, None) == dict.fromkeys(ways, Link())
    bent = Link(delay_ms=20)
    assert links_for(ways, bent) == dict.fromkeys(ways, bent)
    assert links_for(ways, {"bob->alice": bent}) == {"alice->bob": Link(), "bob->alice": bent}


@pytest.mark.parametrize(
    "options", [{"video": 3}, {"place": "moon"}, {"seed": 1.5}, {"video": TestPattern(160, 120)}]
)
def test_a_mixer_refuses_what_it_cannot_make(options: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        mcu(9, **options)
