"""The trial: on a real server, and as text, HTML and JSON."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from labkit.errors import BadValue, CallError
from labkit.flutter import snippets
from labkit.flutter.trial import Step, Trial, from_json, load_trial, to_json, try_python
from labkit.rooms.address import ServerAddress
from labkit.rooms.server import ForeignServer
from tests.timing import SECOND

STEP = Step("camera", "Published.", (("client", "add_track", 60), ("server", "ping", 1)))


def test_on_a_real_server_the_messages_are_the_ones_that_the_snippets_name(
    livekit_binary: Path,
) -> None:
    trial = asyncio.run(asyncio.wait_for(try_python(), 40 * SECOND))
    assert trial.recorded == ""
    assert [one.key for one in trial.steps] == [
        "connect",
        "camera",
        "events",
        "people",
        "track",
        "renderer",
        "screen",
    ]
    for key in ("camera", "screen"):
        named = {(one.sender, one.name) for one in snippets(key)[0].messages}
        seen = {(sender, name) for sender, name, _size in trial[key].messages}
        assert named - {("server", "update")} <= seen
    assert any(name == "join" for _who, name, _size in trial["connect"].messages)
    assert any(name == "update" for _who, name, _size in trial["events"].messages)
    assert trial["people"].came_out == "['bob']"
    assert "eyJ" not in str(trial)


def test_a_server_that_is_gone_is_told_in_words() -> None:
    class Gone(ForeignServer):
        udp_port = 9

    gone = Gone(ServerAddress("ws://127.0.0.1:9", "key", "s" * 32))
    with pytest.raises(CallError, match="broke off") as told:
        asyncio.run(asyncio.wait_for(try_python(gone), 30 * SECOND))
    assert "eyJ" not in str(told.value)


def test_a_foreign_server_cannot_be_listened_to() -> None:
    foreign = ForeignServer(ServerAddress("ws://127.0.0.1:9", "key", "s" * 32))
    with pytest.raises(BadValue, match="own=True"):
        asyncio.run(try_python(foreign))


def test_messages_are_counted_and_the_clocks_are_left_out() -> None:
    trickles = (("client", "trickle", 200), ("client", "trickle", 180))
    assert Step("connect", "", trickles).sent() == ["→ trickle × 2 (380 B)"]
    assert STEP.sent() == ["→ add_track (60 B)"]


def test_a_trial_is_shown_and_kept() -> None:
    trial = Trial((STEP,))
    assert "Just now" in str(trial)
    assert "<caption>" in trial._repr_html_()
    kept = from_json(to_json(trial, "2026-11-24"))
    assert kept.steps == trial.steps
    assert "2026-11-24" in str(kept)
    with pytest.raises(BadValue, match="There are camera"):
        trial["nothing"]


def test_the_recorded_trial_has_every_step() -> None:
    recorded = load_trial()
    assert recorded.recorded
    assert {"connect", "camera", "events", "renderer", "screen"} <= {
        one.key for one in recorded.steps
    }
    assert "add_track" in str(recorded["camera"].sent())


def test_without_a_server_the_recorded_trial_is_shown_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LAB_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    trial = asyncio.run(try_python())
    assert trial.steps == load_trial().steps
    assert trial.why in str(trial)
    assert trial.why
