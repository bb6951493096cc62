"""How a room can fail to come up, or break, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.errors import CallError, WaitTimeout
from labkit.experiments.saying import CallErrors
from labkit.rooms.hiding import hide_tokens
from labkit.signaling.whiperrors import WhipError
from labkit.words import _

__all__ = [
    "RoomErrors",
    "full_error",
    "not_connected_error",
    "not_published_error",
    "seen_as_full",
    "server_gone_error",
]


class RoomErrors(CallErrors):
    """The sentences of a room."""

    def running(self) -> CallError:
        """Return the error for a second start."""
        return CallError(
            _("This room is running already."),
            next_step=_("Use “await room.close()” first, or make another room."),
        )

    def recorded(self) -> CallError:
        """Return the error for a second recording."""
        return CallError(
            _("This room is being recorded already."),
            next_step=_("Await that recording first, or end it with its stop()."),
        )

    def starting(self) -> CallError:
        """Return the error for something that has to wait until the start is over."""
        return CallError(
            _("This room is still starting."), next_step=_("Use “await room.start()” first.")
        )

    def not_running(self) -> CallError:
        """Return the error for something that only works while it runs."""
        return CallError(
            _("This room is not running."), next_step=_("Use “await room.start()” first.")
        )

    def closed(self) -> CallError:
        """Return the error for what was closed in the middle of something."""
        return CallError(_("The room was closed."))

    def closed_while_starting(self) -> CallError:
        """Return the error for whoever waited for a start that was ended."""
        return CallError(_("The room was closed while it started."))

    def closed_before_recording(self) -> CallError:
        """Return the error for whoever waited for a recording that never began."""
        return CallError(_("The room was closed before its first frame was recorded."))

    def did_not_start(self, error: Exception) -> CallError:
        """Return the error for a start that failed in a way nobody has foreseen."""
        return CallError(
            _("The room did not start: {kind}: {error}.").format(
                kind=type(error).__name__, error=hide_tokens(str(error))
            ),
            next_step=_("Start it again; if it happens twice, run “labkit doctor”."),
        )


def seen_as_full(error: WhipError) -> bool:
    """Return whether a refusal is LiveKit's way to say that the room is full."""
    return error.status == 503 and "max participants" in error.why


def full_error(name: str, room: str, most: int | None) -> CallError:
    """Return the error for somebody who comes into a full room.

    Args:
        name: Who wanted to join.
        room: The room.
        most: How many it may have, where that is known.
    """
    why = _("Its limit of participants is reached.")
    if most is not None:
        why = _("It may have {count} participants, and they are there.").format(count=most)
    return CallError(
        _("The room is full: {name} cannot join “{room}”.").format(name=name, room=room),
        why,
        _("Wait until somebody leaves, or make a room with a higher max_participants."),
    )


def not_connected_error(name: str, within_s: float) -> WaitTimeout:
    """Return the error for somebody whose media did not reach the server in time."""
    return WaitTimeout(
        _("{name} and the server did not connect within {seconds:g} s.").format(
            name=name, seconds=within_s
        ),
        _("The link lost or held back too many of the first packets."),
        _("Try less loss, or a higher rate_kbps."),
    )


def not_published_error(name: str, kinds: Iterable[str], within_s: float) -> WaitTimeout:
    """Return the error for somebody whose tracks the server does not show to the others."""
    return WaitTimeout(
        _("What {name} publishes ({kinds}) was not in the room within {seconds:g} s.").format(
            name=name, kinds=", ".join(kinds), seconds=within_s
        ),
        _("The token may lack the right to publish, or the link loses too much."),
        _("Look at its grants: can_publish, can_publish_sources."),
    )


def server_gone_error(url: str) -> CallError:
    """Return the error for a server that ends while a room is on it."""
    return CallError(
        _("The LiveKit server {url} is gone.").format(url=url),
        _("Its process was ended, or it crashed; whoever joined by WHIP does not come back."),
        _("Start the server again, and then the room."),
    )
