"""What each claim of a room token means, in words."""

from __future__ import annotations

from labkit.words import _

__all__ = ["meaning"]


def meaning(claim: str) -> str:
    """Return what a claim means; empty for one that the lab does not know.

    Args:
        claim: Its name with the names around it, for instance ``video.canPublish``.
    """
    if claim.startswith("attributes."):
        return _("An attribute of the participant, which everybody in the room can read.")
    if claim.startswith("roomConfig."):
        return _room_config().get(claim.removeprefix("roomConfig."), _("A setting of the room."))
    if claim.startswith("video."):
        return _grants().get(claim.removeprefix("video."), "")
    return _plain().get(claim, "")


def _plain() -> dict[str, str]:
    return {
        "header.alg": _("How the token is signed; HS256 uses one secret to sign and to check."),
        "header.typ": _("That this is a token (JSON Web Token, RFC 7519)."),
        "header.kid": _("Which key has signed, where there are several."),
        "iss": _("Who made the token: for LiveKit, the name of the API key."),
        "sub": _("Whom the token is for: for LiveKit, the participant's identity."),
        "aud": _("Which service the token is for."),
        "exp": _("When it expires; LiveKit gives a minute more."),
        "nbf": _("Before this time it does not count."),
        "iat": _("When it was made."),
        "name": _("The name that others see."),
        "metadata": _("A text about the participant, which everybody in the room can read."),
        "kind": _("What the participant is; agents do not count towards the room's limit."),
        "role": _("For Supabase, whether the user has signed in."),
        "email": _("The user's address, as the identity provider knows it."),
        "roomPreset": _("Name of settings in the server's own file, for a room made by joining."),
        "sha256": _("Fingerprint of a request's body, in the server's own messages."),
    }


def _grants() -> dict[str, str]:
    return {
        "room": _("The room that the rights are for."),
        "roomJoin": _("May join the room."),
        "roomCreate": _("May make and delete rooms: a backend's right."),
        "roomList": _("May list all rooms: a backend's right."),
        "roomAdmin": _("May list, mute, remove and change others in the room: a backend's right."),
        "roomRecord": _("May start recordings: a backend's right."),
        "canPublish": _("May publish tracks."),
        "canPublishSources": _("Which kinds of tracks may be published; stands above canPublish."),
        "canPublishData": _("May send data and text."),
        "canSubscribe": _("May receive tracks of others."),
        "canUpdateOwnMetadata": _(
            "May change its own metadata and attributes; without it, a change is silently ignored."
        ),
        "hidden": _("Is not shown to others."),
        "recorder": _("Is a recorder (old)."),
        "agent": _("May register as an agent."),
        "destinationRoom": _("The room to which participants may be forwarded."),
        "ingressAdmin": _("May manage ingress: a backend's right."),
        "canSubscribeMetrics": _("May receive measurements of others."),
        "canManageAgentSession": _("May manage an agent's session."),
    }


def _room_config() -> dict[str, str]:
    return {
        "maxParticipants": _("Most people in the room, where joining makes it."),
        "emptyTimeout": _("Seconds that the room is kept before anybody joins."),
        "departureTimeout": _("Seconds that the room is kept after the last one left."),
        "name": _("Name of the settings."),
        "metadata": _("A text about the room."),
    }
