"""The criteria about the course of a call: a third person, a dead server, the good-bye. Pure."""

from __future__ import annotations

from labkit.exam.evidence import Evidence
from labkit.exam.names import BACK, CANDIDATE, EXAMINER, KILLED, REFUSED
from labkit.exam.verdict import FAILED, NOT_SEEN, PASSED, Verdict
from labkit.words import _

__all__ = ["back", "full", "leave"]

BACK_FRAMES = 5
"""Pictures after the server's return that count as media again."""


def full(found: Evidence) -> Verdict:
    """Whether a third person was told that the room is full, before it tried to join."""
    about = ("full", _("A third person is told that the room is full"))
    told_full = [e for e in found.events_of(REFUSED) if e.detail.get("error") == "full"]
    if told_full:
        who = str(told_full[0].detail.get("identity", ""))
        told = _("The token endpoint answered 409 “full” to “{who}”.").format(who=who)
        return Verdict(*about, PASSED, told, told_full[0].at_s)
    advice = _("Start the app once more as a third person, while both are there; before it joins, "
               "it asks the endpoint, and shows the message of a 409.")  # fmt: skip
    first_s = found.joins[0].at_s if found.joins else float("inf")
    killed_s = min((e.at_s for e in found.events_of(KILLED)), default=float("inf"))
    refused = found.said("refused", by_candidate=False)
    tried = [e for e in refused if first_s < e.at_s < killed_s]
    if tried:
        told = _("Somebody tried to join without asking the endpoint; the server says only “500”.")
        return Verdict(*about, FAILED, told, tried[0].at_s, advice)
    return Verdict(*about, NOT_SEEN, _("No third person has asked."), None, advice)


def back(found: Evidence) -> Verdict:
    """Whether the media came back after the server had died."""
    about = ("back", _("The call goes on after the server has died and come back"))
    killed, alive = found.events_of(KILLED), found.events_of(BACK)
    if not killed or not alive:
        told = _("The server was not ended: the exam did not get that far.")
        return Verdict(*about, NOT_SEEN, told, None, _("Stay in the call until it happens."))
    back_s = alive[0].at_s
    if not any(at_s < killed[0].at_s for at_s in found.frames):
        told = _("No pictures of the app had arrived before it.")
        return Verdict(*about, NOT_SEEN, told, back_s, _("Publish the camera first."))
    again = [at_s for at_s in found.frames if at_s > back_s]
    advice = _("Let the SDK reconnect: do not leave, and do not close the page of the call, on "
               "RoomReconnectingEvent.")  # fmt: skip
    if len(again) < BACK_FRAMES:
        return Verdict(*about, FAILED, _("No pictures arrived after it."), back_s, advice)
    after_s = again[BACK_FRAMES - 1] - back_s
    told = _("Pictures were there again {seconds:.1f} s after the server was.").format(
        seconds=after_s
    )
    result = PASSED if after_s <= found.back_within_s else FAILED
    return Verdict(*about, result, told, again[0], "" if result == PASSED else advice)


def leave(found: Evidence) -> Verdict:
    """Whether the candidate said good-bye before its connection ended."""
    about = ("leave", _("It leaves, and the other is told at once"))
    advice = _("Call room.disconnect() when the call is left, also when its page is closed.")
    came_s = found.entered_s
    if came_s is None:
        return Verdict(*about, NOT_SEEN, _("Nobody was in the room."), None, advice)
    said = [e for e in found.said("leave", by_candidate=True) if e.at_s > came_s]
    if said:
        told = _("The message “leave” came before the connection was closed.")
        return Verdict(*about, PASSED, told, said[0].at_s)
    killed_s = min((e.at_s for e in found.events_of(KILLED) if e.at_s > came_s), default=None)
    lost_s = _lost_s(found, came_s)
    if lost_s is not None and (killed_s is None or lost_s < killed_s):
        told = _("Its connection ended without a word: the other would see it for 20 s more.")
        return Verdict(*about, FAILED, told, lost_s, advice)
    if killed_s is not None:
        told = _("It has not come back since the server had died.")
        return Verdict(*about, NOT_SEEN, told, None, advice)
    return Verdict(*about, NOT_SEEN, _("It was still there at the end."), None, advice)


def _lost_s(found: Evidence, came_s: float) -> float | None:
    """Return when the connection of the candidate ended, by its own doing or for silence."""
    closed = [e.at_s for e in found.said("closed", by_candidate=True)]
    missed = [
        e.at_s for e in found.events_of("participant_disconnected", EXAMINER)
        if e.detail.get("participant") == CANDIDATE
    ]  # fmt: skip
    return min((at_s for at_s in (*closed, *missed) if at_s > came_s), default=None)
