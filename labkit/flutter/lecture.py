"""The twelve snippets of the lecture, in its order."""

from __future__ import annotations

from labkit.flutter.lecturerooms import room_snippets
from labkit.flutter.snippet import Message, Snippet, Snippets, Wrong
from labkit.words import _

__all__ = ["snippets"]


def snippets(*keys: str) -> Snippets:
    """Return the lecture's Dart, beside today's code and beside Python.

    Args:
        keys: Names of the snippets that are wanted; all of them without any.

    Raises:
        BadValue: A key is not one of them.

    Notebook: notebooks/11-flutter.ipynb
    """
    every = Snippets([*_joining(), *_seeing(), *room_snippets()])
    return Snippets([every[key] for key in keys]) if keys else every


def _joining() -> list[Snippet]:
    return [_dependency(), _connect(), _token(), _camera()]


def _seeing() -> list[Snippet]:
    return [_people(), _events(), _track(), _renderer()]


def _dependency() -> Snippet:
    return Snippet(
        key="dependency",
        section="4.1",
        title=_("The version in pubspec.yaml"),
        language="yaml",
        wrong=(
            Wrong(
                "livekit_client: ^0.5.0",
                "outdated",
                _(
                    "A caret below 1.0 holds the middle number: this gets 0.5.9 of April 2022 and "
                    "never anything newer. Its API is another one; 2.0.0 broke it on purpose. "
                    "Version 2.11.0 is of 11 August 2026 and needs Dart 3.10 and Flutter 3.38."
                ),
            ),
        ),
        note=_("Nothing of this lab's Dart is compiled here: only a Flutter SDK can do that."),
    )


def _connect() -> Snippet:
    return Snippet(
        key="connect",
        section="3.1",
        title=_("Connecting to the server"),
        beside="join",
        wrong=(
            Wrong(
                "LivekitClient",
                "never existed",
                _("The class is written LiveKitClient."),
                instead="LiveKitClient",
            ),
            Wrong(
                "LiveKitClient.connect",
                "removed",
                _(
                    "It took the address and the token by place, not by name, and returned a Room. "
                    "Today you make the Room and connect it."
                ),
                instead="Room.connect",
                since="2.0.0",
            ),
            Wrong(
                "client",
                "mistaken",
                _("There is no client object: connecting is joining, one Room is one call."),
                instead="Room",
            ),
        ),
        messages=(
            Message("client", "GET /rtc", _("or /rtc/v1: a WebSocket is opened, with the token")),
            Message("server", "join", _("the room, who you are, who is there, ICE servers")),
            Message("server", "offer", _("or answer: the SDP of the media connection")),
            Message("client", "trickle", _("ICE candidates, both ways")),
        ),
    )


def _token() -> Snippet:
    return Snippet(
        key="token",
        section="3.1",
        title=_("Naming the room and yourself"),
        beside="ask_for_token",
        wrong=(
            Wrong(
                "joinRoom",
                "never existed",
                _(
                    "Room, identity and name are claims inside the token. Only the backend, which "
                    "has the secret, can write them: the app asks its token endpoint."
                ),
                instead="EndpointTokenSource.fetch",
            ),
            Wrong(
                "participantName",
                "misused",
                _("It is no argument of a join, but of the question to the token endpoint."),
                instead="TokenRequestOptions.participantName",
                since="2.5.4",
            ),
            Wrong(
                "your-auth-token",
                "mistaken",
                _("A token is not pasted into an app: it is short-lived and for one person."),
                instead="TokenSourceResponse.participantToken",
            ),
        ),
        messages=(
            Message(
                "backend",
                "POST /token",
                _("room_name, participant_name; answered by server_url, participant_token"),
            ),
        ),
    )


