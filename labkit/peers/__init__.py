"""Endpoints of a call, their probes and their jitter buffers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.peers.endpoint import Peer

__all__ = ["peer"]


def peer(name: str = "alice", **options: Any) -> Peer:
    """Make a peer to take apart: its ``pc`` is a plain aiortc ``RTCPeerConnection``.

    Args:
        name: How the peer is called in the Run.
        options: See ``labkit.peers.endpoint.Peer``.

    Raises:
        BadValue: An option is not known or outside its range.
    """
    from labkit.peers.endpoint import Peer

    return Peer(name, **options)
