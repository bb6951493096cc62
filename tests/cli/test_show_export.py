"""``labkit show`` and ``labkit export`` on a run that ``labkit call`` has recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from labkit import cli
from labkit.run.schema import COLUMNS


def labkit(*words: str) -> int:
    """Run a command in this process; return its exit code."""
    with pytest.raises(SystemExit) as end:
        cli.main(list(words))
    assert isinstance(end.value.code, int)
    return end.value.code


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short two-way run; beside it what ``labkit call --json`` printed."""
    folder = tmp_path_factory.mktemp("recorded")
    path = folder / "two ways.run"
    with pytest.MonkeyPatch.context() as patch, (folder / "printed.json").open("w") as printed:
        patch.setattr("sys.stdout", printed)
        words = ("--seconds", "1", "--two-way", "--size", "320x240", "--json", "--out", str(path))
        assert labkit("call", *words) == 0
    return path


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert labkit(*words) == 1
    told = capsys.readouterr()
    assert told.out == ""
    (line,) = told.err.splitlines()
    return line


def test_show_json_is_what_call_json_printed(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert labkit("show", str(recorded), "--json") == 0
    told = capsys.readouterr()
    assert told.err == ""
    assert json.loads(told.out) == json.loads(recorded.with_name("printed.json").read_text())


def test_show_is_a_table_with_both_directions(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert labkit("show", str(recorded)) == 0
    told = capsys.readouterr().out
    for word in ("alice → bob", "bob → alice", "latency p50", "loss achieved", "kbit/s"):
        assert word in told


def test_show_png_draws_the_overview(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "overview.png"
    assert labkit("show", str(recorded), "--png", str(picture)) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in capsys.readouterr().out.replace("\n", "")
    line = refused(capsys, "show", str(recorded), "--png", str(tmp_path / "missing" / "x.png"))
    assert "could not be written" in line


def test_export_writes_one_csv_a_table_and_a_capture(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, capture = tmp_path / "csv", tmp_path / "a.pcapng"
    assert labkit("export", str(recorded), "--csv", str(folder), "--pcapng", str(capture)) == 0
    assert str(folder) in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} == {f"{table}.csv" for table in COLUMNS}
    frames = pd.read_csv(folder / "frames.csv")
    assert tuple(frames.columns) == COLUMNS["frames"]
    assert set(frames["track"]) == {"alice:video", "bob:video"}
    assert capture.read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = tmp_path / "text.txt"
    text.write_text("hello")
    for command in (("show",), ("show", "--json"), ("export", "--csv", str(tmp_path / "csv"))):
        assert "another kind" in refused(capsys, *command, str(text))
    assert "no run at" in refused(capsys, "show", str(tmp_path / "missing.run"))
    assert "It is a folder" in refused(capsys, "show", str(tmp_path))
    assert not (tmp_path / "csv").exists()


def test_an_export_that_cannot_be_written_is_refused(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    assert "could not be written" in refused(capsys, "export", str(recorded), "--csv", str(taken))
    missing = str(tmp_path / "missing" / "a.pcapng")
    assert "could not be written" in refused(capsys, "export", str(recorded), "--pcapng", missing)
    assert "Add --csv" in refused(capsys, "export", str(recorded))


def test_a_cut_run_says_so(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut = recorded.with_name("cut.run")
    cut.write_bytes(recorded.read_bytes()[:5000])
    assert "damaged" in refused(capsys, "show", str(cut))