def _camera() -> Snippet:
    return Snippet(
        key="camera",
        section="3.1",
        title=_("Switching the camera on"),
        beside="publish_camera",
        wrong=(
            Wrong(
                "RoomOptions",
                "misused",
                _(
                    "It holds defaults (capture sizes, codecs, adaptiveStream, dynacast) and "
                    "switches nothing on. The camera is published by setCameraEnabled, or at once "
                    "by fastConnectOptions of connect."
                ),
                instead="LocalParticipant.setCameraEnabled",
            ),
        ),
        messages=(
            Message("client", "add_track", _("I will publish a camera of this size")),
            Message("server", "track_published", _("allowed, and this is its id")),
            Message("client", "offer", _("the media connection gets a new section")),
            Message("server", "answer", _("and the server takes it")),
            Message("server", "update", _("the others read that you have a camera now")),
        ),
    )


def _people() -> Snippet:
    return Snippet(
        key="people",
        section="3.1",
        title=_("Who is in the room"),
        beside="people",
        wrong=(
            Wrong(
                "room.participants",
                "renamed",
                _(
                    "It is a map from identity to person and holds the others alone; you are "
                    "localParticipant, which is null before you have joined."
                ),
                instead="Room.remoteParticipants",
                since="2.0.0",
            ),
        ),
        messages=(
            Message("server", "join", _("has all who are there when you come")),
            Message("server", "update", _("tells of every change after that")),
        ),
    )


def _events() -> Snippet:
    return Snippet(
        key="events",
        section="3.1",
        title=_("Being told that somebody came"),
        beside="listen",
        wrong=(
            Wrong(
                "onParticipantJoined",
                "never existed",
                _(
                    "A room has one stream of events; a listener picks a kind by its type. "
                    "Dispose of the listener when you are done."
                ),
                instead="ParticipantConnectedEvent",
            ),
            Wrong(
                _("the order"),
                "mistaken",
                _(
                    "The printed code joins first and listens afterwards, and no event comes for "
                    "those who were there before: go through remoteParticipants as well."
                ),
                instead="EventsEmittable.createListener",
            ),
        ),
        messages=(Message("server", "update", _("somebody's state is now ACTIVE")),),
        note=_(
            "Be patient with those who only watch: the server collects news of people who publish "
            "nothing, and tells it up to 3 seconds late."
        ),
    )


def _track() -> Snippet:
    return Snippet(
        key="track",
        section="3.2, 4.3",
        title=_("Getting somebody's video"),
        beside="camera_of",
        wrong=(
            Wrong(
                "videoTracks",
                "renamed",
                _(
                    "It holds publications, not tracks: a publication says that a camera exists, "
                    "its track is null until you are subscribed. Muted cameras keep theirs."
                ),
                instead="Participant.videoTrackPublications",
                since="2.0.0",
            ),
            Wrong(
                ".first.then",
                "mistaken",
                _(
                    "first of a list is a value, not a Future, and throws when the list is empty. "
                    "A track that comes later is told by TrackSubscribedEvent."
                ),
                instead="TrackSubscribedEvent",
            ),
        ),
        messages=(
            Message("server", "offer", _("or media_sections_requirement: room for the track")),
            Message("client", "answer", _("or offer, which the server answers; then packets flow")),
        ),
    )


def _renderer() -> Snippet:
    return Snippet(
        key="renderer",
        section="3.2",
        title=_("Showing it"),
        beside="first_picture",
        wrong=(
            Wrong(
                "VideoViewWidget",
                "never existed",
                _("The widget takes the track by place and fits it by an enum of its own."),
                instead="VideoTrackRenderer",
            ),
            Wrong(
                "BoxFit.cover",
                "misused",
                _("That is Flutter's enum for pictures; the renderer's is VideoViewFit."),
                instead="VideoViewFit.cover",
                since="2.4.9",
            ),
            Wrong(
                "late VideoTrack videoTrack",
                "mistaken",
                _(
                    "A late variable that is read before it is set throws; it is never null. "
                    "Write VideoTrack?, or ask each time, as here. A track has no “track” inside."
                ),
                instead="VideoTrack",
            ),
        ),
        messages=(
            Message(
                "client",
                "track_setting",
                _("with adaptiveStream: how large it is shown, so which layer is wanted"),
            ),
        ),
    )
