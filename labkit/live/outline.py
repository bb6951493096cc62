"""What the panel of a call, a room or a mesh shows: pictures, lines, links, and its words."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.experiments.roomchecks import BROWSER
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.meshspec import MeshSpec
    from labkit.experiments.roomspec import RoomSpec
    from labkit.experiments.spec import CallSpec

__all__ = ["CallOutline", "MeshOutline", "Outline", "RoomOutline", "View", "in_words"]

SERVER = "sfu"


@dataclass(frozen=True)
class View:
    """What one receiver gets of one sender: a picture, a line in each chart, and words."""

    sender: str
    receiver: str
    video: bool
    title: str
    "Under the picture."
    latency_line: str
    "Its line in the chart of latencies."
    received_line: str
    "Its receiver's line in the chart of bitrates."

    @property
    def name(self) -> str:
        """For instance ``alice->bob``."""
        return f"{self.sender}->{self.receiver}"

    @property
    def alt(self) -> str:
        """Return the picture's description."""
        return _("What {receiver} sees of {sender}").format(
            receiver=self.receiver, sender=self.sender
        )


class Outline:
    """What a panel shows of an experiment with many participants; a call overrides what differs.

    The pictures and latencies are those of one receiver at a time; the bitrates are everybody's.

    Args:
        names: Everybody, in the order of their lines.
        ways: Sender, receiver and whether there is video, of whatever somebody receives.
        directions: The links, as ``alice->bob``.
        seen_by: The receiver that is shown first.
    """

    says_received = False
    "Whether the words under a picture say what its receiver gets in all."

    def __init__(
        self,
        names: Iterable[str],
        ways: Iterable[tuple[str, str, bool]],
        directions: Iterable[str],
        seen_by: str,
    ) -> None:
        self.names = tuple(names)
        self.views = {view.name: view for view in (self._view(*way) for way in ways)}
        self.receivers = [n for n in self.names if any(v.receiver == n for v in self.all_views)]
        self.seen_by = seen_by if seen_by in self.receivers else next(iter(self.receivers), "")
        self.choices: list[tuple[str | None, str]] = [(None, _("all links"))]
        self.choices += [(name, self.title_of(name)) for name in directions]

    @property
    def all_views(self) -> list[View]:
        """All views, those of all receivers."""
        return list(self.views.values())

    @property
    def latency_lines(self) -> list[str]:
        """All lines of the chart of latencies, in the order of their looks."""
        return list(self.names)

    @property
    def received_lines(self) -> list[str]:
        """All lines of the chart of bitrates, in the order of their looks."""
        return list(self.names)

    def shown(self, seen_by: str) -> list[View]:
        """Return the views of a receiver; without receivers to choose from, all."""
        return [v for v in self.all_views if not self.receivers or v.receiver == seen_by]

    def view_of(self, track: str) -> str:
        """Return the name of the view that a watched track belongs to."""
        sender, _colon, rest = track.partition(":")
        return f"{sender}->{rest.partition('->')[2]}"

    def latency_title(self, seen_by: str) -> str:
        """Return what stands over the chart of latencies."""
        return _("Latency, seen by {name}").format(name=seen_by)

    def title_of(self, direction: str) -> str:
        """Return a link's name for people."""
        ends = [_("server") if end == SERVER else end for end in direction.split("->")]
        return " → ".join(ends)

    def texts(self) -> dict[str, str]:
        """Return a sentence for each state."""
        names = ", ".join(self.names)
        return {
            "new": _("Not started. Start connects {names} here.").format(names=names),
            "starting": _("Starting: {names} are connecting.").format(names=names),
            "running": _("Running: {names} are connected.").format(names=names),
            "closed": _("Ended. Start connects them anew."),
            "broken": _("It broke. Start connects them anew."),
        }

    def silent(self, view: View) -> str:
        """Return what is said when a view has had no frame for a second."""
        return _("Running, but for a second {receiver} has got no frame of {sender}.").format(
            receiver=view.receiver, sender=view.sender
        )

    def words(self) -> dict[str, str]:
        """Return the names of what is on the panel, where they are not a call's."""
        return {"link": _("The links"), "direction": _("Bend")}

    def _view(self, sender: str, receiver: str, video: bool) -> View:
        return View(sender, receiver, video, sender, sender, receiver)


