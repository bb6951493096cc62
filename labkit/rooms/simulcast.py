"""What a receiver may ask of a sender with several sizes; run where the receiver lives.

``await room.ask("bob", choose_layer("alice", "low"))``
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue, CallError
from labkit.words import _

if TYPE_CHECKING:
    from labkit.run import Run

__all__ = ["LAYERS", "choose_layer", "subscribe", "switch_times_s"]

LAYERS = ("low", "medium", "high")


@dataclass(frozen=True)
class _Choice:
    publisher: str
    layer: str

    def __call__(self, peer: Any) -> None:
        from livekit.rtc import VideoQuality

        publication = _video_of(peer, self.publisher)
        wanted = VideoQuality.Value(f"VIDEO_QUALITY_{self.layer.upper()}")
        peer.event("layer_chosen", {"of": self.publisher, "layer": self.layer})
        publication.set_video_quality(wanted)


@dataclass(frozen=True)
class _Subscription:
    publisher: str
    wanted: bool

    def __call__(self, peer: Any) -> None:
        publication = _video_of(peer, self.publisher)
        peer.event("subscription_changed", {"of": self.publisher, "wanted": self.wanted})
        publication.set_subscribed(self.wanted)


def choose_layer(publisher: str, layer: str) -> Callable[[Any], None]:
    """Return a function for ``room.ask``: the receiver asks for at most this size.

    Args:
        publisher: Whose video.
        layer: ``low``, ``medium`` or ``high``.

    Raises:
        BadValue: There is no such layer.

    Notebook: notebooks/10-mesh-and-sfu.ipynb
    """
    if layer not in LAYERS:
        raise BadValue(
            _("{name}={value!r} is not known.").format(name="layer", value=layer),
            next_step=_("Use one of: {choices}.").format(choices=", ".join(LAYERS)),
        )
    return _Choice(publisher, layer)


def subscribe(publisher: str, wanted: bool = True) -> Callable[[Any], None]:
    """Return a function for ``room.ask``: the receiver wants the video, or does not.

    Args:
        publisher: Whose video.
        wanted: Whether it is to come.
    """
    return _Subscription(publisher, wanted)


def switch_times_s(run: Run, receiver: str = "bob") -> dict[str, float | None]:
    """Return by choice how long it took until a frame of another width came; None: it did not.

    A choice lasts until the next one. The keys are numbered: ``1. low``, ``2. high``.

    Args:
        run: A room in which ``choose_layer`` was used.
        receiver: Who has chosen.
    """
    import json

    frames = run.frames[(run.frames["receiver"] == receiver) & run.frames["decoded_s"].notna()]
    frames = frames.sort_values("decoded_s")
    events = run.events[(run.events["peer"] == receiver) & (run.events["name"] == "layer_chosen")]
    events = events.sort_values("at_s")
    asked_s = [*events["at_s"].astype(float).tolist(), float("inf")]
    found: dict[str, float | None] = {}
    for number, detail in enumerate(events["detail"].astype(str).tolist()):
        at_s, end_s = asked_s[number : number + 2]
        before = frames[frames["decoded_s"] <= at_s]["width"]
        after = frames[frames["decoded_s"].between(at_s, end_s)]
        changed = after[after["width"] != before.iloc[-1]] if len(before) else after
        took = float(changed["decoded_s"].iloc[0]) - at_s if len(changed) else None
        found[f"{number + 1}. {json.loads(detail)['layer']}"] = took
    return found


def _video_of(peer: Any, publisher: str) -> Any:
    from livekit.rtc import TrackKind

    there = peer.room.remote_participants.get(publisher)
    for publication in there.track_publications.values() if there is not None else ():
        if publication.kind == TrackKind.KIND_VIDEO:
            return publication
    raise CallError(
        _("{name} sees no video of {publisher}.").format(name=peer.name, publisher=publisher),
        next_step=_("Somebody has to publish it first."),
    )
