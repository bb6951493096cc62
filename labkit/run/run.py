"""``Run``: the record of one experiment, as pandas tables and nothing else."""

from __future__ import annotations

import base64
import os
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from labkit.errors import RecordingError, RunFileError
from labkit.run import tables as convert
from labkit.run.digest import digest_of, from_json, to_json
from labkit.run.join import cut_short, join_tables
from labkit.run.metavalues import check_meta
from labkit.run.reader import read_tables
from labkit.run.schema import COLUMNS, SCHEMA_VERSION
from labkit.run.store import RunWriter, exists_error, put_in_place
from labkit.run.written import written_whole
from labkit.words import _

__all__ = ["Run", "TABLES", "load_run"]

TABLES = tuple(table for table in COLUMNS if table != "meta")
"""The tables that a Run shows as DataFrames; ``meta`` is a dict."""


@dataclass(eq=False, repr=False)
class Run:
    """One experiment: what was asked, and everything that was measured.

    Units are in the column names; seconds count from the start of the call. Missing is NaN (text
    and seconds) or ``<NA>`` (whole numbers and yes/no), never zero.
    Notebook: notebooks/00-start.ipynb
    """

    meta: dict[str, Any]
    """What was asked for and how it was recorded: seed, versions, machine, times, digest."""
    peers: pd.DataFrame
    """An endpoint: its engine and where it lived."""
    tracks: pd.DataFrame
    """A track that somebody sends."""
    streams: pd.DataFrame
    """An SSRC on the wire."""
    frames: pd.DataFrame
    """A captured video frame at one receiver."""
    audio: pd.DataFrame
    """A captured audio frame at one receiver."""
    packets: pd.DataFrame
    """A datagram on one link, or a plain RTP/SCTP packet inside one."""
    messages: pd.DataFrame
    """Something said on signaling or on a data channel."""
    samples: pd.DataFrame
    """One value at one time."""
    events: pd.DataFrame
    """A change of state, or a step of setting up."""
    path: Path | None = None
    """The file it was loaded from, None for a run in memory."""

    @classmethod
    def from_tables(cls, meta: Mapping[str, Any] | None = None, **tables: Any) -> Run:
        """Make a Run from rows: virtual time, other engines, tests.

        Args:
            meta: Values of ``meta``; ``run_id`` is made up, ``complete`` is true and the digest
                is computed unless they are given.
            tables: Rows by table name (tuples, mappings or a DataFrame); halves are joined.

        Raises:
            KeyError: A table or a column is not in the schema.
        """
        unknown = tables.keys() - set(TABLES)
        if unknown:
            raise KeyError(f"a Run has no table {', '.join(sorted(unknown))}")
        typed = {t: convert.to_rows(t, convert.to_frame(t, rows)) for t, rows in tables.items()}
        told = {"run_id": uuid.uuid4().hex[:12], "schema": SCHEMA_VERSION, "complete": True}
        run = cls._of({**told, **(meta or {})}, join_tables(typed))
        run.meta.setdefault("digest", run._recompute())
        return run

    @classmethod
    def _of(
        cls,
        meta: dict[str, Any],
        rows: Mapping[str, Iterable[tuple[Any, ...]]],
        path: Path | None = None,
    ) -> Run:
        frames = {table: convert.to_frame(table, rows.get(table, ())) for table in TABLES}
        return cls(meta, **frames, path=path)

    @property
    def id(self) -> str:
        """The name that the lab gave this run when it was made."""
        return str(self.meta.get("run_id", ""))

    @property
    def digest(self) -> str | None:
        """Checksum from when the run was recorded, None for a recording that was cut short."""
        return self.meta.get("digest")

    @property
    def complete(self) -> bool:
        """Whether the recording was closed in good order."""
        return bool(self.meta.get("complete"))

    @property
    def altered(self) -> bool:
        """Whether the tables differ from what was recorded (a run cut short cannot tell)."""
        return self.complete and self.digest != self._recompute()

    def table(self, name: str) -> pd.DataFrame:
        """Return one of ``TABLES`` by name.

        Args:
            name: For instance ``frames``.

        Raises:
            KeyError: There is no such table.
        """
        if name not in TABLES:
            raise KeyError(f"a Run has no table {name}")
        frame: pd.DataFrame = getattr(self, name)
        return frame

    def rows(self, name: str) -> list[tuple[Any, ...]]:
        """Return one of ``TABLES`` as tuples of plain values in the order of the schema.

        Args:
            name: For instance ``frames``.

        Raises:
            KeyError: There is no such table.
        """
        return convert.to_rows(name, self.table(name))

    def summary(self, sender: str | None = None, receiver: str | None = None) -> dict[str, Any]:
        """Return the run in figures, as ``labkit show --json`` prints them.

        Args:
            sender: Whose media; by default the one that the run names (alice).
            receiver: Measured where; by default the one that the run names (bob).
        """
        from labkit.run.summary import summary  # statistics know Run, not the other way round

        return summary(self, sender, receiver)

    def save(self, path: str | os.PathLike[str], force: bool = False) -> Path:
        """Write the run to one file and return its path. The digest stays what it was.

        Args:
            path: The file to make; by habit it ends in ``.run``.
            force: Replace a file that is there.

        Raises:
            RecordingError: The file exists, or cannot be written.
        Notebook: notebooks/00-start.ipynb
        """
        target = Path(path)
        if not force and os.path.lexists(target):
            raise exists_error(target)
        part = target.parent / f"{target.name}.{uuid.uuid4().hex[:8]}.part"
        try:
            self._write(part)
            put_in_place(part, target)
        except (OSError, ValueError) as error:  # ValueError: an empty name
            told = getattr(error, "strerror", None) or error
            why = _("The system says: {error}.").format(error=told)
            what = _("The run could not be written to {where}.").format(where=target)
            raise RecordingError(what, why, _("Choose the name of a file.")) from error
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return target

    def _write(self, path: Path) -> None:
        writer = RunWriter(path, self.meta, capture_bytes=2**62, as_is=True)
        try:
            writer.add({table: self.rows(table) for table in TABLES})
            writer.close_as_is()
        finally:
            writer.abandon()

    def to_csv(self, folder: str | os.PathLike[str]) -> Path:
        """Write one CSV file a table into a folder, which is made if it is not there.

        Packet bytes are base64; missing values are empty. All are written, or none.

        Args:
            folder: Where ``meta.csv``, ``frames.csv`` and the others go.

        Raises:
            LabError: The folder cannot be written.
        Notebook: notebooks/00-start.ipynb
        """
        target = Path(folder)
        values = [(key, to_json(value)) for key, value in self.meta.items()]
        meta = pd.DataFrame(values, columns=list(COLUMNS["meta"]))
        tables = {"meta": meta, **{name: _in_base64(self.table(name)) for name in TABLES}}
        with written_whole(*(target / f"{name}.csv" for name in tables)) as paths:
            target.mkdir(parents=True, exist_ok=True)
            for path, table in zip(paths, tables.values(), strict=True):
                table.to_csv(path, index=False)
        return target

    def to_pcapng(self, path: str | os.PathLike[str]) -> Path:
        """Write the packets as one file that Wireshark opens.

        Interface 0 is the wire, 1 the plain RTP and RTCP inside it, 2 the plain SCTP.

        Args:
            path: The file to make or replace; a named pipe is written to.

        Raises:
            LabError: The file cannot be written.
        Notebook: notebooks/00-start.ipynb
        """
        from labkit.run.pcapng import pcapng_bytes

        target = Path(path)
        with written_whole(target) as (part,):
            part.write_bytes(pcapng_bytes(self))
        return target

    def _recompute(self) -> str:
        return digest_of(self.meta, {table: self.rows(table) for table in TABLES})

    def __repr__(self) -> str:
        from labkit.run.summary import describe

        return "\n  ".join(describe(self))

    def _repr_html_(self) -> str:
        from labkit.run.summary import describe_html

        return describe_html(self)


