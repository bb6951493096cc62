"""What a Run says of the candidate, taken out of its tables once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue
from labkit.exam.names import CANDIDATE, CHANGE, EXAMINER, SDK, SOUND, VIDEO
from labkit.words import _

if TYPE_CHECKING:
    from labkit.run import Run

__all__ = ["Event", "Evidence", "Said", "evidence_of"]

HEARD_DBFS = -70.0
"""A block of sound that is louder than this is no silence."""


@dataclass(frozen=True)
class Said:
    """A message between the candidate and the server."""

    at_s: float
    by_candidate: bool
    name: str
    body: dict[str, Any]


@dataclass(frozen=True)
class Event:
    """An event of anybody."""

    at_s: float
    peer: str
    name: str
    detail: dict[str, Any]


@dataclass(frozen=True)
class Evidence:
    """An exam, as far as it is judged; times are seconds of the exam, in order."""

    kind: str
    room: str
    back_within_s: float
    messages: tuple[Said, ...]
    events: tuple[Event, ...]
    frames: tuple[float, ...]
    "When each of the candidate's pictures arrived at the examiner."
    widths: tuple[int, ...]
    "Their widths in pixels."
    changes: tuple[tuple[float, float], ...]
    "When two pictures were compared, and how much they differed."
    sound: tuple[tuple[float, int], ...]
    "When its packets of sound were counted, and how many they were since the last join."
    loud: tuple[float, ...]
    "When those blocks of its sound were decoded that are no silence."

    def said(self, name: str, *, by_candidate: bool) -> list[Said]:
        """Return the messages of one name from one side."""
        return [
            each for each in self.messages
            if each.name == name and each.by_candidate == by_candidate
        ]  # fmt: skip

    def events_of(self, name: str, peer: str | None = None) -> list[Event]:
        """Return the events of one name, of one peer or of all."""
        return [each for each in self.events if each.name == name and peer in (None, each.peer)]

    @property
    def joins(self) -> list[Said]:
        """Every time that the server let the candidate into the room of the exam."""
        came = self.said("join", by_candidate=False)
        return [each for each in came if room_of(each) in ("", self.room)]

    @property
    def entered_s(self) -> float | None:
        """When the candidate came in last, be it to resume; None if it never did."""
        resumed = self.said("reconnect", by_candidate=False) if self.joins else []
        return max((each.at_s for each in (*self.joins, *resumed)), default=None)

    def examiner_videos(self) -> set[str]:
        """Return the server's names of every video that the examiner has published."""
        return {
            str(track["sid"])
            for each in self.messages
            if not each.by_candidate
            for person in _people(each)
            if person.get("identity") == EXAMINER
            for track in person.get("tracks", ())
            if track.get("type") == "VIDEO" and "sid" in track
        }


def evidence_of(run: Run) -> Evidence:
    """Take out of a Run what an exam is judged by.

    Raises:
        BadValue: The Run is of no exam.
    """
    asked = run.meta.get("asked") or {}
    about = asked.get("exam")
    if not isinstance(about, dict):
        raise BadValue(
            _("This run is no exam."), next_step=_("Use one that “labkit exam --run” wrote.")
        )
    frames = run.frames[(run.frames["track"] == VIDEO) & run.frames["decoded_s"].notna()]
    frames = frames.sort_values("decoded_s")
    blocks = run.audio[(run.audio["track"] == SOUND) & run.audio["decoded_s"].notna()]
    blocks = blocks.sort_values("decoded_s")
    samples = run.samples.sort_values("at_s")
    changes = samples[samples["name"] == CHANGE]
    # Not the blocks: the SDK makes silence where nothing arrives.
    sound = samples[(samples["track"] == SOUND) & (samples["name"] == "packets_received")]
    return Evidence(
        kind=str(about.get("kind", SDK)),
        room=str(asked.get("room", "")),
        back_within_s=float(about.get("back_within_s", 15.0)),
        messages=tuple(_messages(run)),
        events=tuple(_events(run)),
        frames=tuple(frames["decoded_s"]),
        widths=tuple(int(width) for width in frames["width"].dropna().unique()),
        changes=tuple(zip(changes["at_s"], changes["value"], strict=True)),
        sound=tuple(zip(sound["at_s"], sound["value"].astype(int), strict=True)),
        loud=tuple(blocks.loc[blocks["level_dbfs"] > HEARD_DBFS, "decoded_s"]),
    )


def room_of(join: Said) -> str:
    """Return the name of the room that a join message is of; empty where it says none."""
    room = join.body.get("room")
    return str(room.get("name", "")) if isinstance(room, dict) else ""


def _people(said: Said) -> list[dict[str, Any]]:
    key = {"join": "other_participants", "update": "participants"}.get(said.name)
    found = said.body.get(key, ()) if key else ()
    return [each for each in found if isinstance(each, dict)]


def _messages(run: Run) -> Iterator[Said]:
    line: Any
    for line in run.messages.sort_values("at_s", kind="stable").itertuples():
        if CANDIDATE in (line.sender, line.receiver):
            body = _object(line.body)
            yield Said(float(line.at_s), line.sender == CANDIDATE, str(line.name), body)


def _events(run: Run) -> Iterator[Event]:
    line: Any
    for line in run.events.sort_values("at_s", kind="stable").itertuples():
        yield Event(float(line.at_s), str(line.peer), str(line.name), _object(line.detail))


def _object(text: Any) -> dict[str, Any]:
    """Return the JSON object that a text begins with; empty where it is none."""
    read: Callable[[str], tuple[Any, int]] = json.JSONDecoder().raw_decode
    try:
        found = read(text)[0]
    except (ValueError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
