"""The recorder, a process of its own: takes batches from every producer and writes a Run.

It writes as it goes. When its parent ends, for whatever reason, it finishes the file.
"""

from __future__ import annotations

import contextlib
import queue
import secrets
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.errors import LabError, RecordingError
from labkit.process import Pipe
from labkit.run.feed import TOKEN_BYTES, read_batch, token_matches
from labkit.run.schema import Batch
from labkit.run.store import RunWriter
from labkit.serving import inbox_of
from labkit.words import _

__all__ = ["COMMIT_S", "Recorder", "main"]

COMMIT_S = 0.25
"""Seconds between two commits: what a killed recorder can lose."""

DRAIN_S = 2.0
"""Seconds that ``finish`` waits for producers that have not closed their feed."""


class Recorder:
    """Writes what arrives on its queue; everything here runs in one thread.

    Args:
        pipe: The way to the parent.
        inbox: Commands ``(number, method, arguments)``, batches, and None for the end.
    """

    def __init__(self, pipe: Pipe, inbox: queue.Queue[Any]) -> None:
        self._pipe = pipe
        self._inbox = inbox
        self._writer: RunWriter | None = None
        self._early: list[Batch] = []
        self._failure: LabError | None = None
        self._server: socket.socket | None = None
        self._accepting: threading.Thread | None = None
        self._bell: tuple[str, int] | None = None
        self._zero = 0.0
        self._token = secrets.token_bytes(TOKEN_BYTES)
        self._producers: set[threading.Thread] = set()

    def run(self) -> None:
        """Work until the parent is gone, then finish what is open."""
        next_commit = 0.0
        while True:
            try:
                item = self._inbox.get(timeout=COMMIT_S)
            except queue.Empty:
                item = {}
            if item is None:
                break
            self._take(item)
            if time.monotonic() >= next_commit:
                self._commit()
                next_commit = time.monotonic() + COMMIT_S
        self._parent_gone()

    def _take(self, item: Any) -> None:
        if isinstance(item, dict):
            self._write(item)
            return
        number, method, arguments = item
        try:
            answer, fine = getattr(self, f"do_{method}")(**arguments), True
        except LabError as error:
            answer, fine = error, False
        if number is not None:
            self._pipe.send((number, fine, answer))

    def do_listen(self) -> tuple[tuple[str, int], bytes]:
        """Return where to send rows, and the token; rows wait until there is a file."""
        self._server = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, args=(self._server,), daemon=True)
        self._accepting.start()
        return self._server.getsockname()[:2], self._token

    def do_open(
        self,
        path: str | None,
        meta: dict[str, Any],
        time_zero: float,
        capture_bytes: int,
        force: bool,
    ) -> None:
        """Create the file (``path`` None: in memory) and write down what has come by now."""
        self._zero = time_zero
        self._writer = RunWriter(
            None if path is None else Path(path), meta, capture_bytes=capture_bytes, force=force
        )
        early, self._early = self._early, []
        for batch in early:
            self._write(batch)

    def do_set_meta(self, values: dict[str, Any]) -> None:
        """Write down values of ``meta``."""
        self._guarded(lambda writer: writer.set_meta(**values))

    def do_finish(self, join: bool) -> bytes | None:
        """Wait for the producers' last rows, close the file; return a Run in memory as bytes."""
        self._close_server()
        self._drain(DRAIN_S)
        self._note_missing()
        writer, self._writer = self._writer, None
        if self._failure is not None:
            if writer is not None:
                writer.abandon()
            raise self._failure
        if writer is None:
            raise RecordingError(_("Nothing is being recorded."))
        self._stamp_and(writer.finish if join else writer.close_as_is, writer)
        return writer.serialize() if writer.path is None else None

    def do_discard(self) -> None:
        """Close without keeping anything (the call never started)."""
        self._close_server()
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.abandon()
            if writer.path is not None:
                writer.path.unlink(missing_ok=True)

    def _accept(self, server: socket.socket) -> None:
        while True:
            connection, address = server.accept()
            if address == self._bell:
                connection.close()
                return
            thread = threading.Thread(target=self._read_from, args=(connection,), daemon=True)
            self._producers.add(thread)
            thread.start()

    def _read_from(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(2.0)
                if token_matches(connection, self._token):
                    connection.settimeout(None)
                    while True:
                        self._inbox.put(read_batch(connection))
        except Exception:  # a producer that goes, or talks nonsense, costs only itself
            pass
        finally:
            self._producers.discard(threading.current_thread())

    def _write(self, batch: Batch) -> None:
        if self._writer is None and self._server is not None:
            self._early.append(batch)
        elif batch:
            self._guarded(lambda writer: writer.add(batch))

    def _commit(self) -> None:
        self._guarded(lambda writer: writer.commit(time.perf_counter() - self._zero))

    def _guarded(self, action: Callable[[RunWriter], None]) -> None:
        if self._writer is None or self._failure is not None:
            return
        try:
            action(self._writer)
        except LabError as error:
            self._failure = error
            self._pipe.send(("failed", True, error))

    def _stamp_and(self, finish: Callable[[], None], writer: RunWriter) -> None:
        writer.commit(time.perf_counter() - self._zero)
        finish()

    def _drain(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        later = []
        while time.monotonic() < deadline and (self._producers or not self._inbox.empty()):
            with contextlib.suppress(queue.Empty):
                item = self._inbox.get(timeout=0.02)
                if isinstance(item, dict):
                    self._write(item)
                else:
                    later.append(item)
        for item in later:
            self._inbox.put(item)

    def _note_missing(self) -> None:
        """Write down how many rows nobody has waited for."""
        items = [self._inbox.get_nowait() for _k in range(self._inbox.qsize())]
        batches = [item for item in items if isinstance(item, dict)]
        missing = sum(len(rows) for batch in batches for rows in batch.values())
        for item in items:
            if not isinstance(item, dict):
                self._inbox.put(item)
        if missing:
            self._guarded(
                lambda writer: writer.set_meta(
                    missing_rows=missing + (writer.meta.get("missing_rows") or 0)
                )
            )

    def _parent_gone(self) -> None:
        if self._writer is None:
            return
        self._close_server()
        self._drain(0.3)
        with contextlib.suppress(LabError):
            if self._failure is None:
                self._writer.set_meta(closed_by="the recorder, after its parent ended")
                self._stamp_and(self._writer.finish, self._writer)
            else:
                self._writer.abandon()

    def _close_server(self) -> None:
        """Take in who has connected by now, and nobody after them."""
        server, self._server = self._server, None
        if server is None or self._accepting is None:
            return
        # Closing a socket wakes nobody up in accept(); one connection more does, as the last.
        with socket.socket() as bell, server:
            bell.bind(("127.0.0.1", 0))
            self._bell = bell.getsockname()
            bell.connect(server.getsockname())
            self._accepting.join(1.0)


def main(pipe: Pipe) -> None:
    """Serve one parent until it is gone."""
    Recorder(pipe, inbox_of(pipe)).run()
