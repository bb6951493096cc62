"""What is no run, or no whole run, is refused with one clear error."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.errors import RunFileError
from labkit.run import load_run
from labkit.run.reader import read_tables
from labkit.run.schema import APPLICATION_ID
from tests.run.examples import example_run

WHOLE = example_run(1.0, two_way=False).save


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return WHOLE(tmp_path_factory.mktemp("good") / "good.run").read_bytes()


def edit(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()
    return path


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="There is no run at"):
        load_run(tmp_path / "nothing.run")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "empty"), (b"hello, I am a text\n" * 20, "another kind"), (b"SQL", "first 3 bytes")],
)
def test_other_content(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "x.run"
    path.write_bytes(content)
    with pytest.raises(RunFileError, match=says):
        load_run(path)


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="folder"):
        load_run(tmp_path)


def test_bytes_of_another_kind() -> None:
    with pytest.raises(RunFileError, match="another kind"):
        load_run(b"nonsense")


def test_another_programs_database(tmp_path: Path) -> None:
    path = edit(tmp_path / "x.sqlite", "CREATE TABLE frames (a)")
    with pytest.raises(RunFileError, match="another program"):
        load_run(path)


def test_our_mark_without_our_tables(tmp_path: Path) -> None:
    path = edit(
        tmp_path / "x.run", f"PRAGMA application_id = {APPLICATION_ID}", "CREATE TABLE a(b)"
    )
    with pytest.raises(RunFileError, match="meta"):
        load_run(path)


def test_a_newer_lab(tmp_path: Path) -> None:
    path = edit(WHOLE(tmp_path / "x.run"), "PRAGMA user_version = 99")
    with pytest.raises(RunFileError, match=r"newer lab.*schema 99.*Update"):
        load_run(path)


def test_a_value_of_the_wrong_kind(tmp_path: Path) -> None:
    path = edit(WHOLE(tmp_path / "x.run"), "UPDATE frames SET decoded_s = 'soon'")
    with pytest.raises(RunFileError, match="wrong kind"):
        load_run(path)


def test_meta_that_is_no_json(tmp_path: Path) -> None:
    path = edit(WHOLE(tmp_path / "x.run"), "UPDATE meta SET value = '{' WHERE key = 'seed'")
    with pytest.raises(RunFileError, match="damaged"):
        load_run(path)


def test_an_older_lab_had_fewer_tables_and_columns(tmp_path: Path) -> None:
    run = example_run(1.0, two_way=False)
    path = edit(
        run.save(tmp_path / "x.run"), "DROP TABLE samples", "ALTER TABLE frames DROP COLUMN shown_s"
    )
    older = load_run(path)
    assert older.samples.empty
    assert older.frames["shown_s"].isna().all()
    assert older.frames["captured_s"].equals(run.frames["captured_s"])


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "x.run"
    path.symlink_to(path)  # a loop: nobody can open it, not even root
    with pytest.raises(RunFileError, match=r"cannot be read|There is no run"):
        load_run(path)


def test_cut_off_at_any_length(tmp_path: Path, good: bytes) -> None:
    path = tmp_path / "x.run"
    page = 4096
    lengths = {*range(0, 200, 7), *range(page - 1, len(good), page), *range(page, len(good), page)}
    for length in sorted(lengths | {len(good) - 1}):
        path.write_bytes(good[:length])
        with pytest.raises(RunFileError):
            load_run(path)
        with pytest.raises(RunFileError):
            load_run(good[:length])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_flipped_byte_is_refused_or_noticed_or_harmless(good: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(good) - 1))
    flipped = bytearray(good)
    flipped[place] ^= data.draw(st.integers(1, 255))
    try:
        run = load_run(bytes(flipped))
    except RunFileError:
        return
    unchanged = read_tables(bytes(flipped)) == read_tables(good)
    assert unchanged or run.altered or not run.complete


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.run")
    with pytest.raises(RunFileError, match="no ordinary file"):
        read_tables(tmp_path / "pipe.run")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("asked", '"x"'),
        ("asked", '{"link": 3}'),
        ("asked", '{"link": {"alice->bob": "clean"}}'),
        ("versions", "[1]"),
        ("sender", "5"),
        ("recorded_from_s", '"x"'),
        ("recorded_to_s", "1e999"),
        ("settle_s", "NaN"),
    ],
)
def test_a_value_of_meta_that_no_lab_wrote_is_named(
    good: bytes, tmp_path: Path, key: str, text: str
) -> None:
    path = tmp_path / "edited.run"
    path.write_bytes(good)
    edit(path, f"INSERT OR REPLACE INTO meta VALUES ('{key}', '{text}')")
    with pytest.raises(RunFileError, match=f"wrong kind: meta {key}"):
        load_run(path)