class RoomOutline(Outline):
    """A room on a server: everybody's link up and link down, and who sees whom.

    What a page sees stays in the page: it has a line, and no picture here.

    Args:
        spec: The room as it is now.
        lines: Whom the charts have lines of already; each keeps its own, whoever comes and goes.
    """

    def __init__(self, spec: RoomSpec, lines: Iterable[str] = ()) -> None:
        sending = [one for one in spec.participants if one.sends]
        seeing = [one for one in spec.participants if one.receives]
        ways = [
            (sender.name, receiver.name, sender.video is not None and receiver.engine != BROWSER)
            for receiver in seeing
            for sender in sending
            if sender is not receiver
        ]
        super().__init__(spec.names, ways, spec.directions, spec.measured[1])
        self._lines = list(dict.fromkeys([*lines, *self.names]))

    @property
    def latency_lines(self) -> list[str]:
        """Everybody who is or was there, in the order of coming."""
        return self._lines

    @property
    def received_lines(self) -> list[str]:
        """The same for bitrates."""
        return self._lines

    def texts(self) -> dict[str, str]:
        """Return a sentence for each state."""
        names = ", ".join(self.names)
        return {
            "new": _("Not started. Start lets {names} join the room.").format(names=names),
            "starting": _("Starting: {names} are joining the room.").format(names=names),
            "running": _("Running: {names} are in the room.").format(names=names),
            "closed": _("Ended. Start opens the room again."),
            "broken": _("The room broke. Start opens it again."),
        }


class MeshOutline(Outline):
    """A mesh, or an MCU: a link each way of each connection."""

    def __init__(self, spec: MeshSpec) -> None:
        ways = [(*_ends(name), True) for name in spec.directions]
        every = dict.fromkeys([*spec.names, *(end for pair in spec.connections for end in pair)])
        super().__init__(every, ways, spec.directions, spec.measured[1])


class CallOutline(Outline):
    """Two peers: both directions are seen at once, and each has its line."""

    says_received = True

    def __init__(self, spec: CallSpec) -> None:
        sent = (spec.video, spec.audio), (spec.back_video, spec.back_audio)
        sources = dict(zip(spec.directions, sent, strict=True))
        ways = [(*_ends(name), kinds[0] is not None) for name, kinds in sources.items()]
        super().__init__(spec.names, ways, spec.directions, "")
        self.receivers, self.seen_by = [], ""
        self.choices[0] = (None, _("both ways"))
        self._used = [name for name, kinds in sources.items() if any(kinds)]

    @property
    def latency_lines(self) -> list[str]:
        """The directions along which something is sent."""
        return [self.title_of(name) for name in self._used]

    @property
    def received_lines(self) -> list[str]:
        """The same for bitrates."""
        return self.latency_lines

    def view_of(self, track: str) -> str:
        """Return the direction that a track is sent along."""
        sender = track.partition(":")[0]
        return next(view.name for view in self.all_views if view.sender == sender)

    def latency_title(self, seen_by: str) -> str:
        """Return what stands over the chart of latencies."""
        return _("Latency")

    def texts(self) -> dict[str, str]:
        """Return a sentence for each state."""
        ends: dict[str, Any] = dict(zip(("first", "second"), self.names, strict=True))
        texts = {
            "new": _("Not started. Start opens a call between {first} and {second} here."),
            "starting": _("Starting: {first} and {second} are connecting."),
            "running": _("Running: {first} and {second} are connected."),
            "closed": _("Ended. Start opens a new call."),
            "broken": _("The call broke. Start opens a new one."),
        }
        return {state: text.format(**ends) for state, text in texts.items()}

    def silent(self, view: View) -> str:
        """Return what is said when a direction has had no frame for a second."""
        return _("Running, but for a second no frame has arrived.")

    def words(self) -> dict[str, str]:
        """Return nothing: these are the panel's own words."""
        return {}

    def _view(self, sender: str, receiver: str, video: bool) -> View:
        title = self.title_of(f"{sender}->{receiver}")
        return View(sender, receiver, video, title, title, title)


def in_words(recent: Collection[Mapping[str, Any]], says_received: bool) -> str:
    """Return the numbers of the last moments as they stand under a picture."""
    latencies = [n["latency_ms"] for n in recent if n.get("latency_ms") is not None]
    parts = [_("latency {ms:.1f} ms").format(ms=statistics.median(latencies))] if latencies else []
    rates = [n["frames_per_s"] for n in recent if n.get("frames_per_s") is not None]
    if rates:
        parts.append(_("{rate:.0f} frames/s").format(rate=statistics.fmean(rates)))
    received = [n["received_kbps"] for n in recent if n.get("received_kbps") is not None]
    if received and says_received:
        parts.append(_("{rate:.0f} kbit/s").format(rate=statistics.fmean(received)))
    return " · ".join(parts)


def _ends(direction: str) -> tuple[str, str]:
    sender, receiver = direction.split("->")
    return sender, receiver
