"""A run on disk: one SQLite file, written while recording (standard library only).

The file has a rollback journal, not a WAL: after ``finish`` there is one file, and it needs no
shared memory, which network homes lack. Who is killed in mid-writing leaves ``NAME-journal``
beside the file; ``read_tables`` rolls it back.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import labkit
from labkit.errors import RecordingError
from labkit.run.digest import digest_of, to_json
from labkit.run.join import cut_short, join_tables
from labkit.run.reader import read_tables, rows_of
from labkit.run.schema import APPLICATION_ID, COLUMNS, KINDS, SCHEMA_VERSION, Batch
from labkit.words import _

__all__ = ["RunWriter", "journal_of", "put_in_place", "read_tables"]

_DATA = COLUMNS["packets"].index("data")
_SENT_S = COLUMNS["packets"].index("sent_s")
_ARRIVED_S = COLUMNS["packets"].index("arrived_s")
_SQL_TYPES = {"bool": "BOOLEAN"}
_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)


class RunWriter:
    """Writes one run; a context manager that finishes it, or abandons it after an exception.

    Use it from one thread at a time.

    Args:
        path: The file to create; None keeps the run in memory (see ``serialize``).
        meta: First values of the table ``meta``.
        capture_bytes: How many bytes of packets are kept; later packets lose their ``data``,
            and ``meta`` says from when (``data_capped_at_s``). 0 keeps none.
        force: Replace a file that is there, once the new one could be created.
        as_is: Copy a run: ``meta`` gets no first values of its own.

    Raises:
        RecordingError: The file exists, or cannot be created.
    """

    def __init__(
        self,
        path: Path | None,
        meta: Mapping[str, Any],
        *,
        capture_bytes: int = 64_000_000,
        force: bool = False,
        as_is: bool = False,
    ) -> None:
        self.path = path
        self.meta: dict[str, Any] = {**({} if as_is else _first_meta()), **meta}
        self._capture_left = capture_bytes
        self._keep_data = capture_bytes > 0
        self._bytes: bytes | None = None
        self._database: sqlite3.Connection | None = None
        with self._errors():
            self._create(force)

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abandon()

    def add(self, batch: Batch) -> None:
        """Write rows; they are safe after the next ``commit``.

        Args:
            batch: Rows by table, in the order of the schema.

        Raises:
            RecordingError: The file can no longer be written (disk full).
        """
        with self._errors():
            for table, rows in batch.items():
                self._insert(table, self._capped(rows) if table == "packets" else rows)

    def set_meta(self, **values: Any) -> None:
        """Write down values of ``meta``, which JSON must be able to hold."""
        self.meta.update(values)
        with self._errors():
            self._write_meta(values)

    def commit(self, now_s: float) -> None:
        """Make everything so far safe against the death of this process.

        Args:
            now_s: Present time in seconds of the call; the run is known up to here.
        """
        self.set_meta(committed_s=now_s)
        with self._errors():
            self._open().execute("COMMIT")

    def finish(self) -> None:
        """Join the halves, write the digest, say that the run is complete, and close."""
        with self._errors():
            # Through rows that SQLite has typed: a digest must not depend on the producer.
            tables = {table: rows_of(self._open(), table) for table in COLUMNS if table != "meta"}
            more_meta, known_until_s = cut_short(self.meta)
            joined = join_tables(tables, known_until_s)
            for table in ("frames", "audio", "packets"):
                if joined[table] != tables[table]:
                    self._open().execute(f"DELETE FROM {table}")
                    self._insert(table, joined[table])
            self.meta.update(more_meta, complete=True)
            self.meta["digest"] = digest_of(self.meta, joined)
            self._write_meta(self.meta)
        self.close_as_is()

    def abandon(self) -> None:
        """Close without finishing: the file stays readable, and says that it is not complete."""
        with suppress(RecordingError):
            self.close_as_is()

    def close_as_is(self) -> None:
        """Commit and close; closing twice is no error."""
        if self._database is None:
            return
        with self._errors():
            if self._database.in_transaction:
                self._database.execute("COMMIT")
            if self.path is None:
                self._bytes = self._database.serialize()
        self._close()

    def serialize(self) -> bytes:
        """Return a closed run in memory as the bytes that its file would have.

        Raises:
            RecordingError: The run has a file, or is still open.
        """
        if self._bytes is None:
            raise RecordingError(_("Only a closed run in memory can be taken as bytes."))
        return self._bytes

    def _create(self, force: bool) -> None:
        if self.path is None:
            self._database = self._connect(":memory:")
            self._create_tables()
        elif force and os.path.lexists(self.path):
            self._replace(self.path)
        else:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            self._fill(self.path)

    def _fill(self, path: Path) -> None:
        try:
            journal_of(path).unlink(missing_ok=True)
            self._database = self._connect(path)
            self._create_tables()
        except (sqlite3.Error, OSError):
            self._close()
            path.unlink(missing_ok=True)
            raise

    def _replace(self, path: Path) -> None:
        new = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.new")
        try:
            self._database = self._connect(new)
            self._create_tables()
            self._close()  # renaming an open database would part it from its journal
            put_in_place(new, path)
        finally:
            self._close()
            new.unlink(missing_ok=True)
        self._database = self._connect(path)

    def _connect(self, path: Path | str) -> sqlite3.Connection:
        # The recorder opens in one thread and may close in another, never both at once.
        return sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def _create_tables(self) -> None:
        database = self._open()
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        for table, kinds in KINDS.items():
            columns = ", ".join(f"{c} {_SQL_TYPES.get(k, k.upper())}" for c, k in kinds.items())
            key = ", PRIMARY KEY (key)" if table == "meta" else ""
            database.execute(f"CREATE TABLE {table} ({columns}{key})")
        self._write_meta(self.meta)
        database.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            raise RecordingError(_("This run is closed."), "", _("Start another recording."))
        if not self._database.in_transaction:
            self._database.execute("BEGIN")
        return self._database

    def _insert(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        marks = ", ".join("?" * len(COLUMNS[table]))
        self._open().executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def _write_meta(self, values: Mapping[str, Any]) -> None:
        rows = [(key, to_json(value)) for key, value in values.items()]
        self._open().executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def _capped(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        return [self._cap(line) for line in rows]

    def _cap(self, line: tuple[Any, ...]) -> tuple[Any, ...]:
        if line[_DATA] is None:
            return line
        self._capture_left -= len(line[_DATA])
        if self._keep_data and self._capture_left >= 0:
            return line
        if self._keep_data:
            self._keep_data = False
            self.set_meta(
                data_capped_at_s=line[_SENT_S] if line[_SENT_S] is not None else line[_ARRIVED_S]
            )
        return (*line[:_DATA], None)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn what SQLite and the system say into a sentence; keep what was committed."""
        try:
            yield
        except FileExistsError:
            raise exists_error(self.path) from None
        except (sqlite3.Error, OSError) as error:
            with suppress(sqlite3.Error):
                self._close()
            raise _recording_error(self.path, error) from error


