"""Participants of a room, described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labkit.experiments.roomspec import BROWSER, CLEAN, Participant
from labkit.media.page import page_media
from labkit.net import Link

if TYPE_CHECKING:
    from labkit.media.film import Film

__all__ = ["described", "participant"]


def participant(
    name: str,
    *,
    engine: str = "labkit",
    video: Any = None,
    audio: Any = None,
    uplink: Link = CLEAN,
    downlink: Link = CLEAN,
    codec: str = "vp8",
    jitter_buffer: str | type[Any] = "marker",
    subscribe: bool = True,
    grants: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    film: Film | None = None,
) -> Participant:
    """Describe somebody who will be in a room.

    Args:
        name: Its identity in the room, and its name in the Run.
        engine: ``labkit`` (aiortc by WHIP: exact stamps) or ``livekit`` (LiveKit's SDK: what an
            app uses). A labkit participant receives later publishers by a second connection.
            ``browser`` is the page that shows ``room.page(name)``: it receives what is there
            when it comes.
        video: Video source to publish; of a page True, constraints as in ``getUserMedia``,
            ``"camera"`` or ``"test picture"``.
        audio: Audio source to publish; of a page as ``video``.
        uplink: Link from here to the server.
        downlink: Link from the server to here.
        codec: ``vp8`` or ``h264``; with the SDK also ``vp9``, ``av1``, ``h265``.
        jitter_buffer: ``marker``, ``stock`` or a class; the SDK and browsers have their own.
        subscribe: Whether it receives what others publish.
        grants: Rights of its token by their names in ``livekit.api.VideoGrants``, for instance
            ``{"can_publish": False}``. Who may not subscribe receives nothing.
        options: Options of the SDK, for instance ``{"simulcast": False}``.
        film: Where to write what it receives, until the room is closed; None for nowhere.

    Raises:
        BadValue: An argument is not allowed.
    """
    if engine == BROWSER:
        video, audio = page_media("video", video), page_media("audio", audio)
    return Participant(
        name=name,
        engine=engine,
        video=video,
        audio=audio,
        uplink=uplink,
        downlink=downlink,
        codec=codec,
        jitter_buffer=jitter_buffer,
        subscribe=subscribe,
        grants=grants or {},
        options=options or {},
        film=film,
    )


def described(given: tuple[str | Participant, ...]) -> tuple[Participant, ...]:
    """Return everybody as a description; somebody publishes where a name can."""
    silent = not any(isinstance(one, Participant) and one.sends for one in given)
    everybody = []
    for one in given:
        if not isinstance(one, Participant):
            from labkit.media import TestPattern

            one = participant(one, video=TestPattern() if silent else None)
            silent = False
        everybody.append(one)
    return tuple(everybody)
