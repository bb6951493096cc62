"""Starts and ends that nobody waits for, and what a start that fails leaves as it was."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import labkit as lab
from labkit.errors import CallError, MediaError
from labkit.peers import codecs
from tests.experiments.helpers import SMALL, nothing_left, run


def small_call(**options: Any) -> Any:
    return lab.call(video=SMALL, **options)


def test_a_start_that_fails_costs_nobody_the_file_that_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.run"
    run(small_call(place="kernel").record(0.3, path))
    before = path.read_bytes()
    monkeypatch.setitem(codecs.VIDEO_CODECS, "vp8", "encoder-of-nobody")
    with nothing_left(tmp_path, ("a.run",)), pytest.raises(MediaError):
        run(small_call(place="kernel").record(0.3, path, force=True))
    assert path.read_bytes() == before
    monkeypatch.undo()
    run(small_call(place="kernel").record(0.3, path, force=True))
    assert lab.load_run(path).complete and path.read_bytes() != before


def test_a_button_starts_and_ends_a_call_without_waiting() -> None:
    async def until(call: Any, state: str) -> None:
        while call.state != state:  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def work() -> None:
        call = small_call(place="kernel")
        call.close_soon()  # nothing to close
        call.start_soon()
        with pytest.raises(CallError, match="running already"):
            call.start_soon()
        await until(call, "running")
        call.close_soon()
        await until(call, "closed")
        call.start_soon()
        call.close_soon()  # who pressed Stop knows why it did not start
        await until(call, "closed")
        assert call.failure is None

    with nothing_left():
        run(work())


def test_what_breaks_after_a_button_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(codecs.VIDEO_CODECS, "vp8", "encoder-of-nobody")
    call = small_call(place="kernel")

    async def work() -> None:
        call.start_soon()
        while call.state != "broken":  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    with nothing_left():
        run(work())
    assert isinstance(call.failure, MediaError)
