"""Writing a run and reading it back, also after a death in mid-writing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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
from tests.timing import SECOND

SENT = row("frames", track="alice:video", frame=7, captured_s=1.0, rtp_timestamp=900)
SEEN = row("frames", track="alice:video", frame=7, receiver="bob", decoded_s=1.02)


def meta_of(found: dict[str, list[tuple[Any, ...]]]) -> dict[str, Any]:
    return {key: from_json(value) for key, value in found["meta"]}


def events(*times: float) -> dict[str, list[tuple[Any, ...]]]:
    return {"events": [row("events", at_s=at_s, name="tick") for at_s in times]}


def packet(size: int, sent_s: float, ssrc: int = 1) -> tuple[Any, ...]:
    return row("packets", kind="rtp", ssrc=ssrc, sent_s=sent_s, data=b"x" * size)


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


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


def test_a_file_that_could_not_be_begun_is_not_left_behind(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="needs POSIX limits")
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from labkit.run.store import RunWriter\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "try:\n"
        "    RunWriter(Path(sys.argv[1]), {})\n"
        "except Exception as error:\n"
        "    print(type(error).__name__)\n"
    )
    answer, _errors = child(code, str(tmp_path / "a.run")).communicate(timeout=20 * SECOND)
    assert answer == "RecordingError\n"
    assert list(tmp_path.iterdir()) == []


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


# A death in mid-writing. The child commits 100 rows, then writes so much that SQLite spills into
# the file before the next commit, which makes the journal matter.
_WRITE_AND_WAIT = """
import sys, time
from pathlib import Path
from labkit.run.schema import row
from labkit.run.store import RunWriter
writer = RunWriter(Path(sys.argv[1]), {"recorded_from_s": 0.0, "recorded_to_s": 9.0})
writer.add({"events": [row("events", at_s=i / 100, name="tick") for i in range(100)]})
writer.commit(1.0)
writer.add({"events": [row("events", at_s=5.0, name="x" * 4000) for i in range(2000)]})
print("written", flush=True)
time.sleep(60)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Iterator[Path]:
    """A file whose writer was killed in mid-transaction, its journal beside it."""
    folder = Path(tempfile.mkdtemp(prefix="labkit-test-"))
    path = folder / "killed.run"
    process = child(_WRITE_AND_WAIT, str(path))
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "written\n"
    finally:
        process.kill()
        process.wait(10 * SECOND)
        process.stdout.close()
    assert journal_of(path).stat().st_size > 0
    yield path
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_killed_writer_leaves_what_it_had_committed(killed: Path) -> None:
    found = read_tables(killed)
    assert len(found["events"]) == 100
    assert meta_of(found)["committed_s"] == 1.0
    assert list(killed.parent.iterdir()) == [killed]


_READ_AS_NOBODY = """
import gettext, locale, os, shutil, sys, tempfile  # before Python's own folder is out of reach
from pathlib import Path
from labkit.run.store import read_tables
if os.geteuid() == 0:
    os.seteuid(65534)
assert not os.access(sys.argv[1], os.W_OK, effective_ids=True)
print(len(read_tables(Path(sys.argv[1]))["events"]))
"""


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions")
@pytest.mark.parametrize("file_mode", [0o444, 0o666], ids=["file too", "folder only"])
def test_a_journal_in_a_read_only_folder_is_rolled_back_in_a_copy(
    killed: Path, file_mode: int
) -> None:
    for path in (killed, journal_of(killed)):
        path.chmod(file_mode)
    killed.parent.chmod(0o555)
    code = _READ_AS_NOBODY if file_mode == 0o444 else _READ_AS_NOBODY.replace("assert", "0 and")
    process = child(code, str(killed))
    answer, _errors = process.communicate(timeout=20 * SECOND)
    assert answer == "100\n"
    assert journal_of(killed).exists()


_FILL_THE_DISK = """
import resource, sys
from pathlib import Path
from labkit.errors import RecordingError
from labkit.run.schema import row
from labkit.run.store import RunWriter
writer = RunWriter(Path(sys.argv[1]), {})
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
committed = 0
try:
    for i in range(1000):
        writer.add({"events": [row("events", at_s=float(i), name="x" * 3000)]})
        writer.commit(float(i))
        committed = i + 1
except RecordingError as error:
    print(error)
    print(committed)
writer.abandon()
"""


def test_a_full_disk_is_one_error_and_what_was_committed_stays(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="needs POSIX limits")
    path = tmp_path / "a.run"
    process = child(_FILL_THE_DISK, str(path))
    answer, _errors = process.communicate(timeout=20 * SECOND)
    message, committed = answer.splitlines()
    assert process.returncode == 0
    assert "What was recorded before is kept" in message
    assert int(committed) > 10
    assert len(read_tables(path)["events"]) == int(committed)
