"""A worker that is prepared before Start: taken once, never two, and gone when it should be."""

from __future__ import annotations

import os
import signal
from typing import Any

import psutil
import pytest

import labkit as lab
from labkit.experiments import spare as spare_module
from labkit.experiments.spare import spare
from tests.experiments.helpers import SMALL, eventually, nothing_left, run
from tests.timing import SECOND


def small_call(**options: Any) -> Any:
    return lab.call(video=SMALL, **options)


def workers() -> list[int]:
    """The workers below this process."""
    children = psutil.Process().children()
    return [p.pid for p in children if "labkit.experiments.worker" in p.cmdline()]


def until_there_is_one() -> int:
    assert eventually(lambda: len(workers()) == 1, 5 * SECOND)
    return workers()[0]


def test_the_call_that_starts_gets_it_and_closing_leaves_nothing() -> None:
    async def work(pid: int) -> None:
        async with call:
            assert workers() == [pid]
            assert not spare.ready

    call = small_call()
    with nothing_left():
        call.prepare_soon()
        run(work(until_there_is_one()))


def test_there_is_never_a_second_one_and_it_ends_with_its_last_owner() -> None:
    one, other = small_call(), small_call()
    with nothing_left():
        for call in (one, other, one):
            call.prepare_soon()
        until_there_is_one()
        one.unprepare_soon()
        assert not eventually(lambda: workers() == [], 0.3)
        assert spare.ready
        run(other.close())
        assert not spare.ready
    assert other.state == "new"


def test_it_ends_when_nobody_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare_module, "IDLE_S", 0.2)
    with nothing_left():
        small_call().prepare_soon()
        until_there_is_one()
        assert eventually(lambda: not spare.ready, 5 * SECOND)


def test_a_call_starts_where_it_was_killed() -> None:
    async def work() -> None:
        async with call:
            assert workers() != [pid]

    call = small_call()
    with nothing_left():
        call.prepare_soon()
        pid = until_there_is_one()
        os.kill(pid, signal.SIGKILL)
        run(work())


def test_closing_at_once_and_a_call_in_the_kernel_prepare_nothing() -> None:
    with nothing_left():
        call = small_call()
        call.prepare_soon()
        run(call.close())
        small_call(place="kernel").prepare_soon()
        assert not spare.ready


def test_a_start_that_is_interrupted_while_it_is_being_prepared_leaves_nothing() -> None:
    call = small_call()
    with nothing_left():
        call.prepare_soon()
        call.start_soon()
        call.close_soon()
        assert eventually(lambda: call.state == "closed", 5 * SECOND)


def test_what_cannot_be_prepared_is_an_error_of_the_start_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_arguments: Any) -> Any:
        raise OSError("no more processes")

    call = small_call()
    with nothing_left():
        monkeypatch.setattr(spare_module, "carrier_for", refuse)
        call.prepare_soon()
        assert eventually(lambda: spare.ready, SECOND)
        run(call.start())
        run(call.close())
