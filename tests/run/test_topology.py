"""One row a Run: what it cost, what was seen, and whether the machine was full."""

from __future__ import annotations

import math

import pytest

from labkit.run import Run
from labkit.run.topology import participants, topology_row, topology_table
from tests.run.topologies import FPS, NAMES, topology_run

ONE_WAY_KBPS = FPS * 1028 * 8 / 1000


@pytest.mark.parametrize("n", [2, 4])
def test_a_mesh_sends_to_everybody(n: int) -> None:
    row = topology_row(topology_run("mesh", n))
    assert (row["topology"], row["n"]) == ("mesh", n)
    assert row["uplink_kbps"] == pytest.approx((n - 1) * ONE_WAY_KBPS)
    assert row["downlink_kbps"] == pytest.approx((n - 1) * ONE_WAY_KBPS)
    assert row["fps"] == pytest.approx(FPS)
    assert row["latency_p50_ms"] == row["latency_p95_ms"] == pytest.approx(10)


@pytest.mark.parametrize("server", ["mcu", "sfu"])
def test_a_server_in_the_middle_is_no_participant(server: str) -> None:
    run = topology_run(server, 3)
    assert participants(run) == list(NAMES[:3])
    row = topology_row(run)
    assert (row["topology"], row["n"]) == (server, 3)
    assert row["uplink_kbps"] == pytest.approx(ONE_WAY_KBPS)


def test_the_processes_add_up() -> None:
    row = topology_row(topology_run("sfu", 2, cpu={"worker": 30.0, "sfu": 12.0}))
    assert row["cpu_percent"] == pytest.approx(42)
    assert row["cpu_by_process"] == {"sfu": 12.0, "worker": 30.0}


def test_a_server_tells_its_own_processor_time() -> None:
    run = topology_run("sfu", 2)
    counter = [
        {"at_s": at_s, "peer": "sfu", "name": "process_cpu_seconds_total", "value": value}
        for at_s, value in ((1.5, 7.0), (2.5, 7.2), (3.5, 7.5))
    ]
    tables = {name: run.table(name) for name in ("peers", "tracks", "frames", "packets")}
    rows = [*run.samples.to_dict("records"), *counter]
    row = topology_row(Run.from_tables(run.meta, samples=rows, **tables))
    assert row["cpu_by_process"] == {"worker": 40.0, "sfu": pytest.approx(25)}


def test_each_participant_of_a_room_was_asked_for_something_of_its_own() -> None:
    run = topology_run("sfu", 2)
    run.meta["asked"] = {"participants": {"alice": {"fps": 30}, "bob": {"fps": None}}}
    assert topology_row(run)["fps_asked"] == 30


def test_who_subscribed_to_nobody_misses_nothing() -> None:
    run = topology_run("sfu", 3)
    run.meta["subscribed"] = {"alice": [], "bob": ["alice:video"], "carol": ["alice:video"]}
    shown = run.frames[(run.frames["track"] == "alice:video")]
    tables = {name: run.table(name) for name in ("peers", "tracks", "packets", "samples")}
    row = topology_row(Run.from_tables(run.meta, frames=shown, **tables))
    assert row["seen"] == pytest.approx(2 / 3)
    assert row["fps"] == pytest.approx(FPS)
    assert row["full"] is False
    assert topology_row(topology_run("mesh", 3))["seen"] == 2


def test_only_the_recording_counts() -> None:
    assert topology_row(topology_run("mesh", 2))["loop_lag_p95_ms"] == pytest.approx(2)


@pytest.mark.parametrize(
    ("options", "full"),
    [
        ({}, False),
        ({"lag_ms": 60.0}, True),
        ({"skip": 1}, False),
        ({"skip": 2}, True),
        ({"skip": 2, "asked_fps": None}, False),
    ],
)
def test_a_full_machine_lags_or_loses_frames(options: dict[str, float], full: bool) -> None:
    assert topology_row(topology_run("mesh", 3, **options))["full"] is full  # type: ignore[arg-type]


def test_what_is_missing_is_missing() -> None:
    row = topology_row(Run.from_tables({}))
    assert row["n"] == 0
    assert row["full"] is None
    missing = ("uplink_kbps", "downlink_kbps", "cpu_percent", "latency_p50_ms", "fps")
    assert all(math.isnan(row[name]) for name in missing)


def test_a_table_is_in_order() -> None:
    runs = [topology_run("sfu", 3), topology_run("mesh", 4), topology_run("mesh", 2)]
    table = topology_table(runs)
    assert list(zip(table["topology"], table["n"], strict=True)) == [
        ("mesh", 2),
        ("mesh", 4),
        ("sfu", 3),
    ]
    assert topology_table([]).empty
