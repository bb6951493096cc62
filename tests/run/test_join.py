"""Joining the halves of frames: every captured frame has one fate at every receiver."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labkit.run.join import cut_short, join_halves, join_tables, mark_rtx
from labkit.run.schema import COLUMNS, row

TRACK = "alice:video"
FATES = ("shown", "unreadable", "never decoded", "never arrived")


def sent(frame: int, *, start: int = 0, **more: Any) -> tuple[Any, ...]:
    values = {
        "frame": frame,
        "captured_s": frame / 30,
        "rtp_timestamp": (start + frame * 3000) % 2**32,
        "width": 640,
    }
    return row("frames", track=TRACK, **{**values, **more})


def seen(frame: int, fate: str, *, start: int = 0, ticks: int = 0, **more: Any) -> tuple[Any, ...]:
    values: dict[str, Any] = {
        "rtp_timestamp": (start + frame * 3000 + ticks) % 2**32,
        "receiver": "bob",
        "first_arrived_s": frame / 30 + 0.02,
    }
    if fate != "never decoded":
        values |= {"decoded_s": frame / 30 + 0.025, "frame": frame if fate == "shown" else None}
    return row("frames", track=TRACK, **{**values, **more})


def column(rows: list[tuple[Any, ...]], name: str, table: str = "frames") -> list[Any]:
    return [line[COLUMNS[table].index(name)] for line in rows]


@given(
    fates=st.lists(st.tuples(st.sampled_from(FATES), st.sampled_from(FATES)), max_size=40),
    start=st.integers(0, 2**32 - 1),
    ticks=st.integers(-2, 2),
    seed=st.integers(0, 1000),
)
def test_sent_is_shown_and_unreadable_and_lost(
    fates: list[tuple[str, str]], start: int, ticks: int, seed: int
) -> None:
    halves = [sent(i, start=start) for i in range(len(fates))]
    for i, both in enumerate(fates):
        for receiver, fate in zip(("bob", "carol"), both, strict=True):
            if fate != "never arrived":
                halves.append(seen(i, fate, start=start, ticks=ticks, receiver=receiver))
    random.Random(seed).shuffle(halves)
    peers = ["alice", "bob", "carol"]
    rows = join_halves("frames", halves, peers=peers)
    receivers = {line[2] for line in rows}
    for receiver in receivers:
        mine = [line for line in rows if line[2] == receiver]
        expected = ["lost" if "never" in f else f for f in _fates_of(fates, receiver)]
        assert column(mine, "frame") == list(range(len(fates)))
        assert column(mine, "fate") == expected
        counts = Counter(column(mine, "fate"))
        assert counts["shown"] + counts["unreadable"] + counts["lost"] == len(fates)
    assert join_halves("frames", rows, peers=peers) == rows


def _fates_of(fates: list[tuple[str, str]], receiver: str) -> list[str]:
    return [both[0 if receiver == "bob" else 1] for both in fates]


def test_a_shown_frame_has_both_sides_and_its_latency() -> None:
    (line,) = join_halves("frames", [sent(3), seen(3, "shown", width=320)])
    frame = dict(zip(COLUMNS["frames"], line, strict=True))
    assert frame["fate"] == "shown"
    assert frame["receiver"] == "bob"
    assert frame["width"] == 320  # what came out, not what went in
    assert abs(frame["latency_ms"] - 25) < 1e-9
    assert frame["first_arrived_s"] == 3 / 30 + 0.02


def test_an_unreadable_or_lost_frame_has_no_latency() -> None:
    rows = join_halves("frames", [sent(1), sent(2), seen(1, "unreadable")])
    assert column(rows, "latency_ms") == [None, None]
    assert column(rows, "decoded_s") == [1 / 30 + 0.025, None]


def test_the_number_counts_before_the_timestamp() -> None:
    rows = join_halves("frames", [sent(1), sent(2), seen(2, "shown", rtp_timestamp=3000)])
    assert column(rows, "fate") == ["lost", "shown"]


def test_three_ticks_are_another_frame() -> None:
    rows = join_halves("frames", [sent(1), seen(1, "unreadable", ticks=3)])
    assert column(rows, "fate") == ["lost"]


def test_a_frame_from_before_the_recording_is_left_out() -> None:
    rows = join_halves("frames", [sent(5), seen(4, "shown"), seen(5, "shown")])
    assert column(rows, "frame") == [5]


def test_two_reports_of_one_frame_are_one_frame() -> None:
    arrived = seen(1, "never decoded", last_arrived_s=0.06)
    rows = join_halves("frames", [sent(1), arrived, seen(1, "shown"), seen(1, "shown")])
    assert column(rows, "fate") == ["shown"]
    assert column(rows, "last_arrived_s") == [0.06]


def test_where_nothing_arrived_every_other_peer_is_a_receiver() -> None:
    rows = join_halves("frames", [sent(1)], peers=["alice", "bob", "carol"])
    assert column(rows, "receiver") == ["bob", "carol"]
    assert column(rows, "fate") == ["lost", "lost"]
    owned = join_halves("frames", [sent(1)], peers=["alice", "bob"], owners={TRACK: "bob"})
    assert column(owned, "receiver") == ["alice"]


def test_a_frame_without_any_peer_to_receive_it_is_kept() -> None:
    rows = join_halves("frames", [sent(1)])
    assert column(rows, "fate") == ["lost"]
    assert join_halves("frames", rows) == rows


def test_a_track_whose_sender_tells_nothing_is_taken_over() -> None:
    half = row("frames", track=TRACK, frame=1, receiver="bob", decoded_s=1.0, fate="shown")
    assert join_halves("frames", [half]) == [half]


def for_each(frame: int, receiver: str, start: int) -> tuple[Any, ...]:
    """What a sender of several connections tells of one of them: a stream of its own."""
    values = {"rtp_timestamp": start + frame * 3000, "encoded_s": frame / 30 + start / 1e6}
    return row("frames", track=TRACK, frame=frame, receiver=receiver, **values)


def test_a_sender_with_a_stream_for_each_receiver() -> None:
    """The captured half is common; the rest of a receiver's row is about its own stream."""
    captured = [row("frames", track=TRACK, frame=k, captured_s=k / 30) for k in (1, 2, 3)]
    streams = [for_each(k, name, at) for k in (1, 2) for name, at in (("bob", 50), ("carol", 700))]
    arrived = [seen(1, "shown", start=50), seen(2, "unreadable", start=50)]
    arrived += [seen(1, "shown", start=700, receiver="carol")]
    rows = join_halves("frames", [*captured, *streams, *arrived])
    assert column(rows, "receiver") == ["bob"] * 3 + ["carol"] * 3
    assert column(rows, "fate") == ["shown", "unreadable", "lost", "shown", "lost", "lost"]
    assert column(rows, "frame") == [1, 2, 3] * 2
    assert column(rows, "encoded_s")[0] != column(rows, "encoded_s")[3]
    assert [value is None for value in column(rows, "latency_ms")] == [
        False, True, True, False, True, True,
    ]  # fmt: skip
    assert join_halves("frames", rows) == rows


