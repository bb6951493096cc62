"""``Run``: tables and their types, save and load, CSV, and what a student reads first."""

from __future__ import annotations

import base64
import csv
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings

import labkit.run
from labkit.errors import LabError, RecordingError
from labkit.run import Run, load_run
from labkit.run.digest import to_json
from labkit.run.schema import COLUMNS, KINDS, row
from labkit.run.store import RunWriter
from tests.run.examples import example_run
from tests.run.strategies import tables

DATA = Path(__file__).parents[1] / "data"


@settings(max_examples=20, deadline=None)
@given(batch=tables())
def test_tables_to_file_to_tables(
    tmp_path_factory: pytest.TempPathFactory, batch: dict[str, list[tuple[Any, ...]]]
) -> None:
    folder = tmp_path_factory.mktemp("run")
    run = Run.from_tables({"seed": 1}, **batch)
    again = load_run(run.save(folder / "a.run"))
    for table in labkit.run.run.TABLES:
        assert again.rows(table) == run.rows(table)
    assert again.meta == run.meta
    assert not again.altered
    assert again.digest == run.digest


def test_types_are_those_of_the_schema_also_in_an_empty_table() -> None:
    expected = {"text": "str", "integer": "Int64", "bool": "boolean", "real": "float64"}
    for run, table in itertools.product((example_run(1.0), Run.from_tables()), ("frames", "audio")):
        frame = run.table(table)
        assert tuple(frame.columns) == COLUMNS[table]
        found = {name: str(dtype).replace("string", "str") for name, dtype in frame.dtypes.items()}
        assert found == {name: expected[kind] for name, kind in KINDS[table].items()}


def test_missing_is_missing() -> None:
    run = Run.from_tables(frames=[row("frames", track="alice:video", receiver="bob")])
    values = run.frames.drop(columns=["track", "receiver"]).iloc[0]
    assert values.isna().all()


def test_unknown_tables_and_columns_are_refused() -> None:
    with pytest.raises(KeyError, match="pictures"):
        Run.from_tables(pictures=[])
    with pytest.raises(KeyError, match="colour"):
        Run.from_tables(frames=[{"colour": 1}])
    with pytest.raises(KeyError, match="pictures"):
        Run.from_tables().table("pictures")


def test_from_tables_takes_frames_of_pandas_and_joins_halves() -> None:
    halves = pd.DataFrame(
        {
            "track": ["alice:video"] * 2,
            "frame": [1, 1],
            "receiver": [None, "bob"],
            "captured_s": [1.0, None],
            "decoded_s": [None, 1.25],
        }
    )
    run = Run.from_tables(frames=halves)
    assert run.frames["latency_ms"].tolist() == [250.0]
    assert run.frames["fate"].tolist() == ["shown"]


@pytest.mark.parametrize(
    "edit",
    [
        lambda run: run.frames.__setitem__("decoded_s", run.frames["decoded_s"] - 0.001),
        lambda run: run.meta.__setitem__("seed", 99),
        lambda run: setattr(run, "packets", run.packets.iloc[1:]),
        lambda run: run.events.loc.__setitem__((0, "name"), "nothing"),
        lambda run: run.meta.__delitem__("digest"),
    ],
    ids=["a time", "the seed", "a packet", "a word", "the digest itself"],
)
def test_an_edit_is_noticed_also_after_saving(tmp_path: Path, edit: Callable[[Run], None]) -> None:
    run = example_run(1.0)
    assert not run.altered
    edit(run)
    assert run.altered
    assert load_run(run.save(tmp_path / "a.run")).altered


def test_save_refuses_an_existing_file_unless_forced(tmp_path: Path) -> None:
    run = example_run(1.0)
    path = run.save(tmp_path / "a.run")
    with pytest.raises(RecordingError, match="exists already"):
        run.save(path)
    assert run.save(path, force=True) == path
    assert load_run(path).path == path
    assert list(tmp_path.iterdir()) == [path]


def test_save_into_a_missing_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="folder"):
        example_run(1.0).save(tmp_path / "nowhere" / "a.run")


