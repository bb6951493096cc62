"""What a mesh or an MCU is made of, as plain data that travels to the worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue
from labkit.experiments.choices import (
    CODECS,
    PLACES,
    check_choice,
    check_jitter_buffer,
    check_seed,
)
from labkit.media.mixer import Tiling
from labkit.media.sources import check_video_source
from labkit.net import Link
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.meshsession import MeshSession
    from labkit.net.relay_handle import Relay
    from labkit.peers.clock import Clock

__all__ = ["MCU", "NAMES", "MeshSpec", "links_for", "names_for"]

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan")
MCU = "mcu"


@dataclass(frozen=True)
class MeshSpec:
    """N participants who all see each other, described and checked, not yet started."""

    names: tuple[str, ...]
    topology: str
    "``mesh`` or ``mcu``."
    video: Any
    "The source of every participant."
    links: dict[str, Link] = field(default_factory=dict)
    "The link of every direction."
    codec: str = "vp8"
    jitter_buffer: str | type[Any] = "marker"
    place: str = "worker"
    seed: int = 1
    engine: str = "labkit"
    signaling: str = "memory"

    def __post_init__(self) -> None:
        check_video_source(self.video)
        check_choice("place", self.place, PLACES)
        check_choice("codec", self.codec, CODECS)
        check_jitter_buffer(self.jitter_buffer)
        check_seed(self.seed)
        if self.topology == MCU:
            self.tiling()  # refuses what it cannot draw

    @property
    def connections(self) -> list[tuple[str, str]]:
        """Who is connected to whom: everybody to everybody, or everybody to the mixer."""
        if self.topology == MCU:
            return [(name, MCU) for name in self.names]
        return list(combinations(self.names, 2))

    @property
    def directions(self) -> tuple[str, ...]:
        """Names of the directions, both of every connection."""
        return tuple(
            f"{sender}->{receiver}"
            for one, other in self.connections
            for sender, receiver in ((one, other), (other, one))
        )

    @property
    def measured(self) -> tuple[str, str]:
        """Sender and receiver of the direction that a figure is about unless told otherwise."""
        return self.names[0], self.names[1]

    def tiling(self) -> Tiling:
        """Return where the participants' pictures lie in the mixer's mosaic."""
        return Tiling(len(self.names), self.video.width, self.video.height)

    def with_links(self, links: Mapping[str, Link]) -> MeshSpec:
        """Return the same over other links."""
        return replace(self, links=dict(links))

    def session(
        self, relay: Relay, clock: Clock, notify: Callable[[str, Any], None]
    ) -> MeshSession:
        """Return the session that runs this, in the process that is to carry it."""
        from labkit.experiments.meshsession import McuSession, MeshSession

        kind = McuSession if self.topology == MCU else MeshSession
        return kind(self, relay, clock, notify)

    def asked(self) -> dict[str, Any]:
        """Return what is asked for, for the Run's ``meta``."""
        buffer = self.jitter_buffer
        return {
            "topology": self.topology,
            "participants": list(self.names),
            "video": self.video.describe(),
            "fps": self.video.fps,
            "link": {name: link.to_dict() for name, link in self.links.items()},
            "codec": self.codec,
            "jitter_buffer": buffer if isinstance(buffer, str) else buffer.__name__,
            "signaling": self.signaling,
        }


def names_for(n: int) -> tuple[str, ...]:
    """Return the names of ``n`` participants.

    Raises:
        BadValue: There are less than two, or more than have names.
    """
    if isinstance(n, bool) or not isinstance(n, int) or not 2 <= n <= len(NAMES):
        raise BadValue(
            _("{n!r} participants cannot meet here.").format(n=n),
            next_step=_("Use a whole number from 2 to {most}.").format(most=len(NAMES)),
        )
    return NAMES[:n]


def links_for(directions: tuple[str, ...], link: Any) -> dict[str, Link]:
    """Return the link of each direction.

    Args:
        directions: For instance ``alice->bob``.
        link: One Link for all, a dict of Links by direction (all others are clean), or None.

    Raises:
        BadValue: It is something else, or a direction does not exist.
    """
    if link is None or isinstance(link, Link):
        return dict.fromkeys(directions, link or Link())
    if not isinstance(link, Mapping) or not all(isinstance(v, Link) for v in link.values()):
        raise BadValue(
            _("link={link!r} is not a Link.").format(link=link),
            next_step=_("Use Link(delay_ms=50) for all, or a dict of Links by direction."),
        )
    for name in link:
        if name not in directions:
            raise BadValue(
                _("There is no direction {direction!r} here.").format(direction=name),
                next_step=_("Use one of: {names}.").format(names=", ".join(directions)),
            )
    return {name: link.get(name, Link()) for name in directions}
