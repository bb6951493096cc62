"""What sessions share, without a worker: how a message is written down."""

from __future__ import annotations

from typing import Any, cast

from labkit.experiments.basesession import BaseSession
from labkit.net.relay_handle import Relay
from labkit.peers.clock import Clock
from labkit.peers.packetbook import PacketBook
from labkit.run.tap import Tap
from labkit.signaling.base import Body

CHANNEL = "signaling (WebSocket)"


class Listening(Tap):
    """A tap whose rows can be looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[dict[str, Any]] = []

    def add(self, table: str, **values: Any) -> None:
        self.rows.append({"table": table, **values})


def noted(body: str) -> dict[str, Any]:
    """Return the row that a session makes of a message."""
    tap, clock = Listening(), Clock(0.0)
    book = PacketBook(tap, clock)
    nobody = cast(Relay, None)  # nothing is sent here
    session = BaseSession(nobody, clock, lambda *_ignored: None, tap=tap, book=book)
    session._note("sue", "sfu", CHANNEL, "add_track", body)
    (row,) = tap.rows
    return row


def test_a_message_is_as_long_as_it_was_on_the_wire() -> None:
    row = noted(Body.of('{\n "cid": "camera"\n}', 8))
    assert (row["table"], row["channel"], row["name"]) == ("messages", CHANNEL, "add_track")
    assert row["size_bytes"] == 8 and row["body"] == '{\n "cid": "camera"\n}'


def test_what_is_hidden_counts() -> None:
    offer = "v=0\r\na=ice-pwd:a-long-and-secret-password\r\n"
    row = noted(offer)
    assert row["size_bytes"] == len(offer)
    assert "secret" not in row["body"] and "a=ice-pwd:(hidden)" in row["body"]
