"""Verdicts from runs alone: exams that were passed, and what is missing when a row is."""

from __future__ import annotations

import json

import pytest

import labkit as lab
from labkit.exam import Verdict, judge, passed, report_html, report_text
from labkit.exam.report import report_dict
from labkit.run import Run
from tests.exam.recorded import changed, exam_run, row, without

KEYS = ["joined", "camera", "microphone", "partner", "already_there", "size", "full", "back",
        "leave"]  # fmt: skip


@pytest.fixture(scope="module")
def app() -> Run:
    return exam_run("exam-app")


@pytest.fixture(scope="module")
def page() -> Run:
    return exam_run("exam-page")


def results(run: Run) -> dict[str, str]:
    return {one.key: one.result for one in judge(run)}


def the(run: Run, key: str) -> Verdict:
    (found,) = [one for one in judge(run) if one.key == key]
    return found


def only(run: Run, key: str, result: str) -> Verdict:
    """The verdict on ``key``; all others are passed."""
    assert results(run) == dict.fromkeys(results(run), "passed") | {key: result}
    verdict = the(run, key)
    assert verdict.advice and verdict.evidence
    return verdict


def said_otherwise(run: Run, name: str, old: str, new: str) -> Run:
    """The same run with other words in the messages of one name."""
    messages = run.messages
    body = messages["body"].where(messages["name"] != name, messages["body"].str.replace(old, new))
    return changed(run, messages=messages.assign(body=body))


def killed_s(run: Run) -> float:
    return float(run.events.loc[run.events["name"] == "server_killed", "at_s"].iloc[0])


def test_recorded_exams_are_passed_with_their_evidence(app: Run, page: Run) -> None:
    assert [one.key for one in judge(app)] == KEYS
    assert passed(judge(app)) and passed(judge(page))
    assert all(one.at_s is not None and not one.advice for one in judge(app))
    assert the(app, "joined").evidence == "It says of itself: JS 2.23.0."
    assert the(app, "size").evidence == "Asked for: 400x300."


def test_an_app_that_never_came(app: Run) -> None:
    empty = {name: app.table(name).iloc[:0] for name in ("messages", "events", "frames", "audio",
                                                         "samples")}  # fmt: skip
    assert set(results(changed(app, **empty)).values()) == {"not seen"}


def test_no_pictures_and_still_pictures(app: Run) -> None:
    none = changed(app, frames=app.frames.iloc[:0])
    assert results(none) == dict.fromkeys(KEYS, "passed") | {
        "camera": "not seen", "back": "not seen",
    }  # fmt: skip
    still = app.samples.assign(value=app.samples["value"].where(
        app.samples["name"] != "picture_change", 0.01))  # fmt: skip
    assert "all alike" in only(changed(app, samples=still), "camera", "failed").evidence


def test_a_microphone_that_is_announced_and_silent(app: Run) -> None:
    silent = without(app, "samples", track="candidate:audio", name="packets_received")
    only(silent, "microphone", "failed")
    never = without(silent, "messages", name="add_track", sender="candidate")
    only(never, "microphone", "not seen")


def test_nobody_takes_the_examiners_video(app: Run) -> None:
    only(without(app, "events", name="local_track_subscribed"), "partner", "not seen")


def test_an_app_without_adaptive_stream(app: Run) -> None:
    plain = without(app, "messages", name="track_setting")
    assert results(plain) == dict.fromkeys(KEYS, "passed") | {
        "already_there": "failed", "size": "not seen",
    }  # fmt: skip


def test_an_app_that_shows_nothing_or_shows_it_late(app: Run) -> None:
    body = app.messages["body"]
    asked = app.messages["name"] == "track_setting"
    hidden = [
        json.dumps(json.loads(text) | {"disabled": True}) if is_it else text
        for text, is_it in zip(body, asked, strict=True)
    ]
    found = results(changed(app, messages=app.messages.assign(body=hidden)))
    assert found["already_there"] == found["size"] == "failed"
    first_s = app.messages.loc[asked, "at_s"].min()
    joined_s = app.messages.loc[app.messages["name"] == "join", "at_s"]
    came_s = joined_s[joined_s < first_s].max()
    moved = app.messages["at_s"].where(~asked, came_s + 10.5)
    late = changed(app, messages=app.messages.assign(at_s=moved))
    assert "10.5 s after joining" in only(late, "already_there", "failed").evidence


def test_settings_of_another_track_do_not_count(app: Run) -> None:
    found = results(said_otherwise(app, "track_setting", "TR_", "XX_"))
    assert found["already_there"] == "failed" and found["size"] != "passed"


