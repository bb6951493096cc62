"""The criteria of the shorter exam: a page that joins by WHIP, without an SDK. Pure."""

from __future__ import annotations

from dataclasses import replace

from labkit.exam import criteria
from labkit.exam.evidence import Evidence
from labkit.exam.names import EXAMINER
from labkit.exam.verdict import FAILED, NOT_SEEN, PASSED, Verdict
from labkit.words import _

__all__ = ["camera", "joined", "leave", "microphone", "partner"]

CREATED, GONE = "201 Created", "200 OK"


def joined(found: Evidence) -> Verdict:
    """Whether the server answered the page's offer."""
    about = ("joined", _("The page has joined by WHIP"))
    created = found.said(CREATED, by_candidate=False)
    if created:
        told = _("The server answered its offer by “201 Created”.")
        return Verdict(*about, PASSED, told, created[0].at_s)
    advice = _("Open the page, press Join, and allow camera and microphone.")
    asked = found.said("POST /whip/v1", by_candidate=True)
    if asked:
        told = _("It sent an offer, and the server refused.")
        return Verdict(*about, FAILED, told, asked[0].at_s, advice)
    return Verdict(*about, NOT_SEEN, _("Nothing of it arrived."), None, advice)


def camera(found: Evidence) -> Verdict:
    """Whether moving pictures of the page arrived."""
    return _advised(criteria.camera(found), _("Press Join, and let the browser use the camera."))


def microphone(found: Evidence) -> Verdict:
    """Whether sound of the page arrived."""
    advice = _("Press Join, and let the browser use the microphone.")
    return _advised(criteria.microphone(found), advice)


def partner(found: Evidence) -> Verdict:
    """Whether the examiner's video was subscribed, by the header of the offer."""
    verdict = criteria.partner(found)
    advice = _("Name the track in the header X-LiveKit-ClientInfo: {name} has to be there.")
    return verdict if verdict.passed else replace(verdict, advice=advice.format(name=EXAMINER))


def leave(found: Evidence) -> Verdict:
    """Whether the page ended its session by DELETE (RFC 9725 section 4.2)."""
    about = ("leave", _("It leaves, and the other is told at once"))
    advice = _("Press Leave: it sends DELETE to the address that the answer's Location names.")
    came = found.said(CREATED, by_candidate=False)
    if not came:
        return Verdict(*about, NOT_SEEN, _("Nobody was in the room."), None, advice)
    gone = [e for e in found.said(GONE, by_candidate=False) if e.at_s > came[-1].at_s]
    if gone:
        told = _("The session was ended by DELETE.")
        return Verdict(*about, PASSED, told, gone[0].at_s)
    lost = [e for e in found.events_of("participant_disconnected", EXAMINER)
            if e.at_s > came[-1].at_s]  # fmt: skip
    if lost:
        told = _("Its media stopped without a word.")
        return Verdict(*about, FAILED, told, lost[0].at_s, advice)
    return Verdict(*about, NOT_SEEN, _("It was still there at the end."), None, advice)


def _advised(verdict: Verdict, advice: str) -> Verdict:
    """Return a verdict with a page's advice: nobody calls an SDK there."""
    return replace(verdict, advice=advice) if verdict.result == NOT_SEEN else verdict
