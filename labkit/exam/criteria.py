"""The criteria of the exam, each a function of what arrived. Pure."""

from __future__ import annotations

from typing import Any

from labkit.exam.evidence import Evidence, Said, room_of
from labkit.exam.names import EXAMINER
from labkit.exam.verdict import FAILED, NOT_SEEN, PASSED, Verdict
from labkit.words import _

__all__ = ["already_there", "camera", "joined", "microphone", "partner", "size"]

MOVES = 0.2
"""Steps of luma that two pictures differ by where something moves; a still one is below 0.05."""

FEWEST_FRAMES = 10
FEWEST_PACKETS = 10
"""Of sound: a fifth of a second, or more where silence is not sent."""

SOON_S = 10.0
"""How soon after joining an app shows who was there before."""


def joined(found: Evidence) -> Verdict:
    """Whether an SDK joined the right room."""
    title = _("An SDK has joined the room")
    say = _Sayer("joined", title)
    asked = found.said("join_request", by_candidate=True)
    asked += found.said("connect", by_candidate=True)
    for join in found.said("join", by_candidate=False):
        if not room_of(join) or room_of(join) == found.room:
            client = _client(asked, join.at_s)
            return say.passed(
                _("It says of itself: {client}.").format(client=client or "–"), join.at_s
            )
    for join in found.said("join", by_candidate=False):
        told = _("It joined the room “{other}”, and the exam is in “{room}”.").format(
            other=room_of(join), room=found.room
        )
        return say.failed(told, join.at_s, _("Ask the endpoint for the room that is printed."))
    for refused in found.said("refused", by_candidate=False):
        told = _("The server refused the token.")
        return say.failed(told, refused.at_s, _("Join with the token of the token endpoint."))
    if asked:
        told = _("It asked to join, and the server let nobody in.")
        return say.failed(told, asked[0].at_s, _("Join with the token of the token endpoint."))
    return say.not_seen(_("Call room.connect with url and token of the endpoint."))


def camera(found: Evidence) -> Verdict:
    """Whether moving pictures of the candidate arrived."""
    say = _Sayer("camera", _("Its camera is published, and the picture moves"))
    count = len(found.frames)
    advice = _("Switch it on after joining: setCameraEnabled(true).")
    if not count:
        return say.not_seen(advice)
    if count < FEWEST_FRAMES:
        told = _("Only {count} pictures arrived.").format(count=count)
        return say.failed(told, found.frames[0], _("Leave the camera on during the call."))
    most = max((change for _at_s, change in found.changes), default=0.0)
    if most < MOVES:
        told = _("{count} pictures arrived, all alike.").format(count=count)
        return say.failed(told, found.frames[0], _("Is the camera covered, or the track muted?"))
    told = _("{count} pictures arrived, {widths} pixels wide.").format(
        count=count, widths=", ".join(str(width) for width in sorted(found.widths))
    )
    return say.passed(told, found.frames[0])


def microphone(found: Evidence) -> Verdict:
    """Whether sound of the candidate arrived."""
    say = _Sayer("microphone", _("Its microphone is published"))
    most = max((count for _at_s, count in found.sound), default=0)
    if most >= FEWEST_PACKETS:
        told = _("{count} packets of sound arrived; {loud:.1f} s of it were louder than silence.")
        return say.passed(told.format(count=most, loud=0.02 * len(found.loud)), found.sound[0][0])
    added = [
        each for each in found.said("add_track", by_candidate=True)
        if each.body.get("source") == "MICROPHONE"
    ]  # fmt: skip
    if added:
        told = _("It was announced, and hardly any sound arrived.")
        return say.failed(told, added[0].at_s, _("Leave the microphone on during the call."))
    return say.not_seen(_("Switch it on after joining: setMicrophoneEnabled(true)."))


def partner(found: Evidence) -> Verdict:
    """Whether the examiner's video was subscribed."""
    say = _Sayer("partner", _("The other's video is subscribed"))
    taken = found.events_of("local_track_subscribed", EXAMINER)
    if taken:
        told = _("The server told the examiner that somebody takes its video.")
        return say.passed(told, taken[0].at_s)
    return say.not_seen(_("Join with autoSubscribe on, or call subscribe() on its publication."))


def already_there(found: Evidence) -> Verdict:
    """Whether somebody is shown who was there before the candidate came."""
    say = _Sayer("already_there", _("Who was there first is shown"))
    advice = _("No event tells of those who were there before: after connect, look at "
               "room.remoteParticipants.")  # fmt: skip
    if not found.joins:
        return say.not_seen(advice)
    came_s = found.joins[0].at_s
    there = [
        str(track.get("sid"))
        for person in found.joins[0].body.get("other_participants", ())
        if person.get("identity") == EXAMINER
        for track in person.get("tracks", ())
        if track.get("type") == "VIDEO"
    ]
    for setting in _shown(found):
        if set(there) & set(setting.body.get("track_sids", ())):
            told = _("{seconds:.1f} s after joining, the app asked for the pictures of the "
                     "examiner, who was there before it.")  # fmt: skip
            if setting.at_s - came_s > SOON_S:
                return say.failed(told.format(seconds=setting.at_s - came_s), setting.at_s, advice)
            return say.passed(told.format(seconds=setting.at_s - came_s), setting.at_s)
    told = _("The examiner was there, and the app never asked for a picture of it to show.")
    return say.failed(told, came_s, advice)


def size(found: Evidence) -> Verdict:
    """Whether the app asked for the size at which it shows the picture."""
    say = _Sayer("size", _("It asks for the size at which it shows the picture"))
    sized = [each for each in _shown(found) if each.body.get("width")]
    if sized:
        sizes = sorted({(int(e.body["width"]), int(e.body.get("height", 0))) for e in sized})
        told = ", ".join(f"{width}x{height}" for width, height in sizes)
        return say.passed(_("Asked for: {sizes}.").format(sizes=told), sized[0].at_s)
    advice = _("Use RoomOptions(adaptiveStream: true), and show the track with a renderer.")
    hidden = found.said("track_setting", by_candidate=True)
    if hidden:
        told = _("The app asked for no pictures, because it shows none.")
        return say.failed(told, hidden[0].at_s, advice)
    return say.not_seen(advice)


class _Sayer:
    """Makes verdicts on one criterion."""

    def __init__(self, key: str, title: str) -> None:
        self._about = (key, title)

    def passed(self, told: str, at_s: float) -> Verdict:
        return Verdict(*self._about, PASSED, told, at_s)

    def failed(self, told: str, at_s: float, advice: str) -> Verdict:
        return Verdict(*self._about, FAILED, told, at_s, advice)

    def not_seen(self, advice: str) -> Verdict:
        return Verdict(*self._about, NOT_SEEN, _("Nothing of it arrived."), None, advice)


def _shown(found: Evidence) -> list[Said]:
    """Return the wishes for pictures of the examiner: ``UpdateTrackSettings``, not disabled."""
    videos = found.examiner_videos()
    return [
        each
        for each in found.said("track_setting", by_candidate=True)
        if not each.body.get("disabled") and videos & set(each.body.get("track_sids", ()))
    ]


def _client(asked: list[Said], before_s: float) -> str:
    """Return name and version of the SDK, as it says of itself."""
    for each in reversed([one for one in asked if one.at_s <= before_s]):
        info: dict[str, Any] = each.body.get("client_info") or each.body
        if info.get("sdk"):
            told = [info["sdk"], info.get("version", ""), info.get("os", ""),
                    info.get("browser", "")]  # fmt: skip
            return " ".join(str(word) for word in told if word)
    return ""
