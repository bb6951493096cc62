"""The runs that the chapters ship: whole, small, and each used by the chapter it is for."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import labkit as lab
from labkit.codecs import AUDIO_CODECS, VIDEO_CODECS
from tools import examruns, roomscenes
from tools.notebooks import NOTEBOOKS
from tools.recordings import BENCH, DATA, EXPERIMENTS, without_bytes

FILES = sorted(path for path in DATA.glob("*.run") if path.stem in EXPERIMENTS)
TABLES = sorted(DATA.glob("codecs-*.csv"))


def test_there_is_a_file_for_each_experiment_and_no_other() -> None:
    runs = {f"{name}.run" for name in [*EXPERIMENTS, *roomscenes.RUNS, *examruns.RUNS]}
    tables = {f"{name}.csv" for name in BENCH}
    scenes = {f"{name}.json" for name in roomscenes.CHAPTERS.values()}
    assert {path.name for path in DATA.glob("*")} == runs | tables | scenes


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_is_whole_small_and_says_where_it_comes_from(path: Path) -> None:
    run = lab.load_run(path)
    assert run.complete
    assert not run.altered
    kept = run.packets[run.packets["data"].notna()]
    assert len(kept) == EXPERIMENTS[path.stem].packet_bytes
    assert set(kept["layer"]) <= {"rtp"}
    assert (run.meta["packet_bytes"] == "left out") == kept.empty
    assert {"created", "machine", "versions", "seed", "packet_bytes", "priority"} <= run.meta.keys()
    # A camera's frames carry no stamp; what comes back to the page does.
    way = ("lab", "browser") if EXPERIMENTS[path.stem].page else ()
    assert run.summary(*way)["latency_ms"]["n"] > 0
    assert path.stat().st_size < 250_000
    chapter = NOTEBOOKS.parent / run.meta["recorded_for"]
    assert f"data/{path.name}" in chapter.read_text("utf-8")


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_is_whole_small_and_named_by_its_chapter(path: Path) -> None:
    table = pd.read_csv(path)
    assert {"codec", "asked_kbps", "encode_ms"} <= set(table.columns)
    assert table.notna().all(axis=None)
    assert set(AUDIO_CODECS if path.stem == "codecs-audio" else VIDEO_CODECS) == set(table["codec"])
    assert path.stat().st_size < 250_000
    assert f"data/{path.name}" in (NOTEBOOKS / "02-codecs.ipynb").read_text("utf-8")


def test_the_table_of_topologies_is_whole_and_named_by_its_chapter() -> None:
    table = pd.read_csv(DATA / "mesh-topologies.csv")
    assert table.notna().all(axis=None)
    assert set(table["topology"]) == {"mesh", "mcu", "sfu"}
    for _topology, own in table.groupby("topology"):
        assert {2, 3} <= set(own["n"]) <= {2, 3, 4, 5, 6}  # up to where the machine was full
    chapter = (NOTEBOOKS / "10-mesh-and-sfu.ipynb").read_text("utf-8")
    assert "data/mesh-topologies.csv" in chapter


def test_the_first_plain_packets_may_keep_their_bytes() -> None:
    rows = [
        {"layer": layer, "kind": "rtp", "sent_s": at_s, "size_bytes": 1, "data": bytes([number])}
        for number, (layer, at_s) in enumerate([("wire", 0.1), ("rtp", 0.3), ("rtp", 0.2)])
    ]
    kept = without_bytes(lab.Run.from_tables({"seed": 5}, packets=rows), keep=1)
    assert kept.packets["data"].dropna().tolist() == [b"\x02"]
    assert kept.meta["packet_bytes"] == "of the first 1 plain RTP packets"


def test_only_the_bytes_are_taken_out() -> None:
    row = {"sender": "alice", "receiver": "bob", "layer": "wire", "size_bytes": 3, "data": b"abc"}
    run = lab.Run.from_tables({"seed": 5}, packets=[row])
    bare = without_bytes(run, recorded_for="notebooks/a.ipynb")
    assert bare.packets["data"].isna().all()
    assert bare.packets["size_bytes"].tolist() == [3]
    assert bare.meta["seed"] == 5
    assert bare.meta["packet_bytes"] == "left out"
    assert not bare.altered
    assert run.packets["data"].tolist() == [b"abc"]
