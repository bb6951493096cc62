"""A worker that is ready before anybody asks for it, so that Start is answered at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from labkit.experiments.loop import lab_loop
from labkit.experiments.places import Carrier, carrier_for

__all__ = ["IDLE_S", "Spare", "spare"]

IDLE_S = 300.0
"""How long a worker (some 100 MB) is kept ready for somebody who does not come."""


class Spare:
    """Keeps one worker with its relay for whichever call starts next; use the one ``spare``.

    There is never a second one. It ends when nobody wants it any more, when it has idled, and,
    as every worker, with this process. What waits belongs to the lab's loop.
    """

    def __init__(self) -> None:
        self._owners: set[int] = set()
        self._making: asyncio.Task[Carrier] | None = None
        self._idle: asyncio.TimerHandle | None = None

    @property
    def ready(self) -> bool:
        """Whether a worker waits, or is being made."""
        return self._making is not None

    def wanted_by(self, owner: object) -> bool:
        """Whether an owner has asked for it."""
        return id(owner) in self._owners

    def want(self, owner: object) -> None:
        """Begin to make a worker unless there is one, from any thread; ``owner`` may need it."""
        self._owners.add(id(owner))
        lab_loop.start(self._prepare(owner))

    async def _prepare(self, owner: object) -> None:
        if not self.wanted_by(owner):  # any more
            return
        if self._making is None:
            lab_loop.hold()
            self._making = asyncio.create_task(_make(), name="prepare a worker")
        if self._idle is not None:
            self._idle.cancel()
        loop = asyncio.get_running_loop()
        self._idle = loop.call_later(IDLE_S, lambda: lab_loop.start(self._end()))

    async def take(self, on_message: Callable[[str, Any], None]) -> Carrier | None:
        """Return the worker, which then belongs to the caller; None where there is none.

        Args:
            on_message: Takes what it tells from now on.
        """
        making = self._let_go()
        if making is None:
            return None
        try:
            await asyncio.wait([making])
        except asyncio.CancelledError:
            await _close(making)
            raise
        finally:
            lab_loop.release()
        if making.cancelled() or making.exception() is not None:
            return None  # whoever starts without it meets the same error, and says so
        carrier = making.result()
        if carrier.failed.done():
            await carrier.close()
            return None
        carrier.on_message = on_message
        return carrier

    async def drop(self, owner: object) -> None:
        """Note that an owner needs it no more; it ends with the last one."""
        self._owners.discard(id(owner))
        if not self._owners:
            await self._end()

    async def clear(self) -> None:
        """End it whoever wants it."""
        self._owners.clear()
        await self._end()

    async def _end(self) -> None:
        making = self._let_go()
        if making is not None:
            try:
                await _close(making)
            finally:
                lab_loop.release()

    def _let_go(self) -> asyncio.Task[Carrier] | None:
        making, self._making = self._making, None
        if making is not None:
            self._owners.clear()
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        return making


async def _make() -> Carrier:
    carrier = carrier_for("worker", lambda name, payload: None)
    try:
        await carrier.prepare()
    except BaseException:
        await carrier.close()
        raise
    return carrier


async def _close(making: asyncio.Task[Carrier]) -> None:
    making.cancel()
    await asyncio.wait([making])
    if not making.cancelled() and making.exception() is None:
        await making.result().close()


spare = Spare()
