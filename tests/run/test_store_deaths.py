"""A writer that is killed, and a disk that is full: what was committed stays readable."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from labkit.run.store import journal_of, read_tables
from tests.run.test_store import meta_of
from tests.timing import SECOND


def child(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True
    )


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
