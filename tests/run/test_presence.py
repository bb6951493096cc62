"""Who is not in the room misses no frames."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from labkit.run.join import join_tables
from labkit.run.presence import presence_of, span_at
from labkit.run.schema import COLUMNS, row
from tests.run.test_join import column, seen, sent

PEERS = [row("peers", peer=name, engine="labkit") for name in ("alice", "bob")]


def told(at_s: float | None, name: str, peer: str | None = "bob") -> tuple[Any, ...]:
    return row("events", at_s=at_s, peer=peer, name=name)


def test_visits_are_read_from_the_events() -> None:
    events = [told(5.0, "joined"), told(1.0, "joined"), told(1.5, "joined"), told(3.0, "left"),
              told(2.0, "left", "dave"), told(4.0, "did_not_join", "erin"), told(4.0, "published"),
              told(None, "left"), told(1.0, "left", None)]  # fmt: skip
    assert presence_of(events) == {
        "bob": [(1.0, 3.0), (5.0, math.inf)],
        "dave": [(-math.inf, 2.0)],
        "erin": [(4.0, 4.0)],
    }


def test_the_visit_of_a_moment() -> None:
    spans = [(1.0, 3.0), (5.0, math.inf)]
    assert [span_at(spans, at_s) for at_s in (0.5, 2.0, 4.0, 6.0)] == [
        None, spans[0], None, spans[1],
    ]  # fmt: skip
    assert span_at(spans, None) == spans[1]


def test_frames_of_the_time_before_and_after_have_no_row() -> None:
    frames = [sent(i) for i in range(300)]  # 10 s
    frames += [seen(i, "shown") for i in range(62, 200) if i != 100]
    events = [told(2.0, "joined"), told(200 / 30 + 0.01, "left")]
    rows = join_tables({"peers": PEERS, "frames": frames, "events": events})["frames"]
    assert column(rows, "frame") == list(range(60, 201))
    fates = dict(zip(column(rows, "frame"), column(rows, "fate"), strict=True))
    assert (fates[60], fates[61], fates[100], fates[150]) == ("lost", "lost", "lost", "shown")
    assert fates[200] is None  # it was under way when bob left
    again = join_tables({"peers": PEERS, "frames": rows, "events": events})["frames"]
    assert again == rows


def test_a_frame_that_was_shown_is_kept_whatever_the_events_say() -> None:
    tables = {"peers": PEERS, "frames": [sent(1), seen(1, "shown")], "events": [told(9, "joined")]}
    assert column(join_tables(tables)["frames"], "fate") == ["shown"]


@given(st.lists(st.tuples(st.floats(0, 9), st.sampled_from(["joined", "left", "did_not_join"]))))
def test_visits_never_overlap(events: list[tuple[float, str]]) -> None:
    spans = presence_of([told(*event) for event in events]).get("bob", [])
    ends = [end for span in spans for end in span]
    assert ends == sorted(ends)
    assert len(COLUMNS["events"]) == 4
