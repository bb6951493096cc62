"""Start and stop a call from a button: nobody waits there, and nothing may be awaited."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from labkit.errors import LabError
from labkit.experiments.loop import Job, lab_loop

if TYPE_CHECKING:
    from labkit.experiments.calls import Call

__all__ = ["Buttons"]


class Buttons:
    """Start and Stop of one call; both return at once, and listeners hear how it goes.

    A widget's callback runs in a thread of its own choosing, so the work goes to the lab's loop.

    Args:
        call: The call; what goes wrong while it starts is kept in its ``failure``.
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._starting: Job[None] | None = None

    def start(self) -> None:
        """Start the call.

        Raises:
            CallError: It is running already.
        """
        self._call._must_be_startable()
        self._call.state = "starting"  # at once: a second click must find it
        self._call._hold(True)
        self._starting = lab_loop.start(self._start_or_break())

    def stop(self) -> None:
        """End the call, also while it starts; a call that has ended stays as it is."""
        if not lab_loop.running:
            return
        if self._starting is not None and not self._starting.done():
            self._starting.cancel()  # what it had opened is closed on the way out
        elif self._call._carrier is not None:
            lab_loop.start(self._close())

    async def _start_or_break(self) -> None:
        call = self._call
        started = False
        try:
            await self._close_leftover()
            await call._start()
            started = True
        except LabError as error:
            call.failure = error
            call._set_state("broken")
        finally:
            if not started:
                call._hold(False)

    async def _close_leftover(self) -> None:
        """A call that broke still holds what carried it."""
        carrier, self._call._carrier = self._call._carrier, None
        if carrier is not None:
            with contextlib.suppress(LabError):
                await carrier.close()

    async def _close(self) -> None:
        try:
            await self._call._close()
        finally:
            self._call._hold(False)
