"""Rows about rooms: what they make of a Run, and one of them on a real server."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pandas as pd
import pytest

from labkit.bench.pagelink import turn_medians
from labkit.bench.roomload import outage
from labkit.bench.rooms import IN_TURN, first_frames_ms, server_ready, settled_median, shifts
from labkit.run import Run


def events(*rows: tuple[float, str, str]) -> pd.DataFrame:
    return pd.DataFrame(
        [{"at_s": at, "peer": peer, "name": name, "detail": ""} for at, peer, name in rows]
    )


def frames(*decoded_s: float) -> pd.DataFrame:
    rows = [
        {"track": "alice:video", "frame": n, "receiver": "bob", "decoded_s": at, "fate": "shown"}
        for n, at in enumerate(decoded_s)
    ]
    return pd.DataFrame(rows)


def test_a_bent_room_is_compared_with_the_clean_ones_beside_it() -> None:
    drifting = [7.0 + delay + 0.3 * number for number, delay in enumerate(IN_TURN)]
    assert shifts(drifting, IN_TURN) == pytest.approx(50)
    one_bad_room = [7.0 + delay for delay in IN_TURN]
    one_bad_room[1] += 40
    assert shifts(one_bad_room, IN_TURN) == 50
    assert shifts([7.0] * len(IN_TURN), IN_TURN) == 0


def test_a_wait_is_from_joining_to_the_first_frame() -> None:
    told = events(
        (1.0, "bob", "joining"),
        (1.3, "bob", "first_frame"),
        (1.9, "bob", "joining"),
        (0.2, "alice", "joining"),
        (2.0, "carol", "first_frame"),
    )
    assert first_frames_ms(Run.from_tables({}, events=told)) == {"bob": pytest.approx(300)}


def test_an_outage_is_from_the_last_frame_to_the_next() -> None:
    told = events((2.0, "bob", "reconnecting"), (5.2, "bob", "reconnecting"))
    joins = [(0.1, "alice"), (0.2, "bob"), (7.1, "bob"), (8.6, "alice"), (9.9, "bob")]
    messages = pd.DataFrame(
        [{"at_s": at, "sender": "sfu", "receiver": who, "name": "join"} for at, who in joins]
    )
    seen = frames(4.8, 4.9, 5.05, 8.9, 9.0)
    found = outage(Run.from_tables({}, events=told, messages=messages, frames=seen), killed_s=5.0)
    assert found["joined_s"] == pytest.approx(3.6)
    assert found["named_s"] == pytest.approx(0.2)
    assert found["gap_s"] == pytest.approx(3.85)


def test_an_outage_that_never_ends_is_no_short_one() -> None:
    run = Run.from_tables({}, events=events((1.0, "bob", "joined")), frames=frames(4.8, 4.9))
    never = {"named_s": math.inf, "joined_s": math.inf, "gap_s": math.inf}
    assert outage(run, killed_s=5.0) == never


def test_a_turn_counts_what_was_in_it() -> None:
    samples = pd.DataFrame(
        [
            {"at_s": at, "peer": peer, "name": "rtt_ms", "value": value}
            for at, peer, value in ((1.0, "me", 2.0), (5.0, "me", 52.0), (5.5, "bob", 9.0))
        ]
    )
    packets = pd.DataFrame(
        [
            {"layer": "wire", "sender": "me", "fate": fate, "sent_s": at, "arrived_s": at + 0.05}
            for at, fate in ((1.0, "delivered"), (5.0, "delivered"), (5.1, "lost"))
        ]
    )
    seen = frames(5.2, 5.3)
    seen["latency_ms"] = [7.0, 9.0]
    run = Run.from_tables({}, samples=samples, packets=packets, frames=seen)
    found = turn_medians(run, (4.0, 6.0))
    assert math.isnan(found.pop("own_ms")) and math.isnan(found.pop("carol_ms"))
    assert found == {"rtt_ms": 52.0, "transit_ms": pytest.approx(50)}
    run.frames["track"] = "carol:video"
    assert turn_medians(run, (4.0, 6.0))["carol_ms"] == 8.0


def test_a_settled_median_leaves_the_beginning_out() -> None:
    samples = pd.DataFrame(
        [
            {"at_s": at, "peer": "bob", "track": None, "name": "rtt_ms", "value": value}
            for at, value in ((1.0, 900.0), (4.0, 50.0), (5.0, 52.0), (6.0, 51.0))
        ]
    )
    meta = {"recorded_from_s": 1.0, "recorded_to_s": 7.0, "settle_s": 2.0}
    run = Run.from_tables(meta, samples=samples)
    assert settled_median(run, "bob", "rtt_ms") == 51
    assert math.isnan(settled_median(run, "alice", "rtt_ms"))


def test_the_server_is_started_and_timed(livekit_binary: Path) -> None:
    row = asyncio.run(server_ready(1.0))
    assert len(row.figures["seconds"]) == 5
    assert all(0 < seconds < 20 for seconds in row.figures["seconds"])