def test_a_recording_that_was_cut_short_opens_joined(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    writer = RunWriter(path, {"recorded_from_s": 0.0, "recorded_to_s": 10.0, "settle_s": 0.0})
    half = {"track": "alice:video", "frame": 1, "rtp_timestamp": 90}
    sent = row("frames", **half, captured_s=1.0)
    writer.add({"frames": [sent, row("frames", **half, receiver="bob", decoded_s=1.5)]})
    writer.commit(4.0)
    writer.abandon()
    run = load_run(path)
    assert not run.complete
    assert not run.altered
    assert run.meta["recorded_to_s"] == 4.0
    assert run.summary()["latency_ms"]["p50"] == 500.0
    assert "cut short" in repr(run)
    assert load_run(run.save(tmp_path / "b.run")).rows("frames") == run.rows("frames")


def test_a_run_in_memory_is_loaded_from_bytes() -> None:
    writer = RunWriter(None, {"run_id": "me"})
    writer.finish()
    run = load_run(writer.serialize())
    assert (run.id, run.path, run.complete, run.altered) == ("me", None, True, False)


def test_csv_has_a_file_a_table_with_the_columns_of_the_schema(tmp_path: Path) -> None:
    run = example_run(1.0)
    folder = run.to_csv(tmp_path / "new" / "folder")
    assert {path.stem for path in folder.iterdir()} == set(COLUMNS)
    for table, columns in COLUMNS.items():
        with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))
            file.seek(0)
            assert tuple(next(csv.reader(file))) == columns
        if table != "meta":
            assert len(lines) == len(run.table(table))
    with (folder / "meta.csv").open(encoding="utf-8", newline="") as file:
        meta = {line["key"]: line["value"] for line in csv.DictReader(file)}
    assert meta == {key: to_json(value) for key, value in run.meta.items()}


def test_csv_values_are_exact_and_bytes_are_base64(tmp_path: Path) -> None:
    run = example_run(1.0)
    folder = run.to_csv(tmp_path)
    frames = pd.read_csv(folder / "frames.csv")
    assert frames["decoded_s"].tolist()[:9] == run.frames["decoded_s"].tolist()[:9]
    packets = pd.read_csv(folder / "packets.csv")
    assert [base64.b64decode(text) for text in packets["data"]] == run.packets["data"].tolist()


def test_csv_where_a_file_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(LabError, match="could not be written"):
        example_run(1.0).to_csv(tmp_path / "taken")


def test_repr_says_what_a_student_wants_to_know() -> None:
    run = example_run()
    text = repr(run)
    figures = run.summary()
    for part in (
        run.id,
        "6.0 s",
        "alice → bob",
        "labkit (worker)",
        f"p50 {figures['latency_ms']['p50']:.1f} ms",
        f"n = {figures['latency_ms']['n']}",
        "kbit/s",
        "asked 2.00 %",
    ):
        assert part in text
    assert "cut short" not in text
    assert len(text.splitlines()) <= 6


def test_repr_of_an_empty_run_claims_nothing() -> None:
    text = repr(Run.from_tables())
    assert "not measured" in text
    assert "unknown" in text
    assert "nan" not in text


def test_repr_says_what_ended_a_recording_early() -> None:
    assert "WorkerDied" in repr(Run.from_tables({"closed_by": "WorkerDied: gone"}))
    assert "early" not in repr(Run.from_tables({"closed_by": "the call"}))


def test_html_repr_is_escaped() -> None:
    run = Run.from_tables({"run_id": "<script>"})
    text = run._repr_html_()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_package_exports_what_it_says() -> None:
    assert set(dir(labkit.run)) >= {"Run", "load_run"}
    assert labkit.run.Run is Run
    with pytest.raises(AttributeError, match="walk"):
        _ = labkit.run.walk


def test_a_run_of_schema_1_opens_in_every_later_lab() -> None:
    # Made once, by example_run(1.0, two_way=False, with_data=False) under schema 1.
    run = load_run(DATA / "schema-1.run")
    assert run.complete
    assert not run.altered
    assert run.meta["schema"] == 1
    assert run.summary()["latency_ms"]["n"] == 16


@pytest.mark.parametrize("name", ["folder", "x" * 300, ""])
def test_a_name_that_cannot_be_a_file_is_told(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    with pytest.raises(RecordingError, match="could not be written"):
        Run.from_tables().save(name, force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
