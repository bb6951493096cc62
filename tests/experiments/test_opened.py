"""A call whose variable was overwritten is named, and can still be closed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import labkit as lab
from labkit.experiments import experiment
from labkit.experiments.opened import opened
from tests.experiments.helpers import SMALL, eventually, nothing_left, run
from tests.timing import SECOND


def small_call() -> Any:
    return lab.call(video=SMALL, place="kernel")


def test_a_cell_that_runs_twice_says_so_and_nothing_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(experiment, "in_notebook", lambda: True)

    async def work() -> int:
        call = small_call()
        await call.start()
        assert capsys.readouterr().out == "" and call.beside() == ""
        call = small_call()
        await call.start()
        said = capsys.readouterr().out
        assert "still running" in said and "lab.close_all()" in said
        assert call.beside() in said
        return int(await lab.close_all())

    with nothing_left():
        assert run(work()) == 2
    assert opened.all() == []
    assert run(lab.close_all()) == 0


def test_a_button_and_its_panel_say_so_too() -> None:
    async def work() -> None:
        first, second = small_call(), small_call()
        first.start_soon()
        assert eventually(lambda: first.state == "running", 20 * SECOND)
        with_panel = second.show()
        assert "still running" in with_panel.view.state["text"]
        with_panel.close()
        await lab.close_all()
        assert (first.state, second.beside()) == ("closed", "")

    with nothing_left():
        run(work())


def test_calls_that_end_on_their_own_are_no_matter() -> None:
    async def work() -> None:
        async with small_call() as one, small_call() as other:
            assert one.beside() == other.beside() == ""
            assert opened.all() == [one, other]
        starting = asyncio.create_task(small_call().start())
        while not opened.all():  # noqa: ASYNC110
            await asyncio.sleep(0)
        assert await lab.close_all() == 1  # also while it starts
        with pytest.raises(lab.CallError):
            await starting

    with nothing_left():
        run(work())
    assert opened.all() == []
