"""Who is on the way into a running room: one after the other, and each may be given up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from labkit.experiments.roombreaks import sent_out_error

__all__ = ["Comings"]


class Comings:
    """The door of a room, and who has not come through it yet.

    Args:
        see_off: Lets somebody go who is in, by name; whoever is not has left already.
    """

    def __init__(self, see_off: Callable[[str], Awaitable[None]]) -> None:
        self.door = asyncio.Lock()
        "Held while somebody comes or goes."
        self._see_off = see_off
        self._coming: dict[str, asyncio.Task[None]] = {}
        self._visits: dict[str, int] = {}

    async def join(self, name: str, visit: int, let_in: Callable[[], Awaitable[None]]) -> None:
        """Let somebody in.

        Args:
            name: Who; another one of this name who is still on the way was given up.
            visit: Number of this visit.
            let_in: Does it, with the door in hand.

        Raises:
            CallError: It was sent away before it was in.
        """
        self._visits[name] = visit
        await self._stop(name)
        task = self._coming[name] = asyncio.create_task(self._through(let_in), name=f"{name} joins")
        try:
            await task
        except asyncio.CancelledError:
            asker = asyncio.current_task()
            if asker is not None and asker.cancelling():
                raise
            raise sent_out_error(name) from None
        finally:
            if self._coming.get(name) is task:
                del self._coming[name]

    async def leave(self, name: str, visit: int | None) -> None:
        """Let somebody go, who may be on the way in.

        Args:
            name: Who.
            visit: The visit that is meant, where a new one may have begun; None for any.
        """
        if visit in (None, self._visits.get(name)):
            await self._stop(name)
            async with self.door:
                await self._see_off(name)

    def stop_all(self) -> None:
        """Let nobody in any more."""
        for coming in self._coming.values():
            coming.cancel()

    async def _through(self, let_in: Callable[[], Awaitable[None]]) -> None:
        async with self.door:
            await let_in()

    async def _stop(self, name: str) -> None:
        coming = self._coming.get(name)
        if coming is not None:
            coming.cancel()
            await asyncio.wait([coming])
