"""A participant's end of one of its connections, and what it writes into the Run."""

from __future__ import annotations

from typing import Any

from labkit.peers.endpoint import Peer
from labkit.run.tap import Tap

__all__ = ["ConnectionPeer", "ConnectionTap"]

_ONCE = {"peers": "peer", "tracks": "track"}


class ConnectionTap(Tap):
    """Rows of one connection: what it has sent is about its receiver alone.

    A frame is captured once and sent over several connections. The session writes the captured
    half; each connection's half carries the name of its receiver, so that nobody gets the times
    of another one's encoder.

    Args:
        tap: Where the rows go.
        receiver: Who is at the other end.
        written: Names of participants and tracks that have their row, shared by all.
    """

    def __init__(self, tap: Tap, receiver: str, written: set[tuple[str, str]]) -> None:
        super().__init__()
        self._tap = tap
        self._receiver = receiver
        self._written = written

    @property
    def recording(self) -> bool:
        """Whether a recorder is attached."""
        return self._tap.recording

    def add(self, table: str, **values: Any) -> None:
        """Add one row, named by columns."""
        if table in _ONCE:
            key = table, values[_ONCE[table]]
            if key in self._written:
                return
            self._written.add(key)
        elif table == "frames":
            values.setdefault("receiver", self._receiver)
        self._tap.add(table, **values)

    def add_row(self, table: str, values: tuple[Any, ...]) -> None:
        """Add one row that is as wide as its table."""
        self._tap.add_row(table, values)


class ConnectionPeer(Peer):
    """A peer whose video is made once for all connections of its participant (a ``Fanout``)."""

    def stop_sending(self) -> None:
        """Take nothing more of the ``Fanout``, which goes on for the other connections."""
        for track in self._tracks.values():
            track.stop()

    def _make_track(self, kind: str, source: Any) -> Any:
        name = f"{self.name}:{kind}"

        def on_captured(frame: int, reading: float) -> None:
            for sender in self.senders:
                sender.captured(frame, reading)

        track = self._tracks[kind] = source.track(on_captured)
        self.tap.add("tracks", track=name, peer=self.name, kind=kind, source=source.describe(),
                     codec=self._codec.upper())  # fmt: skip
        return track