def test_what_a_sender_tells_for_a_receiver_is_no_arrival() -> None:
    captured = [row("frames", track=TRACK, frame=k, captured_s=k / 30) for k in (1, 60)]
    told = [for_each(k, "bob", 50) for k in (1, 60)]
    rows = join_halves("frames", [*captured, *told], known_until_s=1.0)
    assert column(rows, "fate") == ["lost", None]


def test_audio_is_joined_by_its_timestamp() -> None:
    def half(**values: Any) -> tuple[Any, ...]:
        return row("audio", track="alice:audio", **values)

    rows = join_halves(
        "audio",
        [
            half(frame=0, captured_s=0.0, rtp_timestamp=960),
            half(frame=1, captured_s=0.02, rtp_timestamp=1920),
            half(frame=2, captured_s=0.04, rtp_timestamp=2880),
            half(receiver="bob", rtp_timestamp=960, decoded_s=0.08),
            half(receiver="bob", rtp_timestamp=1920, decoded_s=0.1, concealed=True),
        ],
    )
    assert column(rows, "fate", "audio") == ["shown", "lost", "lost"]
    assert column(rows, "latency_ms", "audio") == [80.0, None, None]
    assert column(rows, "frame", "audio") == [0, 1, 2]


def test_rtx_packets_are_named() -> None:
    packets = [row("packets", kind=kind, ssrc=ssrc) for kind, ssrc in (("rtp", 1), ("rtp", 2))]
    streams = [row("streams", ssrc=2, role="rtx"), row("streams", ssrc=1, role="media")]
    assert column(mark_rtx(packets, streams), "kind", "packets") == ["rtp", "rtx"]


def test_in_good_order_nothing_is_cut_short() -> None:
    assert cut_short({"recorded_to_s": 10.0, "committed_s": 11.1}) == ({}, None)
    assert cut_short({"recorded_to_s": 10.0}) == ({}, None)


def test_a_recording_that_was_cut_short_does_not_know_the_last_fates() -> None:
    more_meta, known_until_s = cut_short({"recorded_to_s": 10.0, "committed_s": 1.5})
    assert more_meta == {"recorded_to_s": 1.5}
    tables = {"frames": [sent(3), sent(30), sent(31), seen(31, "shown")], "peers": []}
    rows = join_tables(tables, known_until_s)["frames"]
    assert column(rows, "fate") == ["lost", None, "shown"]
