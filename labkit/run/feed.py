"""The road from a producer of rows to the recorder: one TCP connection on loopback.

A feed never makes its producer wait: what the recorder does not take at once is kept in a
bounded buffer, and what does not fit any more is counted and dropped.
"""

from __future__ import annotations

import hmac
import pickle
import socket
import struct
import time

from labkit.run.schema import Batch

__all__ = ["BUFFER_BYTES", "Feed", "TOKEN_BYTES", "read_batch", "token_matches"]

BUFFER_BYTES = 64_000_000
"""What a feed keeps for a recorder that has fallen behind."""

TOKEN_BYTES = 32

_LENGTH = struct.Struct("!I")


class Feed:
    """A producer's connection to a recorder.

    Args:
        connection: A connected TCP socket; it is made non-blocking.
        token: The recorder's secret; it goes first.
    """

    def __init__(self, connection: socket.socket, token: bytes) -> None:
        self.dropped_rows = 0
        self.broken = False
        self._socket = connection
        self._socket.setblocking(False)
        self._pending = bytearray(token)
        self._push()

    @classmethod
    def connect(cls, address: tuple[str, int], token: bytes, timeout: float = 2.0) -> Feed:
        """Connect to the recorder at ``address`` (host, port) on this machine.

        Raises:
            OSError: Nothing listens there within ``timeout`` seconds.
        """
        return cls(socket.create_connection(address, timeout), token)

    def send(self, batch: Batch) -> None:
        """Hand over rows by table; never waits."""
        if self.broken:
            return
        data = pickle.dumps(batch, protocol=5)
        if len(self._pending) + len(data) > BUFFER_BYTES:
            self.dropped_rows += sum(len(rows) for rows in batch.values())
        else:
            self._pending += _LENGTH.pack(len(data)) + data
        self._push()

    def flush(self, timeout: float = 1.0) -> bool:
        """Wait at most ``timeout`` seconds until everything is handed over."""
        deadline = time.monotonic() + timeout
        while self._pending and not self.broken and time.monotonic() < deadline:
            self._push()
            if self._pending:
                time.sleep(0.002)
        return not self._pending

    def close(self) -> None:
        """Close the connection at once; call ``flush`` first to lose nothing."""
        self._socket.close()
        self.broken = True

    def _push(self) -> None:
        try:
            while self._pending:
                sent = self._socket.send(self._pending)
                del self._pending[:sent]
        except BlockingIOError:
            pass
        except OSError:  # the recorder is gone: its parent sees that and says so
            self.broken = True
            self._pending.clear()


def token_matches(connection: socket.socket, token: bytes) -> bool:
    """Read a producer's first bytes and compare them with the recorder's secret."""
    try:
        said = _read(connection, TOKEN_BYTES)
    except (EOFError, OSError):
        return False
    return hmac.compare_digest(said, token)


def read_batch(connection: socket.socket) -> Batch:
    """Return the next batch from a producer that has shown the token.

    Raises:
        EOFError: The producer has closed its feed.
    """
    size = _LENGTH.unpack(_read(connection, _LENGTH.size))[0]
    batch: Batch = pickle.loads(_read(connection, size))
    return batch


def _read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)
