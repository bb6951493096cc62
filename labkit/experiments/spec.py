"""What a call is made of, as plain data that travels to the worker."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue
from labkit.experiments.choices import (
    CODECS,
    PLACES,
    check_choice,
    check_jitter_buffer,
    check_seed,
)
from labkit.media.audio import check_audio_source
from labkit.media.page import PageMedia
from labkit.media.sources import check_video_source
from labkit.net import Link
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.session import Session
    from labkit.net.relay_handle import Relay
    from labkit.peers.clock import Clock

__all__ = ["ENGINES", "CallSpec", "link_pair"]

ENGINES = ("labkit",)
SIGNALING = ("memory", "comm")

CLEAN = Link()


@dataclass(frozen=True)
class CallSpec:
    """A call between two peers, described and checked, not yet started."""

    video: Any = None
    "Video source from the first peer to the second."
    audio: Any = None
    back_video: Any = None
    "Video source from the second peer to the first."
    back_audio: Any = None
    forward: Link = CLEAN
    "The link from the first peer to the second."
    back: Link = CLEAN
    codec: str = "vp8"
    jitter_buffer: str | type[Any] = "marker"
    engine: str = "labkit"
    signaling: str = "memory"
    place: str = "worker"
    seed: int = 1
    names: tuple[str, str] = ("alice", "bob")
    remote: str | None = None
    "The one of the two that lives in a web page."

    def __post_init__(self) -> None:
        check_choice("engine", self.engine, ENGINES)
        check_choice("place", self.place, PLACES)
        check_choice("signaling", self.signaling, SIGNALING)
        check_choice("codec", self.codec, CODECS)
        check_jitter_buffer(self.jitter_buffer)
        check_seed(self.seed)
        if all(source is None for source in self.sources().values()):
            raise BadValue(
                _("This call sends nothing."), next_step=_("Give it video=TestPattern().")
            )
        for name, source in self.sources().items():
            if source is not None and not isinstance(source, PageMedia):
                check = check_video_source if name.endswith("video") else check_audio_source
                check(source)

    @property
    def directions(self) -> tuple[str, str]:
        """Names of the two directions, forward first."""
        first, second = self.names
        return f"{first}->{second}", f"{second}->{first}"

    def sources(self) -> dict[str, Any]:
        """Return the sources by argument name."""
        return {
            "video": self.video,
            "audio": self.audio,
            "back_video": self.back_video,
            "back_audio": self.back_audio,
        }

    @property
    def links(self) -> dict[str, Link]:
        """The links by direction."""
        return dict(zip(self.directions, (self.forward, self.back), strict=True))

    @property
    def measured(self) -> tuple[str, str]:
        """Sender and receiver of the direction that a figure is about unless told otherwise."""
        first, second = self.names
        forward = self.video is not None or self.audio is not None
        return (first, second) if forward else (second, first)

    def with_links(self, links: Mapping[str, Link]) -> CallSpec:
        """Return the same call over other links."""
        forward, back = self.directions
        return replace(self, forward=links[forward], back=links[back])

    def session(self, relay: Relay, clock: Clock, notify: Callable[[str, Any], None]) -> Session:
        """Return the session that runs this call, in the process that is to carry it."""
        from labkit.experiments.session import Session

        return Session(self, relay, clock, notify)

    def asked(self) -> dict[str, Any]:
        """Return what is asked for, for the Run's ``meta``."""
        buffer = self.jitter_buffer
        asked: dict[str, Any] = {
            name: None if source is None else source.describe()
            for name, source in self.sources().items()
        }
        asked["link"] = {name: link.to_dict() for name, link in self.links.items()}
        asked["codec"] = self.codec
        asked["jitter_buffer"] = buffer if isinstance(buffer, str) else buffer.__name__
        asked["signaling"] = self.signaling
        json.dumps(asked)  # it must be plain data
        return asked


def link_pair(link: Any) -> tuple[Link, Link]:
    """Return the links forward and back from a call's ``link`` argument.

    Args:
        link: One Link for both directions, a pair of them, or None for clean links.

    Raises:
        BadValue: It is none of these.
    """
    if link is None:
        return Link(), Link()
    if isinstance(link, Link):
        return link, link
    if isinstance(link, (tuple, list)) and len(link) == 2:
        forward, back = (Link() if one is None else one for one in link)
        if isinstance(forward, Link) and isinstance(back, Link):
            return forward, back
    raise BadValue(
        _("link={link!r} is not a Link.").format(link=link),
        next_step=_("Use Link(delay_ms=50) for both directions, or a pair (there, back)."),
    )