def _first_meta() -> dict[str, Any]:
    return {
        "run_id": uuid.uuid4().hex[:12],
        "schema": SCHEMA_VERSION,
        "lab_version": labkit.__version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "complete": False,
    }


def journal_of(path: Path) -> Path:
    """Return where SQLite keeps the rollback journal of a file."""
    return path.with_name(path.name + "-journal")


def put_in_place(new: Path, path: Path) -> None:
    """Let the closed file ``new`` take the place of ``path`` in one step."""
    # A journal of the old file would be rolled back into the new one.
    journal_of(path).unlink(missing_ok=True)
    new.replace(path)


def exists_error(path: Path | None) -> RecordingError:
    """Return the error for a path that is taken."""
    return RecordingError(
        _("{path} exists already.").format(path=path),
        _("A run is never written over by accident."),
        _("Choose another name, or replace it with force=True (--force)."),
    )


def _recording_error(path: Path | None, error: Exception) -> RecordingError:
    where = path if path is not None else _("the memory")
    code = getattr(error, "sqlite_errorcode", 0) or 0
    if code & 0xFF in _NO_SPACE:
        return RecordingError(
            _("The run could not be written to {where}.").format(where=where),
            _("The disk is full, or it failed ({error}).").format(error=error),
            _("What was recorded before is kept. Make room, or record to another disk."),
        )
    return RecordingError(
        _("The run could not be written to {where}.").format(where=where),
        _("The system says: {error}.").format(error=error),
        _("Choose a folder that exists and that you may write to."),
    )
