"""The two sides of a call: peers of this process, or one that lives in a web page."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from labkit.errors import LabError
from labkit.experiments.spec import CallSpec
from labkit.media.page import PageMedia
from labkit.peers.clock import Clock
from labkit.peers.endpoint import Peer
from labkit.peers.packetbook import PacketBook
from labkit.peers.remote import RemoteSide
from labkit.run.tap import Tap

__all__ = ["Sides"]


class Sides:
    """Makes the sides of a call.

    Args:
        spec: What the call is made of.
        tap: Where the rows of both go.
        clock: The clock of the call.
        book: Plain RTP packets of this process.
        on_decoded: Called with the receiver's name, and then as a ``Peer`` calls it.
        notify: Takes ``failed`` and, for a page, ``describe`` with its question.
    """

    def __init__(
        self,
        spec: CallSpec,
        *,
        tap: Tap,
        clock: Clock,
        book: PacketBook,
        on_decoded: Callable[..., None],
        notify: Callable[[str, Any], None],
    ) -> None:
        self._spec = spec
        self._common: dict[str, Any] = {"tap": tap, "clock": clock}
        self._on_decoded = on_decoded
        self._book = book
        self._notify = notify

    def make(self) -> dict[str, Peer | RemoteSide]:
        """Return both sides by name, the first one first."""
        spec = self._spec
        first, second = spec.names
        there = {"video": spec.video, "audio": spec.audio}
        back = {"video": spec.back_video, "audio": spec.back_audio}
        return {
            first: self._make(first, second, there, back),
            second: self._make(second, first, back, there),
        }

    def numbered(self) -> set[str]:
        """Return the names of the tracks whose frames carry a number."""
        (first, second), spec = self._spec.names, self._spec
        videos = {f"{first}:video": spec.video, f"{second}:video": spec.back_video}
        return {track for track, source in videos.items() if _stamped(source)}

    def _make(
        self, name: str, other: str, sends: dict[str, Any], receives: dict[str, Any]
    ) -> Peer | RemoteSide:
        on_decoded = partial(self._on_decoded, name)
        if name == self._spec.remote:
            return RemoteSide(
                name,
                other=other,
                sends=sends,
                codec=self._spec.codec,
                ask=lambda question: self._notify("describe", question),
                on_decoded=on_decoded,
                **self._common,
            )
        return Peer(
            name,
            other=other,
            **sends,
            receives=tuple(kind for kind, source in receives.items() if source is not None),
            stamped=_stamped(receives["video"]),
            codec=self._spec.codec,
            jitter_buffer=self._spec.jitter_buffer,
            book=self._book,
            place=self._spec.place,
            on_failure=self._failed,
            on_decoded=on_decoded,
            **self._common,
        )

    def _failed(self, error: LabError) -> None:
        self._notify("failed", error)


def _stamped(source: Any) -> bool:
    return not isinstance(source, PageMedia) or source.stamped
