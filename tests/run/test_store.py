"""Writing a run and reading it back, also after a death in mid-writing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.errors import RecordingError
from labkit.run.digest import digest_of, from_json
from labkit.run.schema import COLUMNS, row
from labkit.run.store import RunWriter, journal_of, read_tables
from tests.run.strategies import tables

SENT = row("frames", track="alice:video", frame=7, captured_s=1.0, rtp_timestamp=900)
SEEN = row("frames", track="alice:video", frame=7, receiver="bob", decoded_s=1.02)


def meta_of(found: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    return {key: from_json(value) for key, value in found["meta"]}


def events(*times: float) -> dict[str, list[tuple[Any, ...]]]:
    return {"events": [row("events", at_s=at_s, name="tick") for at_s in times]}


def packet(size: int, sent_s: float, ssrc: int = 1) -> tuple[Any, ...]:
    return row("packets", kind="rtp", ssrc=ssrc, sent_s=sent_s, data=b"x" * size)


@settings(max_examples=40, deadline=None)
@given(batch=tables())
def test_rows_come_back_as_they_went_in(batch: dict[str, list[tuple[Any, ...]]]) -> None:
    writer = RunWriter(None, {"seed": 3})
    writer.add(batch)
    writer.close_as_is()
    found = read_tables(writer.serialize())
    meta = meta_of(found)
    assert {table: found[table] for table in batch} == batch
    assert meta["seed"] == 3
    assert digest_of(meta, found) == digest_of(meta, batch)


@settings(max_examples=30, deadline=None)
@given(
    meta=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=5,
        ).filter(lambda value: "\\ud" not in ascii(value)),
    )
)
def test_meta_comes_back_as_it_went_in(meta: dict[str, Any]) -> None:
    writer = RunWriter(None, meta)
    writer.close_as_is()
    found = meta_of(read_tables(writer.serialize()))
    assert {key: found[key] for key in meta} == meta


def test_finish_joins_marks_and_signs(tmp_path: Path) -> None:
    path = tmp_path / "a run with a space #1.run"
    with RunWriter(path, {"run_id": "me"}) as writer:
        writer.add({"frames": [SENT, SEEN], "packets": [packet(3, 0.1), packet(3, 0.2, ssrc=2)]})
        writer.add({"streams": [row("streams", ssrc=2, role="rtx")]})
        writer.commit(5.0)
    found = read_tables(path)
    meta = meta_of(found)
    assert found["frames"] == [
        row(
            "frames",
            track="alice:video",
            frame=7,
            receiver="bob",
            captured_s=1.0,
            decoded_s=1.02,
            rtp_timestamp=900,
            latency_ms=(1.02 - 1.0) * 1000,
            fate="shown",
        )
    ]
    assert [line[COLUMNS["packets"].index("kind")] for line in found["packets"]] == ["rtp", "rtx"]
    assert meta["complete"] is True
    assert meta["run_id"] == "me"
    assert meta["digest"] == digest_of(meta, found)
    assert sorted(tmp_path.iterdir()) == [path]


def test_an_exception_leaves_a_readable_run_that_is_not_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.run"

    def record_and_fail() -> None:
        with RunWriter(path, {}) as writer:
            writer.add(events(1.0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        record_and_fail()
    found = read_tables(path)
    assert len(found["events"]) == 1
    assert meta_of(found)["complete"] is False
    assert "digest" not in meta_of(found)


def test_an_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    path.write_text("my thesis")
    with pytest.raises(RecordingError, match="exists already"):
        RunWriter(path, {})
    assert path.read_text() == "my thesis"
    assert list(tmp_path.iterdir()) == [path]


def test_force_replaces_a_file_and_its_stale_journal(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    path.write_text("old")
    journal_of(path).write_text("old journal")
    with RunWriter(path, {}, force=True) as writer:
        writer.add(events(1.0, 2.0))
    assert len(read_tables(path)["events"]) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_force_keeps_the_old_file_when_the_new_one_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.run"
    path.write_text("old")

    def full(self: RunWriter) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(RunWriter, "_create_tables", full)
    with pytest.raises(RecordingError, match="No space"):
        RunWriter(path, {}, force=True)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"nowhere.*folder that exists"):
        RunWriter(tmp_path / "nowhere" / "a.run", {})


def test_packet_bytes_stop_at_the_cap_and_the_run_says_when() -> None:
    writer = RunWriter(None, {}, capture_bytes=25)
    writer.add({"packets": [packet(10, at_s) for at_s in (1.0, 2.0, 3.0)]})
    writer.add({"packets": [packet(1, 4.0)]})
    writer.finish()
    found = read_tables(writer.serialize())
    sizes = [line[-1] and len(line[-1]) for line in found["packets"]]
    assert sizes == [10, 10, None, None]
    assert meta_of(found)["data_capped_at_s"] == 3.0


def test_no_packet_bytes_when_none_are_asked_for() -> None:
    writer = RunWriter(None, {}, capture_bytes=0)
    writer.add({"packets": [packet(10, 1.0)]})
    writer.finish()
    found = read_tables(writer.serialize())
    assert found["packets"][0][-1] is None
    assert "data_capped_at_s" not in meta_of(found)


def test_a_closed_run_takes_no_more_rows() -> None:
    writer = RunWriter(None, {})
    with pytest.raises(RecordingError, match="closed run in memory"):
        writer.serialize()
    writer.finish()
    writer.abandon()
    with pytest.raises(RecordingError, match="closed"):
        writer.add(events(1.0))


def test_a_run_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    with RunWriter(path, {}) as writer:
        writer.add(events(1.0))
        writer.commit(1.0)
        writer.add(events(2.0))
        assert len(read_tables(path)["events"]) == 1
    assert len(read_tables(path)["events"]) == 2


def test_the_store_needs_only_the_standard_library() -> None:
    code = (
        "import sys, labkit, labkit.run.store, labkit.run.join, labkit.run.digest\n"
        "heavy = {'numpy', 'pandas', 'aiortc', 'av'} & sys.modules.keys()\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
