"""What each of the lecture's Dart snippets does, in Python: short, and run by the tests.

A person's half uses ``livekit.rtc`` (the SDK of an app), the backend's half ``livekit.api``. The
bodies of these functions are what chapter 11 shows beside the Dart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
from livekit import api, rtc

__all__ = [
    "add_participant",
    "ask_for_token",
    "camera_of",
    "create_room",
    "first_picture",
    "join",
    "leave",
    "listen",
    "people",
    "publish_camera",
]

WAIT_S = 10.0


async def join(server_url: str, token: str) -> rtc.Room:
    """Join the room that the token names, and subscribe to all that is published there.

    Args:
        server_url: The server's ``ws://`` address.
        token: From the token endpoint.

    Raises:
        livekit.rtc.ConnectError: The server refused, or was not there.
    """
    room = rtc.Room()
    await room.connect(server_url, token)
    return room


async def ask_for_token(endpoint: str, id_token: str, room_name: str, name: str) -> tuple[str, str]:
    """Ask the backend for a room token, as LiveKit's SDKs ask.

    Args:
        endpoint: Address of the token endpoint.
        id_token: Who you are, signed by who signed you in (Firebase, Supabase, ...).
        room_name: The room that is wanted.
        name: What others will read.

    Returns:
        The server's address and the room token.

    Raises:
        aiohttp.ClientResponseError: The backend refused.
    """
    wanted = {"room_name": room_name, "participant_name": name}
    headers = {"Authorization": f"Bearer {id_token}"}
    async with aiohttp.ClientSession(raise_for_status=True) as session:
        async with session.post(endpoint, json=wanted, headers=headers) as answer:
            said = await answer.json()
    return said["server_url"], said["participant_token"]


async def publish_camera(room: rtc.Room) -> rtc.VideoSource:
    """Publish a camera whose pictures are handed to the source that is returned.

    Args:
        room: A room that was joined with the right to publish.

    Raises:
        livekit.rtc.PublishTrackError: The token does not allow it; said after 10 s.
    """
    source = rtc.VideoSource(640, 480)
    track = rtc.LocalVideoTrack.create_video_track("camera", source)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA)
    await room.local_participant.publish_track(track, options)
    return source


def people(room: rtc.Room) -> list[str]:
    """Return the identities of the others in the room."""
    return [someone.identity for someone in room.remote_participants.values()]


def listen(room: rtc.Room, joined: Callable[[str], None]) -> None:
    """Call ``joined`` with the identity of everyone who is there and who comes."""
    for someone in room.remote_participants.values():
        joined(someone.identity)  # there before us: no event will come
    room.on("participant_connected", lambda someone: joined(someone.identity))


def camera_of(someone: rtc.RemoteParticipant) -> rtc.Track | None:
    """Return someone's camera, or None while it is missing, muted or not subscribed yet."""
    for publication in someone.track_publications.values():
        if publication.source == rtc.TrackSource.SOURCE_CAMERA and not publication.muted:
            return publication.track  # None until it is subscribed
    return None


async def first_picture(track: rtc.Track) -> rtc.VideoFrame:
    """Return the next picture of a subscribed track.

    Raises:
        TimeoutError: None came within 10 s.
    """
    stream = rtc.VideoStream(track, capacity=1)
    try:
        async with asyncio.timeout(WAIT_S):
            return (await anext(stream)).frame
    finally:
        await stream.aclose()


async def create_room(livekit: api.LiveKitAPI, name: str) -> api.Room:
    """Create a room for two: the backend's right, not a person's.

    Args:
        livekit: The server's API, with the backend's key and secret.
        name: Name of the room.
    """
    wanted = api.CreateRoomRequest(name=name, max_participants=2)
    return await livekit.room.create_room(wanted)


def add_participant(key: str, secret: str, room_name: str, identity: str) -> str:
    """Return a token with which someone may join: all the adding there is.

    Args:
        key: The backend's API key.
        secret: The backend's API secret, which never leaves it.
        room_name: The room.
        identity: Who the token is for.
    """
    grants = api.VideoGrants(room_join=True, room=room_name)
    return api.AccessToken(key, secret).with_identity(identity).with_grants(grants).to_jwt()


async def leave(room: rtc.Room) -> None:
    """Leave, so that the others are told at once."""
    await room.disconnect()
