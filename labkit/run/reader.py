"""Read the tables of a run's file, or say in one sentence why it cannot be read."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import urllib.parse  # noqa: F401  (as_uri loads it late, when rights may be dropped already)
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from labkit.errors import RunFileError
from labkit.run.schema import APPLICATION_ID, COLUMNS, SCHEMA_VERSION
from labkit.words import _

__all__ = ["read_tables", "rows_of"]

_MAGIC = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_CANNOT_ROLL_BACK = (
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_IOERR,
)


def read_tables(source: Path | bytes) -> dict[str, list[tuple[Any, ...]]]:
    """Return every table's rows, in the columns of this lab's schema.

    A table or column that an older lab did not have is missing. What a killed recorder left in a
    journal beside the file is rolled back first.

    Args:
        source: A run's file, or its bytes (``RunWriter.serialize``).

    Raises:
        RunFileError: No run, damaged, of a newer lab, or unreadable.
    """
    name = _("the run in memory") if isinstance(source, bytes) else str(source)
    try:
        if isinstance(source, bytes):
            return _read_bytes(source, name)
        _check_beginning(source)
        try:
            return _read_file(source, name)
        except sqlite3.OperationalError as error:
            if not _journal(source).exists() or _code(error) not in _CANNOT_ROLL_BACK:
                raise
            return _read_copy(source, name)
    except (sqlite3.Error, OSError, UnicodeError, OverflowError) as error:
        raise _explain(error, name) from error


def rows_of(database: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    """Return a table's rows in the columns of this lab's schema, in the order of writing."""
    there = {line[1] for line in database.execute(f"PRAGMA table_info({table})")}
    if not there:
        return []
    wanted = ", ".join(c if c in there else f"NULL AS {c}" for c in COLUMNS[table])
    return database.execute(f"SELECT {wanted} FROM {table} ORDER BY rowid").fetchall()


def _journal(path: Path) -> Path:
    return path.with_name(path.name + "-journal")


def _check_beginning(path: Path) -> None:
    if path.is_dir():
        raise _not_a_run(str(path), _("It is a folder."))
    if not path.exists():
        raise RunFileError(
            _("There is no run at {name}.").format(name=path),
            "",
            _("Look at the name, and at the folder you are in."),
        )
    if not path.is_file():  # a pipe would be waited for
        raise _not_a_run(str(path), _("It is no ordinary file."))
    with path.open("rb") as file:
        beginning = file.read(_HEADER_BYTES)
    if not beginning:
        raise _not_a_run(str(path), _("It is empty: nothing was recorded."))
    if not beginning.startswith(_MAGIC[: len(beginning)]):
        raise _not_a_run(str(path), _("It is a file of another kind."))
    if len(beginning) < _HEADER_BYTES:
        raise _damaged(str(path), _("Only its first {n} bytes are there.").format(n=len(beginning)))


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    # Rolling back writes; a file without a journal is only read.
    mode = "rw" if _journal(path).exists() else "ro"
    address = f"{path.absolute().as_uri()}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, isolation_level=None)) as database:
        yield database


def _read_file(path: Path, name: str) -> dict[str, list[tuple[Any, ...]]]:
    with _opened(path) as database:
        return _read(database, name, lambda: path.stat().st_size)


def _read_copy(path: Path, name: str) -> dict[str, list[tuple[Any, ...]]]:
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        copy = Path(folder) / "copy.run"
        shutil.copyfile(path, copy)
        shutil.copyfile(_journal(path), _journal(copy))
        return _read_file(copy, name)


def _read_bytes(data: bytes, name: str) -> dict[str, list[tuple[Any, ...]]]:
    if not data.startswith(_MAGIC):
        raise _not_a_run(name, _("These bytes are of another kind."))
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as database:
        database.deserialize(data)
        return _read(database, name, lambda: len(data))


def _read(
    database: sqlite3.Connection, name: str, size_bytes: Callable[[], int]
) -> dict[str, list[tuple[Any, ...]]]:
    database.execute("BEGIN")  # one view of the file, also while a recorder writes to it
    if database.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise _not_a_run(name, _("It is a database of another program."))
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise RunFileError(
            _("{name} was written by a newer lab.").format(name=name),
            _("It has schema {version}; this lab reads up to {ours}.").format(
                version=version, ours=SCHEMA_VERSION
            ),
            _("Update the lab."),
        )
    _check_whole(database, name, size_bytes())
    tables = {table: rows_of(database, table) for table in COLUMNS}
    if not tables["meta"]:
        raise _damaged(name, _("Its table “meta” is missing or empty."))
    return tables


def _check_whole(database: sqlite3.Connection, name: str, size_bytes: int) -> None:
    state = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if state != "ok":
        raise _damaged(name, str(state))
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    wanted = pages * database.execute("PRAGMA page_size").fetchone()[0]
    if size_bytes < wanted:  # SQLite takes the end of the last page for zeros
        raise _damaged(name, _("{n} bytes of it are missing.").format(n=wanted - size_bytes))


def _code(error: BaseException) -> int:
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _explain(error: Exception, name: str) -> RunFileError:
    code = _code(error)
    if code == sqlite3.SQLITE_BUSY:
        return RunFileError(
            _("{name} is being written at this moment.").format(name=name),
            "",
            _("Wait until the recording has ended."),
        )
    if isinstance(error, OSError) or code in _CANNOT_ROLL_BACK:
        return RunFileError(
            _("{name} cannot be read.").format(name=name),
            _("The system says: {error}.").format(error=error),
            _("Look at the file’s permissions, or copy it to a folder of your own."),
        )
    return _damaged(name, str(error))


def _not_a_run(name: str, why: str) -> RunFileError:
    return RunFileError(
        _("{name} is not a run of this lab.").format(name=name),
        why,
        _("A run is the file that run.save() or “labkit call --out” writes."),
    )


def _damaged(name: str, why: str) -> RunFileError:
    return RunFileError(
        _("{name} is damaged.").format(name=name),
        _("It was cut off or changed: {why}.").format(why=why.rstrip(".")),
        _("Copy it again from where it came from, or record again."),
    )
