"""How many are in a room and how many may be: what the server does not say when it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from labkit.words import _

if TYPE_CHECKING:
    from livekit.api import LiveKitAPI

__all__ = ["Seats", "room_seats"]


@dataclass(frozen=True)
class Seats:
    """Who takes a seat in a room, and how many seats there are."""

    room: str
    taken: tuple[str, ...]
    """Identities; agents and recorders take no seat."""
    limit: int | None
    """None for no limit."""

    def full_for(self, identity: str) -> bool:
        """Return whether this one could not join; who is in the room may always come again.

        Args:
            identity: Who wants to join.
        """
        return (
            self.limit is not None and identity not in self.taken and len(self.taken) >= self.limit
        )

    def __str__(self) -> str:
        if self.limit is None:
            return _("Room “{room}”: {count} in it, no limit.").format(
                room=self.room, count=len(self.taken)
            )
        return _("Room “{room}”: {count} of {limit} seats are taken.").format(
            room=self.room, count=len(self.taken), limit=self.limit
        )


async def room_seats(api: LiveKitAPI, room: str, limit: int | None = None) -> Seats:
    """Ask the server who is in a room and how many may be.

    Args:
        api: The server's API with the right to list.
        room: The room's name.
        limit: What it would be limited to if it were made now.

    Raises:
        livekit.api.ServerError: The key or secret is wrong.
        aiohttp.ClientError: The server does not answer.
    """
    from livekit.api import ListParticipantsRequest, ListRoomsRequest
    from livekit.protocol.models import ParticipantInfo

    rooms = (await api.room.list_rooms(ListRoomsRequest(names=[room]))).rooms
    if not rooms:
        return Seats(room, (), limit)
    people = await api.room.list_participants(ListParticipantsRequest(room=room))
    without_seat = (ParticipantInfo.Kind.AGENT, ParticipantInfo.Kind.EGRESS)
    taken = [one.identity for one in people.participants if one.kind not in without_seat]
    return Seats(room, tuple(taken), rooms[0].max_participants or None)
