"""A room as its server knows it, asked with a token instead of the server's secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp

from labkit.errors import CallError
from labkit.rooms.hiding import hide_tokens
from labkit.rooms.seats import Seats
from labkit.words import _

__all__ = ["Listed", "ListedTrack", "list_room", "room_seats_by_token", "unsubscribe"]

WITHIN_S = 5.0

WITHOUT_SEAT = ("AGENT", "EGRESS")
"""Kinds of participants that no room's limit counts."""


@dataclass(frozen=True)
class ListedTrack:
    """A track that somebody publishes."""

    sid: str
    name: str
    kind: str
    "``video`` or ``audio``."


@dataclass(frozen=True)
class Listed:
    """A participant, as the server knows it."""

    identity: str
    sid: str
    tracks: tuple[ListedTrack, ...]
    takes_seat: bool = True


async def list_room(http_url: str, token: str, room: str) -> list[Listed]:
    """Return everybody in a room; nobody where there is no such room.

    Args:
        http_url: The server, for instance ``http://127.0.0.1:7880``.
        token: One with the right ``roomAdmin`` for this room.
        room: The room.

    Raises:
        CallError: The server does not answer, or refuses.
    """
    told = await _ask(http_url, token, "ListParticipants", {"room": room})
    return [_listed(one) for one in told.get("participants", ())]


async def room_seats_by_token(http_url: str, token: str, room: str) -> Seats | None:
    """Return how many are in a room and how many may be; None where there is no such room.

    Args:
        http_url: The server, for instance ``http://127.0.0.1:7880``.
        token: One with the rights ``roomList``, and ``roomAdmin`` for this room.
        room: The room.

    Raises:
        CallError: The server does not answer, or refuses.
    """
    told = await _ask(http_url, token, "ListRooms", {"names": [room]})
    for one in told.get("rooms", ()):
        there = await list_room(http_url, token, room)
        taken = tuple(each.identity for each in there if each.takes_seat)
        return Seats(room, taken, int(one.get("max_participants", 0)) or None)
    return None


async def unsubscribe(
    http_url: str, token: str, room: str, identity: str, track_sids: list[str]
) -> None:
    """Have the server send somebody some tracks no more.

    Args:
        http_url: The server, for instance ``http://127.0.0.1:7880``.
        token: One with the right ``roomAdmin`` for this room.
        room: The room.
        identity: Who receives them.
        track_sids: The tracks, by the server's names.

    Raises:
        CallError: The server does not answer, or refuses.
    """
    wish = {"room": room, "identity": identity, "track_sids": track_sids, "subscribe": False}
    await _ask(http_url, token, "UpdateSubscriptions", wish)


async def _ask(http_url: str, token: str, method: str, wish: dict[str, Any]) -> dict[str, Any]:
    url = f"{http_url}/twirp/livekit.RoomService/{method}"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN_S)) as session:
            async with session.post(url, json=wish, headers=headers) as answer:
                if answer.status != 200:
                    raise _refused(answer.status, await answer.text())
                told: dict[str, Any] = await answer.json()
                return told
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise CallError(
            _("The LiveKit server does not tell about the room."),
            f"{type(error).__name__}: {hide_tokens(str(error))}.",
            _("See whether it runs, and at which address."),
        ) from None


def _listed(told: dict[str, Any]) -> Listed:
    tracks = tuple(
        ListedTrack(track["sid"], track.get("name", ""), str(track.get("type", "AUDIO")).lower())
        for track in told.get("tracks", ())
        if not track.get("muted")
    )
    takes_seat = told.get("kind") not in WITHOUT_SEAT
    return Listed(told["identity"], told["sid"], tracks, takes_seat)


def _refused(status: int, text: str) -> CallError:
    return CallError(
        _("The LiveKit server refuses to tell about the room."),
        f"{status}: {hide_tokens(text)}",
        _("The token needs the rights roomAdmin, for this room, and roomList."),
    )
