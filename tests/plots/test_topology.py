"""Curves by N that end where the machine is full."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib.figure import Figure

from labkit.errors import BadValue
from labkit.plots import alt_text, plot_topologies
from labkit.run import Run
from tests.plots.examples import empty_run, lines_of
from tests.run.topologies import topology_run

PARTS = ["uplink_kbps", "downlink_kbps", "cpu_percent", "latency_p50_ms"]


def values(data: Any) -> list[float]:
    return list(data)


def some_runs() -> list[Run]:
    meshes = [topology_run("mesh", n, lag_ms=90.0 if n == 4 else 2.0) for n in (2, 3, 4, 5)]
    return [*meshes, topology_run("sfu", 2), topology_run("sfu", 5), topology_run("mcu", 3)]


def test_each_topology_has_a_curve_and_a_full_machine_ends_it() -> None:
    figure, parts = plot_topologies(some_runs())
    assert list(parts) == PARTS
    for ax in parts.values():
        (mesh,), (sfu,) = lines_of(ax, "curve mesh"), lines_of(ax, "curve sfu")
        assert values(mesh.get_xdata()) == [2, 3, 4]
        assert values(sfu.get_xdata()) == [2, 5]
        (end,) = lines_of(ax, "full mesh")
        assert values(end.get_xdata()) == [4]
        assert not lines_of(ax, "full sfu")
    figure.draw_without_rendering()
    text = alt_text(figure)
    assert "Mesh: 123 for 2, 247 for 3, 370 for 4, full at 4." in text
    assert "nan" not in text


def test_runs_of_one_n_are_averaged() -> None:
    runs = [topology_run("mesh", 3, latency_ms=latency) for latency in (10.0, 20.0)]
    _figure, parts = plot_topologies(runs)
    (line,) = lines_of(parts["latency_p50_ms"], "curve mesh")
    assert values(line.get_ydata()) == [15.0]


def test_one_full_run_of_three_is_left_out() -> None:
    calm = [topology_run("mesh", 3, latency_ms=latency) for latency in (10.0, 20.0)]
    late = topology_run("mesh", 3, latency_ms=900.0, lag_ms=90.0)
    _figure, parts = plot_topologies([*calm, late, topology_run("mesh", 4)])
    (line,) = lines_of(parts["latency_p50_ms"], "curve mesh")
    assert values(line.get_xdata()) == [3, 4] and line.get_ydata()[0] == 15.0
    assert not lines_of(parts["latency_p50_ms"], "full mesh")


def test_a_room_in_which_not_everybody_is_seen_says_so() -> None:
    run = topology_run("sfu", 2)
    run.meta["subscribed"] = {"alice": [], "bob": ["alice:video"]}
    _figure, parts = plot_topologies([run, topology_run("mesh", 2)])
    (sfu,), (mesh,) = (lines_of(parts["cpu_percent"], f"curve {name}") for name in ("sfu", "mesh"))
    assert sfu.get_label() == "SFU (not everybody sees everybody)"
    assert mesh.get_label() == "Mesh"


@pytest.mark.parametrize("runs", [[], [empty_run()], empty_run()])
def test_what_is_missing_is_said(runs: list[Run]) -> None:
    figure, _parts = plot_topologies(runs)
    figure.draw_without_rendering()
    assert alt_text(figure).count("No run tells it.") == 4


def test_given_axes_are_drawn_into() -> None:
    ax = Figure().add_subplot()
    figure, parts = plot_topologies(some_runs(), ax=ax, title="Mine")
    assert figure is ax.figure
    assert ax.get_title() == "Mine"
    assert list(parts) == PARTS


def test_something_else_is_refused() -> None:
    with pytest.raises(BadValue, match="not a run"):
        plot_topologies([3])  # type: ignore[list-item]
