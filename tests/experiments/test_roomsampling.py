"""What each participant of a room receives, second by second."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

from labkit.experiments.roomsampling import _sample_received


class FakePeer:
    def __init__(self, name: str, received_bytes: int) -> None:
        self.name = name
        self.received_bytes = received_bytes


class FakePage(FakePeer):
    def sample(self, at_s: float) -> None:
        """Tell of itself."""


def test_what_comes_over_several_connections_is_one_persons() -> None:
    rows: list[dict[str, Any]] = []
    first, ear = FakePeer("bob", 5_000), FakePeer("bob", 90_000)
    session: Any = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: now_s),
        tap=SimpleNamespace(add=lambda table, **row: rows.append({"table": table, **row})),
        peers={"bob": first, "bob.carol": ear, "me": FakePage("me", 1)},
    )
    before: WeakKeyDictionary[Any, tuple[float, int]] = WeakKeyDictionary()
    now_s = 1.0
    _sample_received(session, before)
    assert rows == []  # a rate needs two readings
    first.received_bytes += 1_000
    ear.received_bytes += 3_000
    session.peers["bob.dave"] = FakePeer("bob", 7_000)  # just come: its bytes are of before
    now_s = 3.0
    _sample_received(session, before)
    (row,) = rows
    assert (row["table"], row["peer"], row["name"], row["value"]) == (
        "samples", "bob", "received_kbps", 16.0,
    )  # fmt: skip
    del session.peers["bob.dave"], session.peers["bob.carol"], ear
    first.received_bytes += 500
    now_s = 4.0
    _sample_received(session, before)
    assert rows[-1]["value"] == 4.0
    assert len(before) <= 2  # connections that are gone are forgotten
