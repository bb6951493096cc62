"""Every figure against a hand-made table whose answer is known."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from labkit.run import Run, statistics
from tests.run.examples import example_run

STEPS_MS = {"encode": 4.0, "send": 1.0, "network": 20.0, "buffer": 2.0, "decode": 3.0}


def frame(number: int, fate: str = "shown", **more: Any) -> dict[str, Any]:
    """A frame captured at number / 10 s that took 30 ms."""
    captured_s = number / 10
    values: dict[str, Any] = {
        "track": "alice:video",
        "frame": number,
        "captured_s": captured_s,
        "encoded_s": captured_s + 0.004,
        "first_sent_s": captured_s + 0.005,
        "rtp_timestamp": number * 9000,
        "receiver": "bob",
        "fate": fate,
    }
    if fate != "lost":
        values |= {
            "last_arrived_s": captured_s + 0.025,
            "released_s": captured_s + 0.027,
            "decoded_s": captured_s + 0.030,
        }
    if fate == "shown":
        values["latency_ms"] = 30.0
    return {**values, **more}


def datagram(sent_s: float, fate: str = "delivered", **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "sender": "alice",
        "receiver": "bob",
        "layer": "wire",
        "kind": "rtp",
        "copy": 0,
        "sent_s": sent_s,
        "size_bytes": 972,
        "ssrc": 1,
        "fate": fate,
    }
    if fate == "delivered":
        values |= {"due_s": sent_s + 0.02, "arrived_s": sent_s + 0.0201}
    return {**values, **more}


def run_of(*frames: dict[str, Any], meta: dict[str, Any] | None = None, **tables: Any) -> Run:
    told = {"recorded_from_s": 0.0, "recorded_to_s": 10.0, "settle_s": 2.0}
    return Run.from_tables({**told, **(meta or {})}, frames=list(frames), **tables)


def test_percentiles_leave_out_what_is_missing() -> None:
    found = statistics.percentiles([*range(101), math.nan])
    assert found == {"n": 101, "mean": 50.0, "p5": 5.0, "p50": 50.0, "p95": 95.0, "p99": 99.0}
    nothing = statistics.percentiles([])
    assert nothing["n"] == 0
    assert all(math.isnan(nothing[name]) for name in ("mean", "p5", "p50", "p95", "p99"))


def test_frames_count_from_the_first_shown_one_within_the_recording() -> None:
    run = run_of(
        frame(1, "lost"),
        frame(2),
        frame(3, "unreadable"),
        frame(4, "lost"),
        frame(5, None),  # type: ignore[arg-type]
        frame(100),
        frame(101),
    )
    assert statistics.frame_counts(run) == {"sent": 4, "shown": 2, "unreadable": 1, "lost": 1}
    assert statistics.unreadable_share(run) == 0.25


def test_a_call_that_showed_nothing_lost_everything() -> None:
    run = run_of(frame(1, "lost"), frame(2, "unreadable"))
    assert statistics.frame_counts(run) == {"sent": 2, "shown": 0, "unreadable": 1, "lost": 1}


def test_latency_waits_until_the_call_has_settled() -> None:
    frames = [frame(19, latency_ms=500.0), frame(20, latency_ms=40.0), frame(21, latency_ms=20.0)]
    found = statistics.latency_ms(run_of(*frames, frame(22, "unreadable"), frame(23, "lost")))
    assert (found["n"], found["mean"], found["p50"]) == (2, 30.0, 30.0)
    over_time = statistics.latency_over_time(run_of(*frames))
    assert over_time["at_s"].tolist() == [1.9, 2.0, 2.1]
    assert over_time["latency_ms"].tolist() == [500.0, 40.0, 20.0]


@pytest.mark.parametrize(("seconds", "settle_s"), [(1.0, 0.5), (3.0, 1.5), (10.0, 2.0)])
def test_a_short_recording_settles_for_half_of_it(seconds: float, settle_s: float) -> None:
    run = run_of(meta={"recorded_to_s": seconds, "settle_s": None})
    assert statistics.settle_s(run) == settle_s


def test_the_budget_adds_up_to_the_mean_latency() -> None:
    run = run_of(*(frame(i) for i in range(20, 30)), frame(30, released_s=None, latency_ms=900.0))
    found = statistics.budget_ms(run)
    assert {name: round(value, 6) for name, value in found.items()} == {**STEPS_MS, "other": 0.0}


def test_a_step_that_an_engine_does_not_tell_is_in_other() -> None:
    run = run_of(*(frame(i, released_s=None, encoded_s=None) for i in range(20, 30)))
    found = statistics.budget_ms(run)
    assert math.isnan(found["encode"])
    assert math.isnan(found["buffer"])
    assert round(found["network"], 6) == 20.0
    assert round(found["other"], 6) == 10.0


def test_the_way_back_is_another_direction() -> None:
    back = frame(30, track="bob:video", receiver="alice", latency_ms=77.0)
    run = run_of(frame(30), back)
    assert statistics.latency_ms(run, "bob", "alice")["mean"] == 77.0
    assert statistics.latency_ms(run)["mean"] == 30.0
    turned = run_of(frame(30), back, meta={"sender": "bob", "receiver": "alice"})
    assert statistics.latency_ms(turned)["mean"] == 77.0


def test_tracks_belong_to_the_peer_that_the_table_names() -> None:
    tracks = [{"track": "screen", "peer": "alice", "kind": "video"}]
    run = run_of(frame(30, track="screen"), tracks=tracks)
    assert statistics.tracks_of(run, "alice") == ["screen"]
    assert statistics.latency_ms(run)["n"] == 1


def test_a_freeze_is_three_intervals_or_150_ms_more() -> None:
    def seen(*times_ms: float) -> Run:
        return run_of(*(frame(0, frame=i, shown_s=t / 1000) for i, t in enumerate(times_ms)))

    steady = [i * 100.0 for i in range(10)]
    last = steady[-1]
    assert statistics.freezes(seen(*steady)) == 0
    assert statistics.freezes(seen(*steady, last + 299)) == 0
    assert statistics.freezes(seen(*steady, last + 301)) == 1  # 3 × mean beats mean + 150
    fast = [i * 30.0 for i in range(10)]
    assert statistics.freezes(seen(*fast, fast[-1] + 179)) == 0
    assert statistics.freezes(seen(*fast, fast[-1] + 181)) == 1  # mean + 150 beats 3 × mean
    assert statistics.freezes(seen(*steady[:5])) is None


def test_intervals_are_between_all_pictures_that_were_seen() -> None:
    run = run_of(frame(1), frame(2, "unreadable"), frame(3, "lost"), frame(4))
    assert np.round(statistics.displayed_intervals_ms(run)).tolist() == [100, 200]


def test_a_frame_shown_at_an_unknown_time_counts_and_has_no_figure() -> None:
    unknown = frame(23, decoded_s=None, latency_ms=None)
    run = run_of(frame(21), frame(22), unknown, frame(24), frame(25))
    assert statistics.frame_counts(run) == {"sent": 5, "shown": 5, "unreadable": 0, "lost": 0}
    assert statistics.latency_ms(run)["n"] == len(statistics.budget_frames(run)) == 4
    assert statistics.latency_over_time(run)["latency_ms"].tolist() == [30.0] * 4
    assert np.round(statistics.displayed_intervals_ms(run)).tolist() == [100, 100]


def test_the_bitrate_is_what_left_the_relay_with_its_headers() -> None:
    packets = [
        *(datagram(i / 10) for i in range(100)),
        datagram(5.0, copy=1),
        datagram(5.0, "lost"),
        datagram(5.0, "queue_full"),
        datagram(9.99),  # leaves after the recording
        datagram(5.0, layer="rtp"),
        datagram(5.0, sender="bob", receiver="alice"),
    ]
    run = run_of(packets=packets)
    assert statistics.bitrate_kbps(run) == pytest.approx(101 * 8 / 10)
    over_time = statistics.bitrate_over_time(run, bin_s=1.0)
    assert over_time["at_s"].tolist() == [i + 0.5 for i in range(10)]
    assert over_time["kbps"].mean() == pytest.approx(101 * 8 / 10)
    assert statistics.datagrams(run) == {
        "sent": 103,
        "delivered": 101,
        "lost": 1,
        "queue_full": 1,
        "duplicates": 1,
    }
    assert statistics.loss_achieved(run) == pytest.approx(1 / 103)
    assert statistics.queue_drops(run) == 1


def test_without_a_relay_the_wire_is_unknown() -> None:
    run = run_of(frame(30))
    figures = run.summary()
    assert figures["bitrate_kbps"] is None
    assert figures["loss_achieved"] is None
    assert figures["loss_asked"] is None
    assert figures["queue_drops"] is None
    assert figures["link_error_ms"] == {"n": 0, "p50": None, "p99": None}
    assert figures["jitter_ms"] is None
    assert figures["setup_ms"] is None
    assert statistics.bitrate_over_time(run).empty


def test_the_links_error_counts_early_as_late() -> None:
    errors_s = (0.001, -0.001, 0.003)
    packets = [datagram(1.0, due_s=2.0, arrived_s=2.0 + error) for error in errors_s]
    found = statistics.link_error_ms(run_of(packets=[*packets, datagram(1.0, "lost")]))
    assert found["n"] == 3
    assert found["p50"] == pytest.approx(1.0)
    assert statistics.link_errors_ms(run_of(packets=packets)).min() == pytest.approx(-1.0)


def jitter_run(late_s: list[float], wrap: bool = False) -> Run:
    start = 2**32 - 3000 if wrap else 0
    packets = [
        datagram(3 + i / 30, arrived_s=3 + i / 30 + late, rtp_timestamp=(start + i * 3000) % 2**32)
        for i, late in enumerate(late_s)
    ]
    tracks = [{"track": "alice:video", "peer": "alice", "kind": "video"}]
    streams = [{"ssrc": 1, "track": "alice:video", "role": "media"}]
    return run_of(packets=packets, tracks=tracks, streams=streams)


@pytest.mark.parametrize("wrap", [False, True])
def test_jitter_is_in_ms_and_as_the_rfc_has_it(wrap: bool) -> None:
    assert statistics.jitter_ms(jitter_run([0.02] * 50, wrap)) == pytest.approx(0, abs=1e-9)
    # Every other packet is 16 ms late: |D| is 16 ms each time, and J approaches it by 1/16.
    run = jitter_run([0.02, 0.036] * 2, wrap)
    jitters = [1.0, 1.0 + 15 / 16, 1.0 + 15 / 16 + (16 - (1.0 + 15 / 16)) / 16]
    assert statistics.jitter_ms(run) == pytest.approx(sum(jitters) / 3)


def test_jitter_without_packets_comes_from_the_frames() -> None:
    frames = [frame(i, first_arrived_s=i / 10 + (0.016 if i % 2 else 0)) for i in range(30, 32)]
    assert statistics.jitter_ms(run_of(*frames)) == pytest.approx(1.0)


def test_set_up_is_from_the_start_to_the_first_picture_at_the_receiver() -> None:
    events = [
        {"peer": "alice", "name": "call_started", "at_s": 0.01},
        {"peer": "alice", "name": "offer_created", "at_s": 0.03},
        {"peer": "bob", "name": "ice_connected", "at_s": 0.05},
        {"peer": "bob", "name": "ice_connected", "at_s": 0.06},
        {"peer": "bob", "name": "link_changed", "at_s": 0.07},
        {"peer": "bob", "name": "first_frame", "at_s": 0.21},
        {"peer": "alice", "name": "first_frame", "at_s": 0.31},
    ]
    run = run_of(events=events)
    assert statistics.setup_ms(run) == pytest.approx(200)
    assert statistics.setup_ms(run, "bob", "alice") == pytest.approx(300)
    steps = [tuple(step) for step in statistics.setup_steps(run).round(6).to_numpy().tolist()]
    assert steps == [
        ("alice", "offer_created", 10.0, 30.0),
        ("alice", "first_frame", 30.0, 310.0),
        ("bob", "ice_connected", 10.0, 50.0),
        ("bob", "first_frame", 50.0, 210.0),
    ]


def test_the_summary_is_json_with_all_that_was_promised() -> None:
    figures = json.loads(json.dumps(example_run().summary(), allow_nan=False))
    assert set(figures["latency_ms"]) == {"n", "mean", "p5", "p50", "p95", "p99"}
    assert set(figures["budget_ms"]) == {*STEPS_MS, "other"}
    assert set(figures["frames"]) == {"sent", "shown", "unreadable", "lost"}
    assert figures["frames"]["sent"] == sum(list(figures["frames"].values())[1:])
    assert sum(figures["budget_ms"].values()) == pytest.approx(figures["latency_ms"]["mean"], abs=1)
    for name in ("bitrate_kbps", "loss_achieved", "queue_drops", "setup_ms", "jitter_ms"):
        assert isinstance(figures[name], int | float)
    assert figures["loss_asked"] == 0.02
    assert figures["seed"] == 1
    assert figures["versions"]["aiortc"] == "1.16.0"
    assert figures["back"]["sender"] == "bob"
    assert "back" not in example_run(1.0, two_way=False).summary()


def test_the_example_is_what_it_was_asked_to_be() -> None:
    marker, stock = example_run(), example_run(jitter_buffer="stock")
    held_ms = stock.summary()["latency_ms"]["p50"] - marker.summary()["latency_ms"]["p50"]
    assert held_ms == pytest.approx(1000 / 30, abs=0.5)
    assert example_run(seed=1).rows("packets") == example_run(seed=1).rows("packets")
    assert example_run(seed=1).rows("packets") != example_run(seed=2).rows("packets")


def test_an_empty_run_has_no_figures_and_no_error() -> None:
    figures = Run.from_tables().summary()
    assert figures["latency_ms"]["n"] == 0
    assert figures["latency_ms"]["p50"] is None
    assert figures["recorded_s"] is None
    assert figures["frames"] == {"sent": 0, "shown": 0, "unreadable": 0, "lost": 0}
