"""Many people in one room who publish nothing: counted by the server, not by themselves."""

from __future__ import annotations

import math
from typing import Any

import pytest

from labkit.errors import BadValue
from labkit.experiments.counted import MEMORY, PEOPLE, Counted
from labkit.experiments.silent import Listing, silent_room, silent_row
from labkit.rooms.running import LivekitServer
from labkit.run.topology import SERVER_CPU_S as CPU
from tests.experiments.helpers import nothing_left, run


def told(cpu_s: float, memory_mb: float, people: float) -> Counted:
    after = {CPU: 60 + cpu_s, MEMORY: memory_mb * 1e6, PEOPLE: people}
    return Counted({CPU: 60.0}, after, seconds=2.0)


EMPTY = told(0.02, 50.0, 2.0)
FULL = told(0.06, 90.0, 6.0)


def somebody(**told: Any) -> dict[str, Any]:
    return {"others": 3, "far_end": "127.0.0.1:7882 host", "failure": None, **told}


def test_a_silent_room_in_figures() -> None:
    there = [somebody(), somebody(others=2), somebody(far_end="192.0.2.1:7882 host"),
             somebody(far_end=None)]  # fmt: skip
    row = silent_row(Listing(active=4, tracks=0, at_s=1.5), EMPTY, FULL, there)
    assert (row["n"], row["on_the_list"], row["counted"], row["tracks"]) == (4, 4, 4.0, 0)
    assert (row["all_in_s"], row["others_known"], row["far_ends_here"]) == (1.5, 2, 2)
    assert row["server_cpu_percent"] == pytest.approx(3) and row["server_mb"] == 90
    assert row["server_cpu_percent_each"] == pytest.approx(0.5)
    assert row["server_mb_each"] == pytest.approx(10)


def test_what_a_server_does_not_tell_is_missing() -> None:
    unknown = Counted({}, {PEOPLE: 1.0}, seconds=2.0)
    row = silent_row(Listing(1, 0, math.nan), unknown, unknown, [somebody(others=0)])
    for name in ("all_in_s", "server_cpu_percent_each", "server_mb", "server_mb_each"):
        assert math.isnan(row[name]), name
    assert row["counted"] == 0 and row["far_ends_here"] == 1


@pytest.mark.parametrize("count", [0, 501, 2.5, "51"])
def test_a_room_of_nobody_or_of_too_many(count: Any, livekit_server: LivekitServer) -> None:
    with pytest.raises(BadValue, match="silent room of"):
        run(silent_room(count, server=livekit_server))


@pytest.mark.parametrize("seconds", [0.5, -1, math.nan])
def test_a_moment_is_too_short(seconds: float, livekit_server: LivekitServer) -> None:
    with pytest.raises(BadValue, match="too short"):
        run(silent_room(2, server=livekit_server, seconds=seconds))


def test_everybody_is_in_by_the_servers_own_list(livekit_server: LivekitServer) -> None:
    with nothing_left():
        table = run(silent_room(5, server=livekit_server, seconds=1))
    (told,) = table.to_dict("records")
    assert told["n"] == told["on_the_list"] == told["far_ends_here"] == 5
    assert told["tracks"] == 0 and told["all_in_s"] > 0
    assert told["others_known"] == 4
    assert told["server_mb"] > 10


def test_more_than_fifty_are_no_matter(livekit_server: LivekitServer) -> None:
    with nothing_left():
        table = run(silent_room(server=livekit_server, seconds=1))
    (told,) = table.to_dict("records")
    assert told["n"] == told["on_the_list"] == told["far_ends_here"] == 51
    assert told["tracks"] == 0
