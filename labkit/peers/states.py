"""State changes of a peer, written down as events of the Run."""

from __future__ import annotations

from typing import Any

__all__ = ["watch_states"]

ICE = {"checking": "ice_checking", "completed": "ice_connected", "failed": "ice_failed"}
DTLS = {"connecting": "dtls_connecting", "connected": "dtls_connected", "failed": "dtls_failed"}


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
