"""The scenes and runs that chapters about rooms ship, and the chapters without a server."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest

import labkit as lab
from tests.notebooks.nbval import copy, failure, run_nbval
from tools.notebooks import NOTEBOOKS, solve_all
from tools.roomscenes import CHAPTERS, DATA, RUNS, WITH_BODIES, without_addresses

SCENES = sorted(CHAPTERS.items())


@pytest.mark.parametrize(("chapter", "name"), SCENES)
def test_scenes_are_small_dated_and_without_tokens(chapter: str, name: str) -> None:
    path = DATA / f"{name}.json"
    text = path.read_text("utf-8")
    told = json.loads(text)
    assert told["recorded"][:2] == "20"
    assert told["scenes"] or chapter in RUNS.values()
    assert "eyJ" not in text and text == without_addresses(text)
    assert len(text) < 100_000
    source = (NOTEBOOKS / "src" / f"{chapter}.py").read_text("utf-8")
    assert f"data/{path.name}" in source
    for scene in told["scenes"]:
        assert f"async def {scene}(" in source


@pytest.mark.parametrize(("name", "chapter"), sorted(RUNS.items()))
def test_runs_are_whole_small_and_without_tokens(name: str, chapter: str) -> None:
    path = DATA / f"{name}.run"
    run = lab.load_run(path)
    assert run.complete and not run.altered
    assert run.meta["recorded_for"] == f"notebooks/{chapter}.ipynb"
    assert f"data/{path.name}" in (NOTEBOOKS / f"{chapter}.ipynb").read_text("utf-8")
    assert path.stat().st_size < 250_000
    text = run.messages.to_csv() + run.events.to_csv() + json.dumps(run.meta)
    assert "eyJ" not in text
    bodies = "\n".join(run.messages["body"].astype(str))
    assert bodies == without_addresses(bodies)
    assert run.frames["decoded_s"].notna().sum() > 10
    assert ("m=video" in bodies) == (name in WITH_BODIES)


@pytest.mark.later
@pytest.mark.parametrize("chapter", [*sorted(CHAPTERS), "11-flutter"])
def test_a_chapter_runs_to_its_end_without_a_server(
    chapter: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    # No Go, and no package registry that could bring it.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for name in [name for name in os.environ if name.startswith("LIVEKIT_")]:
        monkeypatch.delenv(name)
    solve_all(tmp_path / "solved")
    solved = tmp_path / "solved" / f"{chapter}.ipynb"
    place = (
        solved
        if solved.exists()
        else copy(NOTEBOOKS / f"{chapter}.ipynb", NOTEBOOKS, tmp_path / "solved")
    )
    assert failure(run_nbval(place, home=tmp_path)) == ""
    assert not any((tmp_path / "cache").glob("livekit-server*"))


ENGINES = ("mesh-stock", "mesh-p2p", "mesh-sfu", "mesh-sdk-1", "mesh-sdk-2", "mesh-sdk-3",
           "mesh-browser")  # fmt: skip

ONLY_OURS = ("kill", "restart", "metrics", "turn=", "max_participants=", "audience", "broadcast")
"""What needs a server of the lab's own: one that the environment names is used as it is."""


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_chapter_that_ends_or_sets_up_its_server_starts_its_own(chapter: str) -> None:
    source = (NOTEBOOKS / "src" / f"{chapter}.py").read_text("utf-8")
    (call,) = re.findall(r"rooms\.stage\((.+)\)", source)
    used = re.findall(r"stage\.server\.(\w+)|\b(broadcast|audience)\(", source)
    needs = {word for words in used for word in words if word in ONLY_OURS}
    needs |= {word for word in ONLY_OURS if word in call}
    assert not needs or "own=True" in call, needs


def test_engines_on_one_figure_were_measured_on_one_machine() -> None:
    source = (NOTEBOOKS / "src" / "10-mesh-and-sfu.py").read_text("utf-8")
    assert "load_run" not in source  # the stage records all of them, or shows all as recorded
    engines = [lab.load_run(DATA / f"{name}.run") for name in ENGINES]
    assert len({json.dumps(run.meta["machine"], sort_keys=True) for run in engines}) == 1
    assert len({run.meta["relay_realtime"] for run in engines}) == 1


def test_addresses_of_this_network_are_taken_out() -> None:
    kept = "at 12:04:31, 127.0.0.1, ::1, AA:BB:CC:DD, 0.0.0.0"
    left = without_addresses(f"10.1.2.3 5000 raddr fe80::1 {kept}")
    assert left == f"192.0.2.1 5000 raddr 2001:db8::1 {kept}"
