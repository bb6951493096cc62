"""``labkit show`` and ``labkit export``, as typed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.cli import main
from labkit.run import load_run
from labkit.run.schema import COLUMNS
from tests.run.examples import example_run


def labkit(*words: str | Path) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return example_run(2.0).save(tmp_path_factory.mktemp("show") / "a.run")


def test_show_prints_the_figures(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labkit("show", recorded) == 0
    text = capsys.readouterr().out
    figures = load_run(recorded).summary()
    assert f"{figures['latency_ms']['p50']:.2f}" in text
    assert f"{figures['back']['latency_ms']['p50']:.2f}" in text
    for part in ("budget: encode", "kbit/s", "set-up time", "bob → alice"):
        assert part in text
    assert "Careful" not in text


def test_show_warns_of_a_changed_run(
    tmp_path: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = load_run(recorded)
    run.frames["latency_ms"] = 1.0
    assert labkit("show", run.save(tmp_path / "b.run")) == 0
    assert "changed after it was recorded" in capsys.readouterr().out


def test_show_json_is_alone_on_stdout(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert labkit("show", recorded, "--json") == 0
    assert json.loads(capsys.readouterr().out) == load_run(recorded).summary()


def test_show_draws_a_picture(
    tmp_path: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "a picture.png"
    assert labkit("show", recorded, "--png", picture) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert str(picture) in capsys.readouterr().out.replace("\n", "")


def test_show_cannot_draw_into_a_folder_that_is_not_there(
    tmp_path: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert labkit("show", recorded, "--png", tmp_path / "nowhere" / "a.png") == 1
    captured = capsys.readouterr()
    assert "could not be written" in captured.err
    assert captured.out == ""


def test_show_of_a_file_that_is_no_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.txt"
    path.write_text("hello")
    assert labkit("show", path, "--json") == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "is not a run of this lab" in captured.err
    assert len(captured.err.splitlines()) == 1


def test_export_writes_both(
    tmp_path: Path, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tables, packets = tmp_path / "tables", tmp_path / "a.pcapng"
    assert labkit("export", recorded, "--csv", tables, "--pcapng", packets) == 0
    assert {path.stem for path in tables.iterdir()} == set(COLUMNS)
    assert packets.stat().st_size > 1000
    text = capsys.readouterr().out
    assert str(tables) in text
    assert str(packets) in text


def test_export_of_nothing_says_what_there_is(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert labkit("export", recorded) == 1
    assert "--csv" in capsys.readouterr().err


def test_the_commands_load_pandas_only_when_they_run() -> None:
    code = (
        "import sys, labkit.cli.show, labkit.cli.export\n"
        "sys.exit('pandas' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
