"""Somebody who comes into a running room, and leaves it again."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from labkit.experiments.rooms import Room
    from labkit.experiments.roomspec import Participant

__all__ = ["Visit"]


class Visit:
    """One visit to a room; made by ``room.join(...)``, and begun by ``async with`` or ``await``.

    Args:
        room: The room, running.
        participant: Who comes.
    """

    def __init__(self, room: Room, participant: Participant) -> None:
        self.participant = participant
        self._room = room

    def __repr__(self) -> str:
        there = "in" if self._room.has(self) else "not in"
        return f"<Visit of {self.name!r}, {there} {self._room.name!r}>"

    def __await__(self) -> Generator[Any, None, Self]:
        return self.__aenter__().__await__()

    async def __aenter__(self) -> Self:
        await self._room.enter(self)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.leave()

    @property
    def name(self) -> str:
        """The visitor's identity in the room, and its name in the Run."""
        return self.participant.name

    async def leave(self) -> None:
        """Leave the room; whoever has left, or whose room is closed, is gone already."""
        if self._room.has(self):
            await self._room.leave(self.name)

    async def ask(self, function: Callable[[Any], Any]) -> Any:
        """Run ``function(peer)`` where the visitor lives and return its result.

        Args:
            function: As ``room.ask`` takes it.
        """
        return await self._room.ask(self.name, function)

    def set_link(self, **changes: Any) -> None:
        """Bend the visitor's links.

        Args:
            changes: As ``room.set_link`` takes them.
        """
        self._room.set_link(self.name, **changes)
