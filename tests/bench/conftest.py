"""The LiveKit server that rows about rooms are tried on."""

from __future__ import annotations

from tests.rooms.conftest import livekit_binary, livekit_server

__all__ = ["livekit_binary", "livekit_server"]
