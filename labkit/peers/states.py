"""State changes of a peer, written down as events of the Run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiortc import RTCPeerConnection

from labkit.peers import consent, private
from labkit.words import _

__all__ = ["Connected", "watch_states"]

ICE = {"checking": "ice_checking", "completed": "ice_connected", "failed": "ice_failed"}
DTLS = {"connecting": "dtls_connecting", "connected": "dtls_connected", "failed": "dtls_failed"}


class Connected:
    """A peer that knows when its connection has ended on its own; closing it is no loss."""

    other: str
    lost = ""
    "Why its connection has ended; empty while it comes up, is there, or was closed from here."
    on_lost: Callable[[], None] | None = None
    "Called when its connection has ended on its own."
    _pc: RTCPeerConnection | None = None

    def event(self, name: str, detail: Any = "") -> None:
        """Write down that something happened."""
        raise NotImplementedError

    def _watch_connection(self, pc: RTCPeerConnection) -> None:
        """Write down, and tell, when a new connection ends after it was there."""
        self.lost, was_there = "", False

        def changed() -> None:
            nonlocal was_there
            state = pc.connectionState
            was_there = was_there or state == "connected"
            ended = was_there and state in ("failed", "closed")
            if ended and not self.lost and self._pc is pc:
                self.lost = _why(pc)
                self.event("connection_lost", {"to": self.other, "why": self.lost})
                if self.on_lost is not None:
                    self.on_lost()

        pc.on("connectionstatechange", changed)


def _why(pc: RTCPeerConnection) -> str:
    if private.consent_ended(pc):
        text = _("For {seconds:g} s no answer came through the link.")
        return text.format(seconds=consent.EXPIRES_S)
    return _("The other end has closed it.")


def watch_states(peer: Any, dtls: Any) -> None:
    """Write an event of ``peer`` for each state of its transport that matters to a reader.

    Args:
        peer: The peer, with ``event(name, detail)`` and ``nominated_pair()``.
        dtls: An ``RTCDtlsTransport``; its ICE transport is watched too.
    """
    ice = dtls.transport

    def on_ice() -> None:
        if ice.state in ICE:
            peer.event(ICE[ice.state])
        if ice.state == "completed":
            pair = peer.nominated_pair()
            if pair is not None:
                peer.event("nominated_pair", pair)

    def on_dtls() -> None:
        if dtls.state in DTLS:
            peer.event(DTLS[dtls.state])

    ice.on("statechange", on_ice)
    dtls.on("statechange", on_dtls)
