from __future__ import annotations

import math

import pytest

from labkit.errors import BadValue
from labkit.run import Run
from labkit.run.gaps import arrivals, interruptions


def example() -> Run:
    """Ten pictures a second at bob from 0 s; away from 2.0 to 3.5 s, and from 6.0 to 6.4 s."""
    times = [n / 10 for n in range(80) if not (20 < n < 35 or 60 < n < 64)]
    frames = [
        {"track": "alice:video", "frame": n, "receiver": "bob", "decoded_s": at, "fate": "shown"}
        for n, at in enumerate(times)
    ]
    events = [
        (0.5, "bob", "accident", "of the set-up"),
        (2.05, "bob", "accident", "first"),
        (2.10, "alice", "reconnecting", "{}"),
        (2.30, "bob", "reconnecting", "{}"),
        (3.05, "bob", "reconnected", "{}"),
        (3.10, "alice", "reconnected", "{}"),
        (6.05, "bob", "accident", "second"),
    ]
    names = ("at_s", "peer", "name", "detail")
    rows = [dict(zip(names, row, strict=True)) for row in events]
    return Run.from_tables({"recorded_from_s": 1.0}, frames=frames, events=rows)


def test_each_interruption_has_its_own_times() -> None:
    table = interruptions(example(), "bob", "accident").set_index("what")
    assert list(table.index) == ["first", "second"]  # what was before the recording is left out
    first = table.loc["first"]
    assert first["named_after_ms"] == pytest.approx(50)
    assert first["back_after_ms"] == pytest.approx(1000)
    assert first["longest_gap_ms"] == pytest.approx(1500)
    second = table.loc["second"]
    assert math.isnan(second["named_after_ms"]) and math.isnan(second["back_after_ms"])
    assert second["longest_gap_ms"] == pytest.approx(400)


def test_nobody_who_received_nothing_has_a_gap() -> None:
    table = interruptions(example(), "carol", "accident")
    assert table["longest_gap_ms"].isna().all()
    assert len(arrivals(example(), "carol")) == 0


def test_a_run_without_the_mark_is_told() -> None:
    with pytest.raises(BadValue, match="“earthquake”"):
        interruptions(example(), "bob", "earthquake")
