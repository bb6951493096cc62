"""Start and stop a call from a button: nobody waits there, and nothing may be awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.errors import CallError, LabError
from labkit.experiments.loop import lab_loop
from labkit.words import _

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
        self._stopped = False

    def start(self) -> None:
        """Start the call.

        Raises:
            CallError: It is running already.
        """
        self._call._must_be_startable()
        self._call.state = "starting"  # at once: a second click must find it
        self._stopped = False
        lab_loop.start(self._start_or_break())

    def stop(self) -> None:
        """End the call, also while it starts; a call that has ended stays as it is."""
        if self._call.state == "starting" or self._call._carrier is not None:
            self._stopped = True
            lab_loop.start(self._call._close())

    async def _start_or_break(self) -> None:
        try:
            await self._call._start()
        except LabError as error:
            self._break(error)
        except Exception as error:
            self._break(
                CallError(
                    _("The call did not start: {kind}: {error}.").format(
                        kind=type(error).__name__, error=error
                    ),
                    next_step=_("Start it again; if it happens twice, run “labkit doctor”."),
                )
            )

    def _break(self, error: LabError) -> None:
        if not self._stopped:  # who pressed Stop knows why
            self._call.failure = error
            self._call._set_state("broken")
