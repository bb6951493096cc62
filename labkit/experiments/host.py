"""What carries a session: asked by its parent through a pipe, or directly in the kernel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from labkit.errors import CallError
from labkit.experiments.breaks import relay_died_error
from labkit.net.relay_handle import Relay
from labkit.process import ChildDied
from labkit.words import _

__all__ = ["Host"]


class Host:
    """Prepares, starts and closes one session; its methods are what a call can ask for.

    Args:
        notify: Called with a name and a payload for whoever owns the call.
    """

    def __init__(self, notify: Callable[[str, Any], None]) -> None:
        self._notify = notify
        self._relay: Relay | None = None
        self._session: Any = None
        self._told: set[asyncio.Task[Any]] = set()

    async def prepare(self) -> None:
        """Start the relay and load everything that a call needs, so that it starts at once."""
        starting = asyncio.create_task(Relay.start())
        try:
            await asyncio.sleep(0)
            # Loading aiortc takes longer than starting the relay: the two go side by side.
            import labkit.experiments.session
            import labkit.media.pattern  # noqa: F401
        finally:
            with _naming_the_relay():
                self._relay = await starting

    async def open(self, spec: Any, time_zero: float) -> None:
        """Make the session of ``spec``; second 0 of the call is ``time_zero``."""
        from labkit.peers.clock import Clock

        if self._relay is None:
            await self.prepare()
        assert self._relay is not None
        with _naming_the_relay():
            await self._relay.set_time_zero(time_zero)
        self._session = spec.session(self._relay, Clock(time_zero), self._notify)

    async def ask(self, method: str, arguments: dict[str, Any]) -> Any:
        """Call a method of the session.

        Raises:
            CallError: There is no session yet.
        """
        if self._session is None:
            raise CallError(_("The call is not running."), next_step=_("Start it first."))
        with _naming_the_relay():
            return await getattr(self._session, method)(**arguments)

    def tell(self, method: str, arguments: dict[str, Any]) -> None:
        """Call a method of the session; nobody waits for it."""
        if self._session is None:
            return
        work = getattr(self._session, method)(**arguments)
        if asyncio.iscoroutine(work):
            task = asyncio.ensure_future(work)
            self._told.add(task)
            task.add_done_callback(self._told.discard)

    async def close(self) -> None:
        """Close the session and the relay."""
        session, self._session = self._session, None
        relay, self._relay = self._relay, None
        if session is not None:
            await session.close()
        elif relay is not None:
            await relay.close()


@contextmanager
def _naming_the_relay() -> Iterator[None]:
    """Say which helper ended: whoever owns this process would take it for this one."""
    try:
        yield
    except ChildDied:
        raise relay_died_error() from None
