"""Room tokens: made with the server's secret, and read claim by claim."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import jwt

from labkit.errors import BadValue
from labkit.rooms.address import ServerAddress
from labkit.rooms.base import Server
from labkit.rooms.claims import meaning
from labkit.rooms.hiding import hide_tokens
from labkit.words import _

if TYPE_CHECKING:
    import pandas as pd
    from livekit.api import VideoGrants

__all__ = [
    "TOKEN_TTL_S",
    "Claim",
    "check_grants",
    "claims_of",
    "hide_tokens",
    "read_token",
    "room_token",
]

TOKEN_TTL_S = 600
"""Ten minutes: long enough to join; who is in the room stays when the token expires. (By WHIP it
needs the token once more, to leave.)"""

LONGEST_TTL_S = 7 * 86_400


NO_SWITCHES = ("can_publish_sources", "destination_room")
"""Rights that are more than yes or no."""


@dataclass(frozen=True)
class Claim:
    """One claim of a token."""

    claim: str
    """Its name in the token; ``video.room`` is ``room`` within ``video``."""
    value: str
    meaning: str


def room_token(
    address: ServerAddress | Server,
    identity: str,
    room: str,
    *,
    name: str = "",
    ttl_s: float = TOKEN_TTL_S,
    max_participants: int | None = None,
    attributes: dict[str, str] | None = None,
    metadata: str = "",
    kind: str = "",
    **grants: Any,
) -> str:
    """Return a token with which a client may join a room.

    Args:
        address: The server, or its address with the secret.
        identity: Who joins; one of a kind in the room.
        room: The room.
        name: What the others see; none without it.
        ttl_s: Seconds until the token expires, up to a week; negative for one that has expired.
        max_participants: Limit of the room, where joining makes it.
        attributes: The participant's attributes from the start.
        metadata: The participant's metadata from the start.
        kind: ``agent`` and the like; empty for a person.
        grants: Rights by their names in ``livekit.api.VideoGrants``, for instance
            ``can_publish=False`` or ``can_publish_sources=["camera"]``. ``room_join=True`` is
            there without being said.

    Raises:
        BadValue: A right is unknown, an identity or room is empty, or the time is out of range.
    """
    from livekit.api import AccessToken, RoomConfiguration

    _check(identity, room, ttl_s)
    token = AccessToken(address.api_key, address.api_secret).with_identity(identity)
    token = token.with_ttl(timedelta(seconds=ttl_s)).with_grants(_grants(room, grants))
    token = token.with_name(name).with_metadata(metadata)
    token.claims.kind = kind
    if attributes:
        token = token.with_attributes(attributes)
    if max_participants is not None:
        token = token.with_room_config(RoomConfiguration(max_participants=max_participants))
    return str(token.to_jwt())


def check_grants(named: Mapping[str, Any]) -> None:
    """Refuse rights that there are not, before a token is made with them.

    Args:
        named: Rights by their names in ``livekit.api.VideoGrants``.

    Raises:
        BadValue: A right is unknown, or is neither granted nor taken.
    """
    from livekit.api import VideoGrants

    known = [field.name for field in fields(VideoGrants) if field.name != "room"]
    unknown = [name for name in named if name not in known]
    if unknown:
        raise BadValue(
            _("There is no right {name!r}.").format(name=unknown[0]),
            next_step=_("Choose from: {names}.").format(names=", ".join(known)),
        )
    for name, value in named.items():
        if name not in NO_SWITCHES and not isinstance(value, bool):
            raise BadValue(
                _("The right {name} cannot be {value!r}.").format(name=name, value=value),
                next_step=_("Use True or False."),
            )


def claims_of(token: str) -> list[Claim]:
    """Return a token's header and claims with their meanings, unchecked: anybody can read them.

    Args:
        token: Three parts in base64url, joined by points.

    Raises:
        BadValue: It is no token.
    """
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
    except jwt.PyJWTError:
        raise BadValue(
            _("This is not a token."),
            _("A token has three parts in base64url, joined by points."),
        ) from None
    return [*_rows("header.", header), *_rows("", claims)]


def read_token(token: str) -> pd.DataFrame:
    """Return a token's header and claims as a table with their meanings; nothing is checked.

    Args:
        token: Three parts in base64url, joined by points.

    Raises:
        BadValue: It is no token.
    """
    import pandas as pd

    names = [field.name for field in fields(Claim)]
    rows = [(claim.claim, claim.value, claim.meaning) for claim in claims_of(token)]
    return pd.DataFrame(rows, columns=names).set_index("claim")


def _check(identity: str, room: str, ttl_s: float) -> None:
    if not identity or not room:
        raise BadValue(
            _("A token for a room needs an identity and a room."),
            next_step=_("Give both a name that is not empty."),
        )
    if not -LONGEST_TTL_S <= ttl_s <= LONGEST_TTL_S:
        raise BadValue(
            _("ttl_s cannot be {ttl_s:g}.").format(ttl_s=ttl_s),
            _("It goes up to {most} s, a week.").format(most=LONGEST_TTL_S),
        )


def _grants(room: str, named: dict[str, Any]) -> VideoGrants:
    from livekit.api import VideoGrants

    check_grants(named)
    return VideoGrants(**({"room_join": True} | named), room=room)


def _rows(prefix: str, claims: dict[str, Any]) -> list[Claim]:
    rows: list[Claim] = []
    for name, value in claims.items():
        if isinstance(value, dict) and value:
            rows += _rows(f"{prefix}{name}.", value)
        else:
            rows.append(Claim(prefix + name, _shown(name, value), meaning(prefix + name)))
    return rows


def _shown(name: str, value: Any) -> str:
    if name in ("exp", "nbf", "iat") and isinstance(value, int | float):
        at = datetime.fromtimestamp(value, UTC)
        return f"{value} ({at:%Y-%m-%d %H:%M:%S} UTC)"
    return value if isinstance(value, str) else json.dumps(value)
