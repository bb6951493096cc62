"""How a room can fail to come up, or break, in words that say what to do."""

from __future__ import annotations

from collections.abc import Iterable

from labkit.errors import BadValue, CallError, LabError, WaitTimeout
from labkit.experiments.saying import CallErrors
from labkit.rooms.hiding import hide_tokens
from labkit.signaling.whiperrors import WhipError
from labkit.words import _

__all__ = [
    "RoomErrors",
    "all_lost_error",
    "full_error",
    "last_error",
    "late_error",
    "lost_error",
    "nobody_error",
    "not_back_error",
    "not_connected_error",
    "not_published_error",
    "other_limit_error",
    "seen_as_full",
    "sent_out_error",
    "server_gone_error",
    "taken_error",
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


def other_limit_error(room: str, limit: int | None, most: int) -> CallError:
    """Return the error for a limit that comes too late: the room is there, and has another one.

    Args:
        room: The room.
        limit: How many it may have; None for any number.
        most: How many were asked for.
    """
    has = _("It has no limit.")
    if limit is not None:
        has = _("Its limit is {count}.").format(count=limit)
    return CallError(
        _("The room “{room}” is there already: max_participants={most} cannot hold for it.").format(
            room=room, most=most
        ),
        has + " " + _("A room gets its limit from the first one who joins."),
        _("Leave max_participants out, or use another name."),
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


def server_gone_error(url: str, within_s: float) -> CallError:
    """Return the error for a server that ends while a room is on it, and does not come back."""
    return CallError(
        _("The LiveKit server {url} is gone.").format(url=url),
        _("It ended, and was not back within {seconds:g} s.").format(seconds=within_s),
        _("Start the server again, and then the room."),
    )


def lost_error(name: str, tracks: Iterable[str], why: str) -> CallError:
    """Return the error for somebody whose connection has ended while others go on.

    Args:
        name: Who.
        tracks: What came by that connection, where it was not the only one; else nothing.
        why: As that end has seen it.
    """
    what = _("{name} has lost the connection to the server.").format(name=name)
    if tracks:
        what = _("{name} has lost the connection that brought {tracks}.").format(
            name=name, tracks=", ".join(tracks)
        )
    return CallError(
        what, why, _("The others go on; “await room.leave({name!r})” tells them.").format(name=name)
    )


def all_lost_error(why: str) -> CallError:
    """Return the error for a room in which nobody has a connection any more.

    Args:
        why: How the last one ended.
    """
    return CallError(
        _("Nobody in the room has a connection to the server any more."),
        why,
        _("Try less loss, or a higher rate_kbps, and start again."),
    )


def not_back_error(name: str, error: LabError) -> CallError:
    """Return the error for somebody who does not get back into the room."""
    return CallError(
        _("The server is back, but {name} could not join again.").format(name=name),
        " ".join(part for part in (error.what, error.why) if part),
        _("Close the room, and start it again."),
    )


def taken_error(name: str) -> BadValue:
    """Return the error for a name that somebody in the room has already."""
    return BadValue(
        _("Somebody in this room is called {name!r} already.").format(name=name),
        _("On a LiveKit server the second one of a name throws the first one out."),
        _("Use another name, or let that one leave first."),
    )


def nobody_error(name: str, names: Iterable[str]) -> BadValue:
    """Return the error for a name that nobody in the room has."""
    return BadValue(
        _("Nobody in this room is called {name!r}.").format(name=name),
        next_step=_("Use one of: {names}.").format(names=", ".join(names)),
    )


def last_error(name: str) -> CallError:
    """Return the error for the last one who wants to leave."""
    return CallError(
        _("{name} is the last one in this room.").format(name=name),
        next_step=_("Use “await room.close()”."),
    )


def late_error(engine: str) -> BadValue:
    """Return the error for a kind of participant that cannot come while a room runs."""
    return BadValue(
        _("A participant with engine={engine!r} cannot come later.").format(engine=engine),
        next_step=_("Name it in lab.room(…), so that it is there from the start."),
    )


def sent_out_error(name: str) -> CallError:
    """Return the error for somebody who was let go, or whose room was closed, on the way in."""
    return CallError(_("{name} had to leave before it was in the room.").format(name=name))
