"""A chapter's stage: scenes on a real server, and from a file where there is none."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from labkit.errors import BadValue, CallError, LabError, MissingPart, WaitTimeout
from labkit.rooms import staging
from labkit.rooms.gotool import BuildStopped
from labkit.rooms.running import LivekitServer
from labkit.rooms.staging import pack, stage, unpack


async def names(livekit: Any) -> list[str]:
    from livekit import api

    await livekit.room.create_room(api.CreateRoomRequest(name="here", empty_timeout=5))
    found = await livekit.room.list_rooms(api.ListRoomsRequest())
    return [one.name for one in found.rooms]


async def table() -> pd.DataFrame:
    return pd.DataFrame({"who": ["alice"], "ms": [1.5]})


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(MissingPart("There is no Go.", "It is not installed."), monkeypatch)


def fail_with(error: LabError, monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(_server: LivekitServer) -> None:
        raise error

    monkeypatch.setattr(LivekitServer, "start", start)
    for name in ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"):
        monkeypatch.delenv(name, raising=False)


def test_a_scene_is_played_and_kept(livekit_binary: Path, tmp_path: Path) -> None:
    async def work() -> None:
        made = await stage(tmp_path / "scenes.json")
        try:
            assert "ready after" in repr(made)
            assert await made.play(names) == ["here"]
            assert (await made.play(table)).to_dict("list") == {"who": ["alice"], "ms": [1.5]}
            assert made.played["names"] == ["here"]
        finally:
            await made.close()
        assert made.server is not None and not made.server.alive

    asyncio.run(work())


def test_the_first_cell_run_again_leaves_no_server(livekit_binary: Path, tmp_path: Path) -> None:
    async def work() -> None:
        first = await stage(tmp_path / "scenes.json")
        second = await stage(tmp_path / "scenes.json")
        assert first.server is not None and not first.server.alive
        assert second.server is not None and second.server.alive
        await second.close()
        await second.close()
        assert staging._open == {}

    asyncio.run(work())


@pytest.mark.usefixtures("no_server")
def test_without_a_server_it_says_why_and_shows_what_was_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "scenes.json"
    kept = {"recorded": "2026-11-24", "scenes": {"names": ["there"], "table": pack(_frame())}}
    path.write_text(json.dumps(kept), "utf-8")

    async def work() -> None:
        made = await stage(path)
        assert repr(made).startswith("There is no Go. It is not installed.")
        assert await made.play(names) == ["there"]
        assert "Recorded on 2026-11-24" in capsys.readouterr().out
        assert (await made.play(table)).equals(_frame())
        await made.open("a room that is never started")
        with pytest.raises(CallError, match="“other”"):
            await made.play(other)
        await made.close()

    asyncio.run(work())


@pytest.mark.parametrize(
    "error",
    [
        LabError("The LiveKit server was built, but does not run."),
        WaitTimeout("The LiveKit server was not built within 30 minutes."),
        CallError("The LiveKit server ws://127.0.0.1:7880 does not answer."),
    ],
)
def test_whatever_keeps_a_server_away_leaves_the_chapter_its_recorded_scenes(
    error: LabError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(error, monkeypatch)
    made = asyncio.run(stage(tmp_path / "scenes.json"))
    assert made.server is None
    assert repr(made) == f"{error} What was recorded on another machine is shown instead."


@pytest.mark.parametrize("error", [BadValue("port cannot be 0."), BuildStopped("Stopped.")])
def test_a_wrong_setting_and_a_build_that_was_stopped_are_said(
    error: LabError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(error, monkeypatch)
    with pytest.raises(type(error)):
        asyncio.run(stage(tmp_path / "scenes.json"))


async def other() -> None:
    raise AssertionError("it must not be played")


def test_values_come_back_as_json_has_them() -> None:
    assert unpack(pack({"a": (1, 2.5), "b": None})) == {"a": [1, 2.5], "b": None}
    assert unpack(pack(_frame())).equals(_frame())


def _frame() -> pd.DataFrame:
    return pd.DataFrame({"who": ["alice", "bob"], "n": [1, 2]})
