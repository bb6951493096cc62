"""What was captured and what it costs, from runs whose answers are known."""

from __future__ import annotations

import math
from typing import Any

import pytest

from labkit.run import Run
from labkit.run.capture import capture_intervals, media_cost, tick_ms
from tests.run.examples import example_run

SIZE = {"width": 640, "height": 480}
TRACKS = [
    {"track": "alice:video", "peer": "alice", "kind": "video"},
    {"track": "alice:audio", "peer": "alice", "kind": "audio"},
]


def frames(numbers: list[int], tick_s: float = 0.02, receiver: str = "bob") -> list[dict[str, Any]]:
    common = {"track": "alice:video", "receiver": receiver, "size_bytes": 500, "fate": "shown"}
    return [
        {**common, **SIZE, "frame": number, "captured_s": 1 + at * tick_s, "rtp_timestamp": at}
        for at, number in zip(_places(numbers), numbers, strict=True)
    ]


def _places(numbers: list[int]) -> list[int]:
    return [(number - numbers[0]) % 2**24 for number in numbers]


@pytest.mark.parametrize("first", [0, 2**24 - 2])
def test_a_late_frame_is_an_interval_of_several_ticks(first: int) -> None:
    numbers = [(first + k) % 2**24 for k in (0, 1, 2, 5, 6)]
    intervals = capture_intervals(Run.from_tables({}, frames=frames(numbers), tracks=TRACKS))
    assert intervals["skipped"].tolist() == [0, 0, 2, 0]
    assert intervals["interval_ms"].tolist() == pytest.approx([20, 20, 60, 20])
    assert intervals["at_s"].tolist() == pytest.approx([1.02, 1.04, 1.10, 1.12])


def test_the_tick_is_the_sources_whatever_was_skipped() -> None:
    run = Run.from_tables({}, frames=frames([0, 1, 4, 5], 0.04), tracks=TRACKS)
    assert tick_ms(run) == pytest.approx(40)


def test_a_late_end_does_not_change_the_tick() -> None:
    rows = frames(list(range(30)), 1 / 30)
    rows[-1]["captured_s"] += 0.02
    assert round(tick_ms(Run.from_tables({}, frames=rows, tracks=TRACKS)), 1) == 33.3


def test_a_frame_counts_once_however_many_received_it() -> None:
    rows = [*frames([0, 1, 2]), *frames([0, 1, 2], receiver="carol")]
    intervals = capture_intervals(Run.from_tables({}, frames=rows, tracks=TRACKS))
    assert len(intervals) == 2


@pytest.mark.parametrize("rows", [[], frames([3])])
def test_without_two_frames_there_is_no_interval(rows: list[dict[str, Any]]) -> None:
    run = Run.from_tables({}, frames=rows, tracks=TRACKS)
    assert capture_intervals(run).empty
    assert math.isnan(tick_ms(run))


def test_frames_outside_the_recording_do_not_count() -> None:
    meta = {"recorded_from_s": 1.01, "recorded_to_s": 1.07}
    run = Run.from_tables(meta, frames=frames(list(range(10))), tracks=TRACKS)
    assert capture_intervals(run)["at_s"].tolist() == pytest.approx([1.04, 1.06])


def packets(ssrc: int, count: int, size: int, kind: str = "rtp") -> list[dict[str, Any]]:
    common = {"sender": "alice", "receiver": "bob", "layer": "wire", "fate": "delivered", "copy": 0}
    common |= {"kind": kind, "ssrc": ssrc, "size_bytes": size}
    return [{**common, "number": k, "sent_s": 1.5, "arrived_s": 1.5} for k in range(count)]


def test_raw_coded_and_sent_of_each_track() -> None:
    audio = [
        {"track": "alice:audio", "receiver": "bob", "frame": k, "captured_s": 1 + k * 0.02,
         "size_bytes": 80, "rtp_timestamp": 960 * k}
        for k in range(51)
    ]  # fmt: skip
    streams = [{"ssrc": 1, "track": "alice:video", "role": "media"},
               {"ssrc": 2, "track": "alice:video", "role": "rtx"},
               {"ssrc": 3, "track": "alice:audio", "role": "media"}]  # fmt: skip
    wire = [*packets(1, 10, 972), *packets(2, 5, 972, "rtx"), *packets(3, 50, 122)]
    wire += packets(1, 7, 500, "rtcp")
    lost = {**packets(1, 1, 9000)[0], "fate": "lost"}
    meta = {"recorded_from_s": 1.0, "recorded_to_s": 2.0}
    run = Run.from_tables(
        meta, frames=frames(list(range(51))), audio=audio, tracks=TRACKS, streams=streams,
        packets=[*wire, lost],
    )  # fmt: skip
    costs = media_cost(run).set_index("kind")
    video, sound = costs.loc["video"], costs.loc["audio"]
    assert (video["raw_bytes"], sound["raw_bytes"]) == (460_800, 1920)
    assert video["frames_per_s"] == pytest.approx(50)
    assert video["raw_kbps"] == pytest.approx(460_800 * 8 * 50 / 1000)
    assert sound["raw_kbps"] == pytest.approx(768)
    assert (video["coded_kbps"], sound["coded_kbps"]) == pytest.approx((200, 32))
    assert (video["sent_kbps"], sound["sent_kbps"]) == pytest.approx((15 * 8, 50 * 150 * 8 / 1000))


def test_a_believable_run_in_both_directions() -> None:
    run = example_run(5, with_data=False)
    assert tick_ms(run) == pytest.approx(1000 / 30, rel=0.01)
    costs = media_cost(run)
    assert costs["track"].tolist() == ["alice:video", "alice:audio"]
    assert costs["coded_kbps"].iloc[0] < costs["sent_kbps"].iloc[0]
    assert media_cost(run, "bob")["track"].tolist() == ["bob:video"]


def test_what_was_not_recorded_is_missing() -> None:
    assert media_cost(Run.from_tables({})).empty
    cost = media_cost(Run.from_tables({}, tracks=TRACKS[:1], frames=frames([0, 1])))
    assert math.isnan(cost["sent_kbps"].iloc[0])
    assert cost["coded_kbps"].iloc[0] == pytest.approx(200)
