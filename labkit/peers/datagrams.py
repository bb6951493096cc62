"""Every UDP datagram at one end, counted: the Run compares it with the relay's count."""

from __future__ import annotations

from typing import Any

from labkit.peers import private

__all__ = ["UDP_HEADER_BYTES", "DatagramCounter"]

UDP_HEADER_BYTES = 28
"""IPv4 and UDP headers of a datagram."""


class DatagramCounter:
    """Counts what the sockets of a peer send and receive."""

    def __init__(self) -> None:
        self.datagrams = {"sent": 0, "received": 0}
        self.received_bytes = 0

    def watch(self, connection: Any) -> None:
        """Count on every socket of an aioice connection that has gathered its candidates."""
        for protocol in connection._protocols:
            private.wrap(protocol, "datagram_received", self._around_received)
            private.wrap(protocol, "send_data", self._around_sent)
            private.wrap(protocol, "send_stun", self._around_sent)

    def _around_received(self, original: Any) -> Any:
        def received(data: bytes, address: Any) -> None:
            self.datagrams["received"] += 1
            self.received_bytes += len(data) + UDP_HEADER_BYTES
            original(data, address)

        return received

    def _around_sent(self, original: Any) -> Any:
        def sent(message: Any, address: Any) -> Any:
            self.datagrams["sent"] += 1
            return original(message, address)

        return sent
