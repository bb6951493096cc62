"""Tokens as an attacker would make them, to show that the server refuses them."""

from __future__ import annotations

import secrets
import time
from typing import Any

import jwt

from labkit.rooms.address import ServerAddress
from labkit.rooms.base import Server
from labkit.rooms.tokens import room_token

__all__ = [
    "expired_token",
    "foreign_key_token",
    "more_rights_token",
    "not_yet_valid_token",
    "other_room_token",
    "unsigned_token",
    "wrong_secret_token",
]


def wrong_secret_token(address: ServerAddress | Server, identity: str, room: str) -> str:
    """Return a token that is right in everything but the secret that signed it.

    Args:
        address: The server.
        identity: Who joins.
        room: The room.
    """
    guess = ServerAddress(address.url, address.api_key, secrets.token_urlsafe(32))
    return room_token(guess, identity, room)


def foreign_key_token(address: ServerAddress | Server, identity: str, room: str) -> str:
    """Return a token of a key that the server does not know.

    Args:
        address: The server.
        identity: Who joins.
        room: The room.
    """
    return room_token(ServerAddress(address.url, "nokey", address.api_secret), identity, room)


def expired_token(
    address: ServerAddress | Server, identity: str, room: str, *, ago_s: float = 3600
) -> str:
    """Return a token that has expired; the server still takes one that did in the last minute.

    Args:
        address: The server.
        identity: Who joins.
        room: The room.
        ago_s: Seconds since it expired.
    """
    return room_token(address, identity, room, ttl_s=-ago_s)


def not_yet_valid_token(
    address: ServerAddress | Server, identity: str, room: str, *, ahead_s: float = 3600
) -> str:
    """Return a token that counts from a later time on.

    Args:
        address: The server.
        identity: Who joins.
        room: The room.
        ahead_s: Seconds until it counts.
    """
    start = int(time.time() + ahead_s)
    claims = _claims(room_token(address, identity, room)) | {"nbf": start, "exp": start + 600}
    return jwt.encode(claims, address.api_secret, algorithm="HS256")


def unsigned_token(address: ServerAddress | Server, identity: str, room: str) -> str:
    """Return a token that says of itself that it needs no signature (``alg: none``, RFC 8725 §2.1).

    Args:
        address: The server.
        identity: Who joins.
        room: The room.
    """
    return jwt.encode(_claims(room_token(address, identity, room)), "", algorithm="none")


def more_rights_token(token: str, **claims: Any) -> str:
    """Return a token with other claims under its old signature.

    Args:
        token: A good token.
        claims: Rights to add, in the token's own names: ``roomAdmin=True``.
    """
    changed = _claims(token)
    changed["video"] = changed["video"] | claims
    header, body, _signature = jwt.encode(changed, "x" * 32, algorithm="HS256").split(".")
    return ".".join([header, body, token.split(".")[2]])


def other_room_token(address: ServerAddress | Server, identity: str, room: str) -> str:
    """Return a good token, but for another room than ``room``: there its holder ends up.

    Args:
        address: The server.
        identity: Who joins.
        room: The room that it is not for.
    """
    return room_token(address, identity, f"{room}-other")


def _claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})
