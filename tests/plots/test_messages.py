from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from labkit import plots
from labkit.errors import BadValue
from labkit.plots.messages import said_in_order
from labkit.run import Run
from tests.plots.examples import clean_run, empty_run
from tests.run.test_gaps import example

CHANNEL = "signaling (WebSocket)"
ROWS = [
    (1.0, "alice", "sfu", CHANNEL, "join_request", 100),
    (1.01, "sfu", "alice", CHANNEL, "join", 50),
    (1.02, "sfu", "bob", CHANNEL, "join", 50),
    (1.03, "alice", "sfu", CHANNEL, "ping_req", 5),
    (1.04, "alice", "sfu", CHANNEL, "trickle", 10),
    (1.05, "alice", "sfu", CHANNEL, "trickle", 20),
    (1.06, "alice", "bob", "data lossy", "sent", 20),
]


def run_of(rows: list[tuple[Any, ...]]) -> Run:
    names = ("at_s", "sender", "receiver", "channel", "name", "size_bytes")
    return Run.from_tables({}, messages=[dict(zip(names, row, strict=True)) for row in rows])


def test_one_participants_messages_in_order() -> None:
    said, peer = said_in_order(run_of(ROWS))
    assert peer == "alice"
    assert [(one.name, one.count, one.size_bytes, round(one.at_ms)) for one in said] == [
        ("join_request", 1, 100, 0),
        ("join", 1, 50, 10),
        ("trickle", 2, 30, 40),
    ]
    assert [one.name for one in said_in_order(run_of(ROWS), "bob")[0]] == ["join"]


def test_a_ladder_has_a_row_for_each() -> None:
    figure, ax = plots.plot_messages(run_of(ROWS), "alice")
    texts = [text.get_text() for text in ax.texts if (text.get_gid() or "").startswith("message")]
    assert texts == ["join_request  (100 B)", "join  (50 B)", "trickle × 2  (30 B)"]
    assert "0 ms alice: join_request" in plots.alt_text(figure)


def test_a_long_one_says_what_is_not_drawn() -> None:
    rows = [(n / 10, "alice", "sfu", CHANNEL, f"message_{n}", 1) for n in range(40)]
    figure, _ax = plots.plot_messages(run_of(rows))
    assert "10 more are not drawn" in plots.alt_text(figure)


@pytest.mark.parametrize("plot", [plots.plot_messages, lambda run: plots.plot_gaps(run, "bob")])
def test_what_is_missing_is_said(plot: Any) -> None:
    for run in (empty_run(), []):
        figure, _ax = plot(run)
        figure.draw_without_rendering()
        assert "Record a" in plots.alt_text(figure)
    with pytest.raises(BadValue):
        plot([clean_run(), clean_run()])


def test_gaps_are_drawn_with_their_marks() -> None:
    ax = Figure().add_subplot()
    figure, axes = plots.plot_gaps(example(), "bob", "accident", ax=ax)
    assert figure is ax.figure
    (points,) = [line for line in axes.get_lines() if line.get_gid() == "gaps"]
    assert max(points.get_ydata()) == pytest.approx(1500)  # type: ignore[arg-type]
    text = plots.alt_text(figure)
    assert "longest 1500 ms" in text and "second" in text and "set-up" not in text
