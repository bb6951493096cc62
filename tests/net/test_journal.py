from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from labkit.net import Link
from labkit.net.bridge import Bridge, Flight, Way
from labkit.net.journal import KEPT_ROWS, Journal
from labkit.run.schema import COLUMNS

RTP = b"\x80\x60\x00\x01" + b"\x00" * 8


class FakeFeed:
    """Keeps what it is handed."""

    def __init__(self) -> None:
        self.broken = False
        self.batches: list[dict[str, Any]] = []

    def send(self, batch: dict[str, Any]) -> None:
        self.batches.append(batch)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [
            dict(zip(COLUMNS["packets"], values, strict=True))
            for batch in self.batches
            for values in batch["packets"]
        ]


@pytest.fixture
def way() -> Iterator[Way]:
    bridge = Bridge(("alice", "bob"), Link(), Link(), seed=1)
    yield bridge.ways["alice->bob"]
    bridge.close()


def note(journal: Journal, way: Way, number: int) -> None:
    flight = Flight(way, number, copy=0, entered_s=1.0, due_s=1.5, data=RTP)
    journal.note(flight, "delivered", 1.6)


def attach(journal: Journal, mode: str = "full") -> FakeFeed:
    feed = FakeFeed()
    journal.attach(feed, mode)  # type: ignore[arg-type]
    return feed


def test_notes_every_column_of_the_wire(way: Way) -> None:
    journal = Journal()
    feed = attach(journal)
    note(journal, way, 7)
    journal.note_dropped(way, 8, 0, 2.0, RTP, "lost")
    journal.detach()
    common = {
        "sender": "alice", "receiver": "bob", "layer": "wire", "kind": "rtp", "copy": 0,
        "size_bytes": 12, "ssrc": 0, "sequence": 1, "rtp_timestamp": 0, "data": RTP,
    }  # fmt: skip
    assert feed.rows == [
        {**common, "number": 7, "sent_s": 1.0, "due_s": 1.5, "arrived_s": 1.6, "fate": "delivered"},
        {**common, "number": 8, "sent_s": 2.0, "due_s": None, "arrived_s": None, "fate": "lost"},
    ]


def test_keeps_a_bounded_set_up_for_every_recorder(way: Way) -> None:
    journal = Journal()
    for number in range(KEPT_ROWS + 10):
        note(journal, way, number)
    first = attach(journal)
    note(journal, way, 9_000)
    journal.detach()
    note(journal, way, 9_001)
    second = attach(journal)
    note(journal, way, 9_002)
    journal.detach()
    early = list(range(KEPT_ROWS))
    assert [row["number"] for row in first.rows] == [*early, 9_000]
    assert [row["number"] for row in second.rows] == [*early, 9_002]


def test_hands_over_a_little_at_a_time_and_asks_for_more_turns(way: Way) -> None:
    journal = Journal()
    assert journal.next_s is None
    feed = attach(journal)
    for number in range(100):
        note(journal, way, number)
    now_s, turns = 0.0, 0
    while journal.next_s is not None:
        now_s = max(now_s, journal.next_s)
        journal.flush(now_s)
        turns += 1
    assert turns == 3
    assert [len(batch["packets"]) for batch in feed.batches] == [40, 40, 20]


def test_headers_only_leaves_the_bytes_out(way: Way) -> None:
    journal = Journal()
    feed = attach(journal, "headers")
    note(journal, way, 1)
    journal.detach()
    assert feed.rows[0]["data"] is None


def test_a_broken_feed_is_no_recording(way: Way) -> None:
    journal = Journal()
    assert not journal.recording
    feed = attach(journal)
    assert journal.recording
    feed.broken = True
    assert not journal.recording
