"""The door that the candidate comes in by: what it says on the way is written down."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from labkit.exam.names import CANDIDATE, SFU
from labkit.exam.spec import ExamSpec
from labkit.net import Link
from labkit.net.relay_handle import Bridge, Relay
from labkit.rooms.access import AccessProxy
from labkit.signaling.base import Note

__all__ = ["Door", "SdkDoor"]


class Door(Protocol):
    """A way into the room."""

    url: str
    "What the candidate joins."

    async def open(self) -> None:
        """Open it."""

    async def close(self) -> None:
        """Close it."""


class SdkDoor:
    """The access proxy of LiveKit's WebSocket, and a relay for the media.

    Args:
        spec: The exam.
        relay: The relay process.
        note: Takes sender, receiver, name and body of a message.
    """

    def __init__(self, spec: ExamSpec, relay: Relay, note: Note) -> None:
        self.url = ""
        self._spec = spec
        self._relay = relay
        self._note = note
        self._bridge: Bridge | None = None
        self._proxy: AccessProxy | None = None

    async def open(self) -> None:
        """Open the proxy, and the relay's sockets where media of this machine alone come."""
        bridge = self._bridge = None if self._spec.lan else await self._open_bridge()
        proxy = AccessProxy(
            CANDIDATE,
            self._spec.access.url,
            relay_address=bridge.address_for[CANDIDATE] if bridge else None,
            note=self._note,
            on_server_candidate=partial(bridge.set_far, SFU) if bridge else None,
            host=self._spec.lan or "127.0.0.1",
        )
        self._proxy = await proxy.__aenter__()
        self.url = proxy.url

    async def close(self) -> None:
        """Close the proxy; the relay's sockets go with the relay."""
        proxy, self._proxy = self._proxy, None
        if proxy is not None:
            await proxy.close()

    async def _open_bridge(self) -> Bridge:
        return await self._relay.open(
            CANDIDATE, SFU, forward=Link(), back=Link(), seed=self._spec.seed, roaming=CANDIDATE
        )
