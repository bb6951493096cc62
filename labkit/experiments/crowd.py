"""An audience in processes of its own: many participants who send no media."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from labkit.process import Child

if TYPE_CHECKING:
    from labkit.rooms.running import LivekitServer

__all__ = ["MOST", "Audience", "Seen"]

CHILD = "labkit.experiments.audience"
JOIN_S = 120.0

MOST = 500


@dataclass(frozen=True)
class Seen:
    """What an audience saw in some seconds."""

    listeners: int
    frames: dict[str, list[tuple[int | None, float]]]
    "By listener: number and second (of the audience's clock) of every frame."
    packets: int
    lost: int
    decoded: int
    seconds: float
    cpu_percent: float
    "Of all processes that hold the audience; 100 is one core."


class Audience:
    """Listeners in processes of their own; an async context manager.

    Args:
        server: Where they listen.
        room_name: The room.
        zero_s: Second 0 of the room's clock (``Room.time_zero``).
        processes: How many processes share them.
    """

    def __init__(
        self, server: LivekitServer, room_name: str, zero_s: float, processes: int = 2
    ) -> None:
        self._server = server
        self._room = room_name
        self._zero_s = zero_s
        self._processes = processes
        self._children: list[Child] = []
        self._count = 0

    async def __aenter__(self) -> Self:
        self._children = [await Child.start(CHILD) for _number in range(self._processes)]
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        children, self._children = self._children, []
        leaving = (child.call("leave", timeout=20.0) for child in children if child.alive)
        await asyncio.gather(*leaving, return_exceptions=True)
        for child in children:
            await child.close()

    def __len__(self) -> int:
        return self._count

    async def grow(self, count: int, *, silent: bool = False) -> list[float]:
        """Let more listeners join until there are ``count``; return each one's wait (s).

        Args:
            count: How many there will be.
            silent: Whether nobody publishes: they may, and wait for no frame.

        Raises:
            CallError: Somebody could not join.
            WaitTimeout: Somebody saw no frame in time.
        """
        shares = self._shares(self._tokens(count - self._count, can_publish=silent))
        joining = (
            child.call("join", timeout=JOIN_S, url=self._server.url, tokens=tokens,
                       zero_s=self._zero_s, silent=silent)
            for child, tokens in zip(self._children, shares, strict=True) if tokens
        )  # fmt: skip
        waited = await asyncio.gather(*joining)
        self._count = max(count, self._count)
        return [seconds for one in waited for seconds in one.values()]

    async def measure(self, seconds: float) -> Seen:
        """Return what everybody saw in the next seconds."""
        told = await asyncio.gather(
            *(child.call("measure", timeout=seconds + 60, seconds=seconds)
              for child in self._children)
        )  # fmt: skip
        listeners = {name: one for part in told for name, one in part["listeners"].items()}
        _refuse_failed(listeners.values())
        sums = {
            key: sum(one[key] for one in listeners.values())
            for key in ("packets", "lost", "decoded")
        }
        return Seen(
            listeners=len(listeners),
            frames={name: one["seen"] for name, one in listeners.items()},
            seconds=max(part["process"]["seconds"] for part in told),
            cpu_percent=sum(part["process"]["cpu_percent"] for part in told),
            **sums,
        )

    async def presence(self) -> list[dict[str, Any]]:
        """Return for each what it knows: ``others`` in the room, ``far_end`` of its media.

        Raises:
            CallError: Somebody was thrown out.
        """
        asking = (child.call("presence", timeout=60) for child in self._children)
        there = [one for part in await asyncio.gather(*asking) for one in part.values()]
        _refuse_failed(there)
        return there

    def _tokens(self, count: int, *, can_publish: bool) -> dict[str, str]:
        from labkit.rooms.tokens import room_token

        names = [f"listener-{secrets.token_hex(3)}" for _number in range(max(0, count))]
        return {
            name: room_token(self._server, name, self._room, can_publish=can_publish)
            for name in names
        }

    def _shares(self, tokens: Mapping[str, str]) -> list[dict[str, str]]:
        n = len(self._children)
        return [dict(list(tokens.items())[at::n]) for at in range(n)]


def _refuse_failed(there: Iterable[Mapping[str, Any]]) -> None:
    for one in there:
        if one["failure"] is not None:
            raise one["failure"]
