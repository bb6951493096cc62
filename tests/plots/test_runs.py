"""Names that tell runs apart, and what was asked of a link over time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from labkit import plots
from labkit.errors import BadValue
from labkit.plots.runs import asked_over_time, link_history, run_names, told
from labkit.run import Run
from tests.plots.examples import bent_run, clean_run, empty_run, phased_run


def asking(seed: int = 1, jitter_buffer: str = "marker", **link: Any) -> Run:
    """Return a run without rows that asked for something."""
    asked = {"link": {"alice->bob": link, "bob->alice": link}, "jitter_buffer": jitter_buffer}
    return Run.from_tables({"seed": seed, "asked": asked, "engine": "labkit"})


def test_one_run_is_named_by_its_direction() -> None:
    assert run_names([clean_run()]) == ["alice → bob"]
    assert run_names([clean_run()], None, "bob", "alice") == ["bob → alice"]


def test_runs_are_named_by_what_differs() -> None:
    runs = [asking(delay_ms=0.0, loss=0.0), asking(2, delay_ms=50.0, loss=0.02)]
    assert run_names(runs) == ["delay 0 ms, loss 0 %", "delay 50 ms, loss 2 %"]
    assert run_names([asking(), asking(jitter_buffer="stock")]) == [
        "marker jitter buffer",
        "stock jitter buffer",
    ]
    assert run_names([asking(rate_kbps=None, delay_ms=1), asking(rate_kbps=800, delay_ms=1)]) == [
        "no rate limit",
        "800 kbit/s",
    ]


def test_the_back_direction_is_told_where_it_alone_differs() -> None:
    one = asking(delay_ms=10.0)
    other = asking(delay_ms=10.0)
    other.meta["asked"]["link"] = {"alice->bob": {"delay_ms": 10.0}, "bob->alice": {"loss": 0.1}}
    assert "back: loss 10 %" in run_names([one, other])[1]


def test_the_seed_names_runs_that_differ_in_nothing_else() -> None:
    assert run_names([asking(1), asking(2)]) == ["call seed 1", "call seed 2"]


def test_the_id_names_runs_that_were_asked_the_same() -> None:
    runs = [asking(), asking()]
    assert run_names(runs) == [run.id for run in runs]
    three = [*runs, asking(delay_ms=5)]
    names = run_names(three)
    assert len(set(names)) == 3
    assert names[2] == "delay 5 ms, no rate limit"


def test_the_same_run_twice_has_two_names() -> None:
    names = run_names([clean_run(), clean_run()])
    assert len(set(names)) == 2


def test_no_runs_have_no_names() -> None:
    assert run_names([]) == []


def test_what_was_asked_as_a_line() -> None:
    assert told(bent_run()).startswith("delay 60 ms · ")
    assert "stock jitter buffer" in told(bent_run())
    assert told(empty_run()) == ""


def test_a_link_changes_by_phases_and_by_hand() -> None:
    history = link_history(phased_run(), "alice", "bob")
    assert [(at_s, link["rate_kbps"]) for at_s, link in history] == [(0, 800), (2, 500), (4, 300)]
    assert asked_over_time(history, "rate_kbps", 1.0, 3.0) == ([1.0, 2.0, 3.0], [800, 500, 500])
    assert asked_over_time(history, "rate_kbps", 2.5, 3.0) == ([2.5, 3.0], [500, 500])
    assert asked_over_time([], "rate_kbps", 0, 1) == ([], [])


def test_a_link_without_limit_is_missing_not_zero() -> None:
    _times, rates = asked_over_time(link_history(bent_run(), "alice", "bob"), "rate_kbps", 0, 1)
    assert [math.isnan(rate) for rate in rates] == [True, True]


def test_other_peoples_events_are_left_alone() -> None:
    events = [
        {"at_s": 1.0, "name": "link_changed", "detail": detail}
        for detail in ("not JSON", None, "[]", '{"direction": "bob->alice"}')
    ]
    run = Run.from_tables(clean_run().meta, events=events)
    assert len(link_history(run, "alice", "bob")) == 1
    assert len(link_history(run, "bob", "alice")) == 2


@pytest.mark.parametrize("runs", [[], [clean_run(), clean_run()]])
@pytest.mark.parametrize("plot", [plots.plot_media_cost, plots.plot_layers])
def test_a_figure_of_one_run_refuses_more_or_less(plot: Callable[..., Any], runs: Any) -> None:
    with pytest.raises(BadValue, match=f"shows one run; here are {len(runs)}"):
        plot(runs)
