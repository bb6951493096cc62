"""What a participant of a room can be; the rest is refused in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue
from labkit.experiments.choices import CODECS, check_choice
from labkit.media.audio import check_audio_source
from labkit.media.page import page_media
from labkit.media.sources import check_video_source
from labkit.net import Link
from labkit.peers.sdkoptions import CODECS as SDK_CODECS
from labkit.peers.sdkoptions import SdkOptions
from labkit.rooms.tokens import check_grants
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.roomspec import Participant

__all__ = ["BROWSER", "ENGINES", "SFU", "check_participant"]

BROWSER = "browser"

ENGINES = ("labkit", "livekit", BROWSER)
"""aiortc by WHIP, the measuring instrument; LiveKit's own SDK, what an app uses; a web page."""

SFU = "sfu"


def check_participant(one: Participant) -> None:
    """Refuse a participant that cannot be.

    Raises:
        BadValue: It cannot be like that; the text says why.
    """
    _check_name(one.name)
    check_choice("engine", one.engine, ENGINES)
    _check_links(one)
    _check_media(one)
    _check_rights(one)
    if one.engine != "livekit" and one.options:
        raise BadValue(
            _("options={options!r} is for the SDK.").format(options=dict(one.options)),
            next_step=_('Use engine="livekit", or leave it out.'),
        )
    if one.film is not None and (one.engine != "labkit" or one.sends or not one.receives):
        raise BadValue(
            _("{name} cannot make a film.").format(name=one.name),
            _("Who films joins by WHIP, publishes nothing, subscribes, and may do so."),
            _('Use engine="labkit" and no video or audio of its own.'),
        )


def _check_links(one: Participant) -> None:
    for name, link in (("uplink", one.uplink), ("downlink", one.downlink)):
        if not isinstance(link, Link):
            raise BadValue(
                _("{name}={link!r} is not a Link.").format(name=name, link=link),
                next_step=_("Use for instance {name}=Link(delay_ms=50).").format(name=name),
            )
    if one.relay_only and (one.uplink, one.downlink) != (Link(), Link()):
        raise BadValue(
            _("{name}'s links cannot be bent.").format(name=one.name),
            _("With relay_only the media go through a TURN server, round the lab's own relay."),
            _("Leave out the links, or relay_only."),
        )


def _check_media(one: Participant) -> None:
    if one.engine == BROWSER:
        page_media("video", one.video)
        page_media("audio", one.audio)
        check_choice("codec", one.codec, CODECS)
        return
    check_choice("codec", one.codec, CODECS if one.engine == "labkit" else SDK_CODECS)
    if one.video is not None:
        check_video_source(one.video)
    if one.audio is not None:
        check_audio_source(one.audio)


def _check_rights(one: Participant) -> None:
    if one.grants:
        check_grants(one.grants)
    if one.engine == "livekit":
        SdkOptions.of(one.options)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not re.fullmatch(r"[\w .-]{1,40}", name) or "->" in name:
        raise BadValue(
            _("{name!r} is no name for a participant.").format(name=name),
            next_step=_("Use up to 40 letters and digits, for instance “alice”."),
        )
    if name == SFU:
        raise BadValue(_("“{name}” is the server's own name.").format(name=SFU))
