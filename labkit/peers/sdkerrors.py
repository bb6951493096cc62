"""What the LiveKit SDK says when it fails, in words that say what to do."""

from __future__ import annotations

from labkit.errors import CallError, LabError, WaitTimeout
from labkit.rooms.hiding import hide_tokens
from labkit.words import _

__all__ = [
    "SOMEBODYS_WISH",
    "is_refusal",
    "join_error",
    "join_timeout",
    "left_error",
    "may_not_error",
    "publish_error",
]

SOMEBODYS_WISH = frozenset(
    {
        "CLIENT_INITIATED",
        "DUPLICATE_IDENTITY",
        "MIGRATION",
        "PARTICIPANT_REMOVED",
        "ROOM_CLOSED",
        "ROOM_DELETED",
    }
)
"""Reasons of a disconnection that somebody wanted: no failure of the call."""


def is_refusal(said: str) -> bool:
    """Return whether the server refused without a reason: a full room looks like that."""
    return "500 Internal Server Error" in said


def join_error(name: str, said: str, reason: str = "") -> CallError:
    """Return the error for what ``connect`` raised.

    Args:
        name: The participant.
        said: The SDK's own words; tokens in them are cut out.
        reason: What asking the server has shown, for instance that the room is full.
    """
    what = _("{name} could not join the room.").format(name=name)
    for sign, why, next_step in _join_reasons(reason):
        if sign in said:
            return CallError(what, why, next_step)
    return CallError(what, _("The SDK says: {words}.").format(words=hide_tokens(said).rstrip(".")))


def _join_reasons(reason: str) -> tuple[tuple[str, str, str], ...]:
    token = _("Make a new token with the key and secret of this server.")
    address = _("Check the address, and whether the server is running.")
    return (
        ("500 Internal", reason or _("The server refused without a reason: it may be full."), ""),
        ("token is expired", _("The token has expired."), token),
        ("signature is invalid", _("The token was signed with another secret."), token),
        ("invalid API key", _("The server does not know the key that the token names."), token),
        ("permissions denied", _("The token does not give the right to join a room."), token),
        ("401 Unauthorized", _("The server does not accept the token."), token),
        (
            "requested room does not exist",
            _("The room does not exist, and this server makes none by itself."),
            _("Create it first, or let the token carry the right room_create=True."),
        ),
        ("404 Not Found", _("There is no LiveKit server at this address."), address),
        ("502 Bad Gateway", _("The LiveKit server does not answer."), address),
        ("Connection refused", _("Nothing listens at this address."), address),
        ("os error 10061", _("Nothing listens at this address."), address),
        ("InvalidContentType", _("The server speaks ws://, not wss://."), address),
        ("failed to parse the url", _("The address is none."), address),
        ("wait_pc_connection timed out", *_no_way()),
    )


def _no_way() -> tuple[str, str]:
    return (
        _("The signaling worked, but no datagram came through."),
        _("Try less loss on the link. With relay_only, the server needs TURN."),
    )


def join_timeout(name: str, within_s: float, *, relay_only: bool) -> WaitTimeout:
    """Return the error for a ``connect`` that did not end."""
    why, next_step = _no_way()
    if relay_only:
        why = _("Only a relay may be used, and none was found.")
        next_step = _("Start the server with TURN, for instance lab.livekit(turn=True).")
    what = _("{name} could not join within {seconds:g} s.").format(name=name, seconds=within_s)
    return WaitTimeout(what, why, next_step)


def may_not_error(name: str, kind: str) -> CallError:
    """Return the error for a track that the token gives no right to."""
    return CallError(
        _("{name} has no right to publish {kind}.").format(name=name, kind=kind),
        _("The token, or a change of the rights since, does not allow it."),
        _("Give the token can_publish=True, and the source in can_publish_sources if it has any."),
    )


def publish_error(name: str, kind: str, said: str) -> LabError:
    """Return the error for what ``publish_track`` raised.

    The server answers a track without permission, and the SDK does not listen: after 10 s it
    says that nothing came.
    """
    if "timed out" in said:
        return may_not_error(name, kind)
    return CallError(
        _("{name} could not publish {kind}.").format(name=name, kind=kind),
        _("The SDK says: {words}.").format(words=hide_tokens(said).rstrip(".")),
    )


def left_error(name: str, reason: str) -> CallError:
    """Return the error for a participant that was disconnected and did not want to be."""
    told = {
        "SERVER_SHUTDOWN": _("The server was shut down."),
        "STATE_MISMATCH": _("The server does not remember this participant."),
        "JOIN_FAILURE": _("No datagram came through."),
        "SIGNAL_CLOSE": _("The signaling connection was closed."),
        "CONNECTION_TIMEOUT": _("Nothing came from the server any more."),
        "MEDIA_FAILURE": _("The media connection failed."),
        "UNKNOWN_REASON": _("The server is gone; the SDK has given up coming back."),
    }
    return CallError(
        _("{name} is not in the room any more.").format(name=name),
        told.get(reason, reason),
        _("Join again once the server answers."),
    )
