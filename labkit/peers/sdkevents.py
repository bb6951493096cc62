"""The LiveKit SDK's events, as events of a Run."""

from __future__ import annotations

from typing import Any

from livekit import rtc

__all__ = ["EVENTS", "detail_of", "track_name"]

EVENTS = (
    "active_speakers_changed",
    "connected",
    "connection_quality_changed",
    "connection_state_changed",
    "data_track_published",
    "data_track_unpublished",
    "disconnected",
    "e2ee_state_changed",
    "local_track_published",
    "local_track_republished",
    "local_track_subscribed",
    "local_track_unpublished",
    "moved",
    "participant_active",
    "participant_attributes_changed",
    "participant_connected",
    "participant_disconnected",
    "participant_encryption_status_changed",
    "participant_metadata_changed",
    "participant_name_changed",
    "participant_permissions_changed",
    "reconnected",
    "reconnecting",
    "room_metadata_changed",
    "track_muted",
    "track_published",
    "track_subscribed",
    "track_subscription_failed",
    "track_unmuted",
    "track_unpublished",
    "track_unsubscribed",
)
"""What is written down; what comes with every packet or token is not."""

_ENUMS = {
    "connection_quality_changed": rtc.ConnectionQuality,
    "connection_state_changed": rtc.ConnectionState,
    "disconnected": rtc.DisconnectReason,
    "e2ee_state_changed": rtc.EncryptionState,
}


def track_name(identity: str, publication: Any) -> str:
    """Return how a participant's track is called in a Run, for instance ``alice:video``.

    Args:
        identity: Who publishes it.
        publication: The SDK's publication of it.
    """
    if publication.source == rtc.TrackSource.SOURCE_SCREENSHARE:
        return f"{identity}:screen"
    return f"{identity}:{'video' if publication.kind == rtc.TrackKind.KIND_VIDEO else 'audio'}"


def detail_of(name: str, arguments: tuple[Any, ...]) -> dict[str, Any]:
    """Return what an event says, as plain values.

    Args:
        name: One of ``EVENTS``.
        arguments: What its handler was given.
    """
    detail: dict[str, Any] = {}
    for argument in arguments:
        detail.update(_plain(name, argument))
    return detail


def _plain(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, int) and not isinstance(value, bool) and name in _ENUMS:
        return {name.partition("_changed")[0]: _enum_name(_ENUMS[name], value)}
    if isinstance(value, rtc.Participant):
        return {"participant": value.identity}
    if isinstance(value, rtc.TrackPublication):
        kind = "video" if value.kind == rtc.TrackKind.KIND_VIDEO else "audio"
        about = {"track": value.name, "sid": value.sid, "kind": kind, "codec": value.mime_type}
        return {key: text for key, text in about.items() if text}
    if isinstance(value, list):
        return {"participants": [each.identity for each in value]}
    if isinstance(value, dict):
        return {"changed": {str(key): str(text) for key, text in value.items()}}
    if hasattr(value, "can_publish"):
        return {"permissions": {f.name: v for f, v in value.ListFields() if isinstance(v, bool)}}
    if isinstance(value, bool):
        return {"is": value}
    if isinstance(value, str):
        return {"said": value}
    return {}


def _enum_name(enum: Any, value: int) -> str:
    text: str = enum.Name(value) if hasattr(enum, "Name") else enum(value).name
    return text
