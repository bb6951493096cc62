"""The lecture's snippets about rooms, and the screens of its practical task."""

from __future__ import annotations

from labkit.flutter.snippet import Message, Snippet, Wrong
from labkit.words import _

__all__ = ["room_snippets"]


def room_snippets() -> list[Snippet]:
    """Return the snippets of 3.3, 4.2 and 4.4."""
    return [_create_room(), _add_participant(), _screen(), _interface()]


def _create_room() -> Snippet:
    return Snippet(
        key="create_room",
        section="3.3",
        title=_("Creating a room"),
        beside="create_room",
        wrong=(
            Wrong(
                "createRoom",
                "never existed",
                _(
                    "An app cannot create rooms: the server's API can, with a right that only the "
                    "backend has. A room also appears by itself when the first person joins it."
                ),
                instead="TokenRequestOptions.roomName",
            ),
            Wrong(
                "RoomOptions(maxParticipants: 10)",
                "misused",
                _(
                    "How many may join is said by the backend, in CreateRoom or in the token's "
                    "roomConfig. RoomOptions are this app's own settings."
                ),
                instead="RoomConfiguration.maxParticipants",
            ),
        ),
        messages=(
            Message(
                "backend",
                "CreateRoom",
                _("name, max_participants; nothing of it goes over the app's WebSocket"),
            ),
        ),
        note=_("The server says no more than “500” to the one who is too many: ask the backend."),
    )


def _add_participant() -> Snippet:
    return Snippet(
        key="add_participant",
        section="3.3",
        title=_("Adding somebody"),
        beside="add_participant",
        wrong=(
            Wrong(
                "addParticipant",
                "never existed",
                _(
                    "Nobody can be put into a room. People join, each with a token of their own; "
                    "the backend decides who gets one, and can remove people."
                ),
                instead="TokenRequestOptions",
            ),
        ),
        messages=(Message("server", "update", _("when the other has joined, all are told")),),
    )


def _screen() -> Snippet:
    return Snippet(
        key="screen",
        section="4.2",
        title=_("A screen that joins"),
        beside="leave",
        wrong=(
            Wrong(
                "late Room room",
                "mistaken",
                _(
                    "build runs before connecting is done: reading it then throws. A Room can be "
                    "made at once, before it is connected."
                ),
                instead="Room",
                since="0.5.5",
            ),
            Wrong(
                "connectToLiveKit()",
                "mistaken",
                _(
                    "Its errors go nowhere: a wrong token or a full room shows “Connecting...” for "
                    "ever. And setState after the screen was left throws: ask mounted first."
                ),
                instead="ConnectException",
            ),
            Wrong(
                _("what is missing"),
                "mistaken",
                _(
                    "Nothing leaves the room: the camera stays on, and the others see you until "
                    "the server gives up waiting."
                ),
                instead="Room.disconnect",
            ),
        ),
        messages=(Message("client", "leave", _("the others are told at once")),),
    )


def _interface() -> Snippet:
    return Snippet(
        key="interface",
        section="4.4",
        title=_("Both pictures on the screen"),
        wrong=(
            Wrong(
                "room.participants.first",
                "renamed",
                _(
                    "A map has no first; its values have, and throw when the room is empty. Your "
                    "own picture is that of localParticipant."
                ),
                instead="Room.localParticipant",
                since="2.0.0",
            ),
            Wrong(
                "Participant(name: ...)",
                "misused",
                _("Participant is abstract: only the SDK makes people, from what the server says."),
                instead="RemoteParticipant",
            ),
            Wrong(
                "addParticipant",
                "never existed",
                _("So there is no button for it. What a call needs is one for leaving."),
                instead="Room.disconnect",
            ),
        ),
        messages=(
            Message("client", "track_setting", _("one for each picture of another that is shown")),
            Message("client", "leave", _("from the button")),
        ),
    )
