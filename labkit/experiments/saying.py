"""What a call says where somebody asks for something at the wrong time."""

from __future__ import annotations

from labkit.errors import CallError
from labkit.rooms.hiding import hide_tokens
from labkit.words import _

__all__ = ["CallErrors"]


class CallErrors:
    """The sentences of a call; whatever else has its states says them with its own name."""

    def running(self) -> CallError:
        """Return the error for a second start."""
        return CallError(
            _("This call is running already."),
            next_step=_("Use “await call.close()” first, or make another call."),
        )

    def recorded(self) -> CallError:
        """Return the error for a second recording."""
        return CallError(
            _("This call is being recorded already."),
            next_step=_("Await that recording first, or end it with its stop()."),
        )

    def starting(self) -> CallError:
        """Return the error for something that has to wait until the start is over."""
        return CallError(
            _("This call is still starting."), next_step=_("Use “await call.start()” first.")
        )

    def not_running(self) -> CallError:
        """Return the error for something that only works while it runs."""
        return CallError(
            _("This call is not running."), next_step=_("Use “await call.start()” first.")
        )

    def closed(self) -> CallError:
        """Return the error for what was closed in the middle of something."""
        return CallError(_("The call was closed."))

    def closed_while_starting(self) -> CallError:
        """Return the error for whoever waited for a start that was ended."""
        return CallError(_("The call was closed while it started."))

    def closed_before_recording(self) -> CallError:
        """Return the error for whoever waited for a recording that never began."""
        return CallError(_("The call was closed before its first frame was recorded."))

    def did_not_start(self, error: Exception) -> CallError:
        """Return the error for a start that failed in a way nobody has foreseen."""
        return CallError(
            _("The call did not start: {kind}: {error}.").format(
                kind=type(error).__name__, error=hide_tokens(str(error))
            ),
            next_step=_("Start it again; if it happens twice, run “labkit doctor”."),
        )
