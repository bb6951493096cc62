"""What a room's worker needs to let people in: made with the server's secret, which stays here."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING

from labkit.experiments.roomspec import RoomAccess, RoomSpec, ear_for, second_ear

if TYPE_CHECKING:
    from labkit.rooms.base import Server

__all__ = ["WATCHER", "room_access"]

WATCHER = "lab watcher"

ROOM_TTL_S = 86_400.0
"""A day. With its token somebody leaves by WHIP, too, and a watcher asks as long as the room runs;
these tokens stay in the lab's processes."""


def room_access(spec: RoomSpec, server: Server, heard: Iterable[str] = ()) -> RoomAccess:
    """Mint a token for everybody who is in a room, or may come into it.

    Args:
        spec: The room.
        server: Where it is.
        heard: Publishers whom participants by WHIP may have to hear by one more connection.
    """
    from labkit.rooms.tokens import room_token

    tokens = {
        one.name: room_token(
            server,
            one.name,
            spec.room,
            ttl_s=ROOM_TTL_S,
            max_participants=spec.max_participants,
            **one.grants,
        )
        for one in spec.participants
    }
    for identity in _ears(spec, heard):  # of a kind that is no head in a room's limit, and hidden
        tokens[identity] = room_token(
            server, identity, spec.room, ttl_s=ROOM_TTL_S, kind="agent", hidden=True,
            can_publish=False, can_publish_data=False,
        )  # fmt: skip
    watcher = room_token(
        server,
        WATCHER,
        spec.room,
        ttl_s=ROOM_TTL_S,
        room_join=False,
        room_admin=True,
        room_list=True,
    )
    url, login = _metrics_of(server)
    return RoomAccess(
        url=server.url, tokens=tokens, watcher=watcher, metrics_url=url, metrics_login=login
    )


def _ears(spec: RoomSpec, heard: Iterable[str]) -> list[str]:
    listening = [one.name for one in spec.participants if one.receives and one.by_whip]
    later = [ear_for(name, other) for other in heard for name in listening if name != other]
    return [second_ear(name) for name in listening] + later


def _metrics_of(server: Server) -> tuple[str, str]:
    """Return where a server's counters are and what opens them; empty where nobody knows."""
    from labkit.rooms.running import LivekitServer

    if not isinstance(server, LivekitServer):
        return "", ""
    config = server.config
    login = b64encode(f"{config.api_key}:{config.metrics_password}".encode()).decode()
    return config.metrics_url, f"Basic {login}"
