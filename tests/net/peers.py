"""Plain UDP endpoints and a stand-in for the recorder, for tests with real sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import Any

from labkit.net.sdp import Address
from labkit.run.feed import TOKEN_BYTES, read_batch, token_matches
from labkit.run.schema import COLUMNS
from tests.timing import SECOND


class Peer:
    """A UDP socket on loopback with waits that end."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.socket.close()

    @property
    def address(self) -> Address:
        host, port = self.socket.getsockname()
        return host, port

    def send(self, data: bytes, address: Address) -> None:
        self.socket.sendto(data, address)

    async def receive(self, seconds: float = 5.0) -> bytes:
        """Return the next datagram; TimeoutError when none comes."""
        async with asyncio.timeout(seconds * SECOND):
            data, _source = await asyncio.get_running_loop().sock_recvfrom(self.socket, 4096)
        return data

    async def receive_all(self, quiet: float = 0.2) -> list[bytes]:
        """Return datagrams until none has come for a while."""
        got = []
        try:
            while True:
                got.append(await self.receive(quiet))
        except TimeoutError:
            return got


class FakeRecorder:
    """Accepts one feed and keeps its rows as dictionaries."""

    token = b"t" * TOKEN_BYTES

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.said_token = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self) -> FakeRecorder:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.close()
        self._thread.join(2 * SECOND)

    @property
    def address(self) -> Address:
        host, port = self._server.getsockname()
        return host, port

    def finished(self) -> list[dict[str, Any]]:
        """Return all rows, once the feed is closed."""
        self._thread.join(5 * SECOND)
        if self._thread.is_alive():
            raise TimeoutError("the feed was not closed")
        return self.rows

    def _serve(self) -> None:
        try:
            connection, _address = self._server.accept()
        except OSError:
            return
        with connection:
            self.said_token = token_matches(connection, self.token)
            try:
                while True:
                    batch = read_batch(connection)
                    for values in batch["packets"]:
                        self.rows.append(dict(zip(COLUMNS["packets"], values, strict=True)))
            except (EOFError, OSError):
                return
