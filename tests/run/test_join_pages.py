"""A page presents frames that it does not read: they are shown, without a time."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labkit.run.join import UNREAD, join_tables, presented_places
from labkit.run.schema import COLUMNS, row

TRACK, PAGE = "lab:video", "browser"
FATES = ("read", "presented", "lost")


def sent(frame: int) -> tuple[Any, ...]:
    return row(
        "frames", track=TRACK, frame=frame, captured_s=frame / 30, rtp_timestamp=frame * 3000
    )


def read(frame: int, *, number: int | None = None) -> tuple[Any, ...]:
    """What a page says of a frame; ``number`` is what it reads, where that is another one."""
    return row(
        "frames",
        track=TRACK,
        frame=frame if number is None else number,
        receiver=PAGE,
        rtp_timestamp=frame * 3000,
        decoded_s=frame / 30 + 0.05,
    )


def unread(before: int, count: int) -> tuple[Any, ...]:
    at_s = before / 30 + 0.05
    return row("samples", at_s=at_s, peer=PAGE, track=TRACK, name=UNREAD, value=count)


def joined(
    frames: list[tuple[Any, ...]], samples: list[tuple[Any, ...]]
) -> dict[int, dict[str, Any]]:
    """Return the joined rows by frame."""
    peers = [row("peers", peer=name) for name in ("lab", PAGE)]
    tables = {"frames": frames, "samples": samples, "peers": peers}
    lines = join_tables(tables)["frames"]
    assert join_tables({**tables, "frames": lines})["frames"] == lines
    rows = [dict(zip(COLUMNS["frames"], line, strict=True)) for line in lines]
    return {one["frame"]: one for one in rows}


def fates(rows: dict[int, dict[str, Any]]) -> list[str]:
    return [one["fate"] for _frame, one in sorted(rows.items())]


def page_says(what: list[str]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Return the halves and samples of a page that does with each frame what the list says."""
    halves, samples, count, begun = [sent(k) for k in range(len(what))], [], 0, False
    for frame, fate in enumerate(what):
        if fate == "read":
            halves.append(read(frame))
            if begun and count:
                samples.append(unread(frame, count))
            begun, count = True, 0
        count += fate == "presented"
    return halves, samples


@given(st.lists(st.sampled_from(FATES), max_size=40))
def test_as_many_are_shown_as_were_presented(what: list[str]) -> None:
    rows = joined(*page_says(what))
    places = [k for k, fate in enumerate(what) if fate == "read"]
    if not places:
        assert set(fates(rows)) <= {"lost"}
        return
    between = slice(places[0], places[-1] + 1)
    assert fates(rows)[between].count("lost") == what[between].count("lost")
    assert set(fates(rows)) <= {"shown", "lost"}
    for frame, one in rows.items():
        assert (one["latency_ms"] is not None) == (what[frame] == "read")
        assert what[frame] != "read" or one["fate"] == "shown"


def test_frames_of_which_all_were_presented_are_shown_without_a_time() -> None:
    rows = joined(*page_says(["read", "presented", "presented", "read"]))
    assert fates(rows) == ["shown"] * 4
    for name in ("decoded_s", "shown_s", "latency_ms", "last_arrived_s"):
        assert rows[1][name] is None
    assert (rows[1]["receiver"], rows[1]["captured_s"]) == (PAGE, 1 / 30)


def test_where_it_is_unknown_which_were_presented_the_newest_count() -> None:
    rows = joined([*map(sent, range(5)), read(0), read(4)], [unread(4, 1)])
    assert fates(rows) == ["shown", "lost", "lost", "shown", "shown"]


def test_a_tick_without_a_frame_is_no_frame() -> None:
    captured = [sent(k) for k in (0, 1, 5, 6)]
    assert fates(joined([*captured, read(0), read(6)], [unread(6, 2)])) == ["shown"] * 4


def test_nothing_is_known_before_the_first_and_after_the_last_that_was_read() -> None:
    rows = joined([*map(sent, range(4)), read(1), read(2)], [unread(1, 1)])
    assert fates(rows) == ["lost", "shown", "shown", "lost"]


def test_a_picture_that_is_newer_than_its_timestamp_hides_no_frame() -> None:
    halves = [*map(sent, range(6)), read(0), read(2, number=3), read(3), read(5)]
    assert fates(joined(halves, [unread(2, 1), unread(5, 1)])) == ["shown"] * 6


def test_a_picture_without_number_and_timestamp_was_presented() -> None:
    broken = row("frames", track=TRACK, receiver=PAGE, decoded_s=0.1, fate="unreadable")
    samples = [row("samples", at_s=0.1, peer=PAGE, track=TRACK, name=UNREAD, value=1)]
    halves = [*map(sent, range(4)), read(0), broken, read(3)]
    assert fates(joined(halves, samples)) == ["shown"] * 4


def test_another_receiver_is_another_matter() -> None:
    halves, samples = page_says(["read", "presented", "read"])
    other = [tuple("bob" if value == PAGE else value for value in half) for half in halves[3:]]
    peers = [row("peers", peer=name) for name in ("lab", PAGE, "bob")]
    lines = join_tables({"frames": [*halves, *other], "samples": samples, "peers": peers})["frames"]
    found = [(line[COLUMNS["frames"].index("receiver")], line[-1]) for line in lines]
    assert [fate for name, fate in found if name == PAGE] == ["shown"] * 3
    assert [fate for name, fate in found if name == "bob"] == ["shown", "lost", "shown"]


def test_no_more_is_presented_than_was_captured() -> None:
    assert presented_places([(2, 0), (5, 9)]) == {2, 3, 4, 5}
    assert presented_places([(None, 3), (5, 9), (5, 0)]) == {5}
