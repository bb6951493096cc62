"""Layers and engines: what is drawn, and what is said where there is nothing to draw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.errors import BadValue
from labkit.plots import alt_text, plot_broadcast, plot_engines, plot_layers, plot_topologies
from labkit.plots.engines import buffer_ms
from labkit.rooms.simulcast import choose_layer, switch_times_s
from labkit.run import Run
from labkit.run.topology import topology_table
from tests.plots.examples import bent_run, clean_run, empty_run
from tests.run.topologies import topology_run

META = {"sender": "alice", "receiver": "bob", "recorded_from_s": 0.0, "recorded_to_s": 6.0,
        "settle_s": 1.0}  # fmt: skip


def sample(at_s: float, name: str, value: float, peer: str = "alice") -> dict[str, Any]:
    return {"at_s": at_s, "peer": peer, "track": "alice:video", "name": name, "value": value}


def chosen(at_s: float, layer: str) -> dict[str, Any]:
    detail = json.dumps({"of": "alice", "layer": layer})
    return {"at_s": at_s, "peer": "bob", "name": "layer_chosen", "detail": detail}


def layered(**more: Any) -> Run:
    """Wide until 2.2 s, narrow until 4.5 s, then wide; nothing changes after the last wish."""
    frames = [
        {"track": "alice:video", "frame": n, "receiver": "bob", "decoded_s": n / 10,
         "captured_s": n / 10 - 0.02, "latency_ms": 20.0, "fate": "shown",
         "width": 320 if 22 <= n < 45 else 1280}
        for n in range(1, 60)
    ]  # fmt: skip
    samples = [sample(at, f"sent_kbps:{rid}", 100.0 * k) for at in (1, 3, 5)
               for k, rid in enumerate("qh", 1)]  # fmt: skip
    samples += [sample(at, "jitter_buffer_ms", at * 10.0, "bob") for at in (0.5, 2, 3, 4)]
    events = [chosen(2.0, "low"), chosen(4.0, "high"), chosen(5.0, "high")]
    tables = {"frames": frames, "samples": samples, "events": events, **more}
    return Run.from_tables(META, **tables)


def test_layers_and_the_width_that_arrives() -> None:
    figure, parts = plot_layers(layered())
    figure.draw_without_rendering()
    named = [str(line.get_label()) for line in parts["sent_kbps"].lines]
    assert named[:2] == ["h", "q"]
    assert list(_dotted_s(parts["width"])) == [2, 4, 5]
    text = alt_text(figure)
    assert "h: 200 to 200 kbit/s" in text
    assert "1280 from 0.1 s on, 320 from 2.2 s on, 1280 from 4.5 s on" in text


def _dotted_s(ax: Axes) -> Iterator[float]:
    for line in ax.lines:
        if line.get_gid() == "event":
            yield float(np.asarray(line.get_xdata())[0])


@pytest.mark.parametrize("run", [empty_run(), layered(frames=[], samples=[])])
def test_without_layers_it_says_so(run: Run) -> None:
    figure, _parts = plot_layers(run)
    figure.draw_without_rendering()
    assert "no layers" in alt_text(figure) and "No frame" in alt_text(figure)


def test_layers_are_drawn_into_given_axes() -> None:
    ax = Figure().add_subplot()
    figure, parts = plot_layers(layered(), ax=ax)
    assert figure is ax.figure and set(parts) == {"sent_kbps", "width"}


def test_a_switch_takes_until_another_width_comes() -> None:
    found = switch_times_s(layered())
    assert found["1. low"] == pytest.approx(0.2)
    assert found["2. high"] == pytest.approx(0.5)
    assert found["3. high"] is None


def test_a_layer_is_one_of_three() -> None:
    with pytest.raises(BadValue, match="'best' is not known"):
        choose_layer("alice", "best")


def test_each_engine_has_a_line_or_an_open_place() -> None:
    runs: Any = {"P2P": clean_run(), "SFU": [clean_run(), bent_run()], "libwebrtc": None}
    figure, ax = plot_engines(runs)
    figure.draw_without_rendering()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["P2P", "SFU", "", "libwebrtc"]
    assert sum(line.get_gid() == "p50" for line in ax.lines) == 3
    assert "libwebrtc: not measured here" in alt_text(figure)


def test_the_buffer_of_an_engine_is_a_ring() -> None:
    assert buffer_ms(layered()) == 30.0
    assert buffer_ms(clean_run()) is None
    figure, ax = plot_engines({"SDK": layered(), "other": clean_run()})
    assert sum(line.get_gid() == "buffer" for line in ax.lines) == 1
    assert "buffer 30.0 ms" in alt_text(figure)
    figure.draw_without_rendering()
    for note in ax.texts:
        assert note.get_window_extent().x1 <= figure.bbox.x1


def test_engines_that_showed_nothing_say_so() -> None:
    figure, _ax = plot_engines({"P2P": empty_run()})
    assert "no frame was shown" in alt_text(figure)
    figure, _ax = plot_engines({})
    assert "No engine" in alt_text(figure)


@pytest.mark.parametrize("wrong", [clean_run(), [clean_run()], {"P2P": 5}])
def test_engines_have_names_and_runs(wrong: Any) -> None:
    with pytest.raises(BadValue):
        plot_engines(wrong)


def test_a_table_of_topologies_is_drawn_as_its_runs_are() -> None:
    runs = [topology_run("mesh", n) for n in (2, 3)] + [topology_run("sfu", 2)]
    drawn, _parts = plot_topologies(runs)
    again, _parts = plot_topologies(topology_table(runs).drop(columns="cpu_by_process"))
    assert alt_text(drawn) == alt_text(again)


def grown(*sizes: int, full: bool = False) -> pd.DataFrame:
    rows = [
        {"n": n, "server_cpu_percent": n / 4, "audience_cpu_percent": 2.5 * n, "bob_p50_ms": 6.0,
         "audience_p50_ms": 30.0 if n > 1 else np.nan, "full": full and n == sizes[-1]}
        for n in sizes
    ]  # fmt: skip
    columns = ["n", "server_cpu_percent", "audience_cpu_percent", "bob_p50_ms", "audience_p50_ms"]
    return pd.DataFrame(rows, columns=[*columns, "full"])


def test_an_audience_has_curves_that_end_with_a_cross() -> None:
    figure, parts = plot_broadcast(grown(1, 5, 40, full=True))
    figure.draw_without_rendering()
    assert "the server: 10.0 at 40; the listeners: 100.0 at 40" in alt_text(figure)
    crosses = [line for line in parts["cpu_percent"].lines if line.get_gid() == "full"]
    assert [list(np.asarray(line.get_xdata())) for line in crosses] == [[40], [40]]


def test_without_an_audience_the_figure_says_so() -> None:
    figure, _parts = plot_broadcast(grown(), ax=Figure().add_subplot())
    assert "Nobody listened" in alt_text(figure)
    with pytest.raises(BadValue, match="no table of a broadcast"):
        plot_broadcast(pd.DataFrame({"n": [1]}))


def test_one_late_run_of_three_is_no_full_machine() -> None:
    runs = [topology_run("mesh", n, lag_ms=lag) for n in (2, 3) for lag in (2.0, 2.0, 90.0)]
    _figure, parts = plot_topologies([*runs, *(topology_run("mesh", 4, lag_ms=90.0),) * 2])
    (cross,) = [ln for ln in parts["uplink_kbps"].lines if ln.get_gid() == "full mesh"]
    assert list(np.asarray(cross.get_xdata())) == [4]