def load_run(source: str | os.PathLike[str] | bytes) -> Run:
    """Open a run's file.

    A recording that was cut short opens too: what was written is there, and ``complete`` is
    False.

    Args:
        source: Path of the file, or the bytes of a run that was recorded in memory.

    Raises:
        RunFileError: Not a run, damaged, of a newer lab, or unreadable.
    Notebook: notebooks/00-start.ipynb
    """
    path = None if isinstance(source, bytes) else Path(source)
    rows = read_tables(source if isinstance(source, bytes) else Path(source))
    try:
        meta = {key: from_json(value) for key, value in rows.pop("meta")}
        check_meta(meta)
        if not meta.get("complete"):
            more_meta, known_until_s = cut_short(meta)
            meta.update(more_meta)
            rows = join_tables(rows, known_until_s)
        return Run._of(meta, rows, path)
    except (ValueError, TypeError, OverflowError) as error:
        raise RunFileError(
            _("{name} is damaged.").format(name=path or _("the run in memory")),
            _("A value in it is of the wrong kind: {error}.").format(error=error),
            _("Copy it again from where it came from, or record again."),
        ) from error


def _in_base64(frame: pd.DataFrame) -> pd.DataFrame:
    if "data" not in frame.columns:
        return frame
    coded = [None if d is None else base64.b64encode(d).decode() for d in frame["data"]]
    return frame.assign(data=pd.Series(coded, dtype="object", index=frame.index))
