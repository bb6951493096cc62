"""The exam's room and server, with what only an exam needs of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from labkit.exam.invitation import Invitation
from labkit.exam.session import Progress
from labkit.experiments.loop import on_lab_loop
from labkit.experiments.rooms import Room
from labkit.rooms.address import ServerAddress

__all__ = ["ExamRoom", "FrontDoor"]


@dataclass(frozen=True)
class FrontDoor(ServerAddress):
    """A server whose clients come by another way than its backend."""

    api_url: str = ""

    @property
    def http_url(self) -> str:
        """Where the backend asks."""
        return self.api_url


class ExamRoom(Room):
    """The room, with what only an exam's session can do."""

    async def door(self) -> str:
        """Return what the candidate joins."""
        url: str = await on_lab_loop(self._must_run().ask("door"))
        return url

    async def invite(self, invitation: Invitation) -> None:
        """Say what the lab's own page is to be told."""
        await on_lab_loop(self._must_run().ask("invite", invitation=invitation.to_dict()))

    # What follows runs on the lab's loop.

    async def progress(self) -> Progress:
        """Return how far the candidate is."""
        return Progress(**await self._must_run().ask("progress"))

    async def write(self, peer: str, name: str, detail: Any) -> None:
        """Write down an event."""
        await self._must_run().ask("write", peer=peer, name=name, detail=detail)
