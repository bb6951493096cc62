"""The runs that the chapters ship: whole, small, and each used by the chapter it is for."""

from __future__ import annotations

from pathlib import Path

import pytest

import labkit as lab
from tools.notebooks import NOTEBOOKS
from tools.recordings import DATA, EXPERIMENTS, without_bytes

FILES = sorted(DATA.glob("*"))


def test_there_is_a_file_for_each_experiment_and_no_other() -> None:
    assert [path.name for path in FILES] == sorted(f"{name}.run" for name in EXPERIMENTS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_recording_is_whole_small_and_says_where_it_comes_from(path: Path) -> None:
    run = lab.load_run(path)
    assert run.complete
    assert not run.altered
    assert run.packets["data"].isna().all()
    assert {"created", "machine", "versions", "seed", "packet_bytes", "priority"} <= run.meta.keys()
    assert run.summary()["latency_ms"]["n"] > 0
    assert path.stat().st_size < 250_000
    chapter = NOTEBOOKS.parent / run.meta["recorded_for"]
    assert f"data/{path.name}" in chapter.read_text("utf-8")


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