def test_a_third_person(app: Run) -> None:
    nobody = without(app, "events", name="token_refused")
    only(nobody, "full", "not seen")
    refused = {"sender": "sfu", "receiver": "candidate", "body": "500 Internal Server Error"}
    early = row(nobody, "messages", at_s=killed_s(app) - 0.1, name="refused", **refused)
    only(early, "full", "failed")
    after = row(nobody, "messages", at_s=killed_s(app) + 0.1, name="refused", **refused)
    only(after, "full", "not seen")
    other = {"status": 401, "error": "no_token", "identity": "", "room": "exam"}
    only(row(nobody, "events", at_s=3.0, peer="token endpoint", name="token_refused", detail=other),
         "full", "not seen")  # fmt: skip


def test_media_that_come_back_late_or_never(app: Run) -> None:
    gone = app.frames[app.frames["decoded_s"] < killed_s(app)]
    only(changed(app, frames=gone), "back", "failed")
    later = app.frames["decoded_s"]
    later = later.where(later < killed_s(app), later + 20)
    only(changed(app, frames=app.frames.assign(decoded_s=later)), "back", "failed")
    only(without(app, "events", name=["server_killed", "server_restarted"]), "back", "not seen")


def test_leaving_without_a_word(app: Run) -> None:
    quiet = without(app, "messages", name="leave")
    assert "without a word" in only(quiet, "leave", "failed").evidence
    # The network took the socket, and the SDK resumed.
    back_s = float(app.messages["at_s"].max()) + 0.5
    resumed = row(quiet, "messages", at_s=back_s, sender="sfu", receiver="candidate",
                  name="reconnect", body={})  # fmt: skip
    still = without(resumed, "events", name="participant_disconnected")
    only(still, "leave", "not seen")


def test_whoever_never_comes_back_has_not_left(app: Run) -> None:
    end_s = killed_s(app)
    messages = app.messages[app.messages["at_s"] < end_s]
    events = app.events[(app.events["at_s"] < end_s + 3)]
    gone = changed(app, messages=messages, events=events,
                   frames=app.frames[app.frames["decoded_s"] < end_s])  # fmt: skip
    found = results(gone)
    assert (found["back"], found["leave"]) == ("failed", "not seen")


def test_another_room(app: Run) -> None:
    elsewhere = said_otherwise(app, "join", '"name": "exam"', '"name": "lobby"')
    verdict = the(elsewhere, "joined")
    assert verdict.result == "failed" and "“lobby”" in verdict.evidence
    assert the(elsewhere, "leave").result == "not seen"


def test_a_refused_token(app: Run) -> None:
    said = app.messages[app.messages["name"] == "join_request"].iloc[:0]
    refused = row(changed(app, messages=said), "messages", at_s=2.0, sender="sfu",
                  receiver="candidate", name="refused", body="401 Unauthorized")  # fmt: skip
    assert the(refused, "joined").result == "failed"


def test_an_older_client_says_it_in_the_address(app: Run) -> None:
    older = without(app, "messages", name="join_request")
    told = {"request": "GET /rtc", "sdk": "flutter", "version": "2.11.0", "os": "linux"}
    older = row(older, "messages", at_s=2.0, sender="candidate", receiver="sfu", name="connect",
                body=told)  # fmt: skip
    assert the(older, "joined").evidence == "It says of itself: flutter 2.11.0 linux."


def test_the_page_of_the_shorter_exam(page: Run) -> None:
    only(without(page, "messages", name=["200 OK", "DELETE /whip/v1"]), "leave", "failed")
    only(without(page, "events", name="local_track_subscribed"), "partner", "not seen")
    refused = without(page, "messages", name=["201 Created", "200 OK"])
    found = results(refused)
    assert (found["joined"], found["leave"]) == ("failed", "not seen")


def test_a_run_of_something_else_is_refused() -> None:
    with pytest.raises(lab.BadValue, match="no exam"):
        judge(Run.from_tables({"seed": 1}))


def test_nothing_is_not_passed() -> None:
    assert not passed([])


def test_reports_say_the_same(app: Run) -> None:
    quiet = without(app, "messages", name="leave")
    verdicts = judge(quiet)
    text, page = report_text(verdicts, quiet), report_html(verdicts, quiet)
    for told in (text, page):
        assert "Not passed: 8 of 9 criteria." in told
        assert "room.disconnect()" in told and app.meta["asked"]["exam"]["nonce"] in told
    assert page.count('<li class="failed">') == 1
    plain = json.loads(json.dumps(report_dict(verdicts, quiet)))
    assert plain["passed"] is False and plain["verdicts"][-1]["key"] == "leave"


def test_what_an_app_says_of_itself_is_no_html(app: Run) -> None:
    body = [str(text).replace('"JS"', '"<script>"') for text in app.messages["body"]]
    sly = changed(app, messages=app.messages.assign(body=body))
    page = report_html(judge(sly), sly)
    assert "<script>" not in page and "&lt;script&gt;" in page
