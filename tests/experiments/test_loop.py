"""The lab's loop lives as long as somebody holds it; errors travel whole."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sys
import threading
import time

import pytest

from labkit import errors
from labkit.experiments.loop import LabLoop, lab_loop, on_lab_loop
from tests.experiments.helpers import eventually, nothing_left, run
from tests.timing import SECOND

ERRORS = [getattr(errors, name) for name in errors.__all__]


async def where() -> int:
    return threading.get_ident()


def test_work_runs_beside_the_caller_and_leaves_no_thread() -> None:
    usual = sys.getswitchinterval()
    with nothing_left():
        assert run(on_lab_loop(where())) != threading.get_ident()
    assert sys.getswitchinterval() == usual


def test_holders_are_counted() -> None:
    lab = LabLoop()
    for _k in range(3):
        lab.hold()
    thread = lab._thread
    for left in (2, 1, 0):
        assert lab.running and thread is not None and thread.is_alive()
        lab.release()
        assert lab._holders == left
    assert not lab.running and not thread.is_alive()
    lab.call_soon(print, "nobody hears this")  # no error, and nothing is printed
    lab.hold()
    assert lab._thread is not thread
    lab.release()


def test_errors_and_results_come_back() -> None:
    async def fail() -> None:
        raise errors.BadValue("no.")

    async def work() -> None:
        with pytest.raises(errors.BadValue, match="no"):
            await on_lab_loop(fail())
        assert await on_lab_loop(asyncio.sleep(0, "yes")) == "yes"

    with nothing_left():
        run(work())


@pytest.mark.parametrize("after_s", [0.0, 0.1])
def test_a_cancelled_waiter_leaves_when_the_work_has_cleaned_up(after_s: float) -> None:
    told: list[str] = []

    async def slow() -> None:
        told.append("begun")
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.1)
            told.append("cleaned up")

    async def work() -> None:
        task = asyncio.create_task(on_lab_loop(slow()))
        await asyncio.sleep(after_s)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    with nothing_left():
        run(work())
    assert told in ([], ["begun", "cleaned up"])


def test_closing_work_goes_on_when_its_waiter_is_cancelled() -> None:
    async def closing() -> str:
        await asyncio.sleep(0.2)
        return "closed"

    async def work() -> str:
        job = lab_loop.start(closing())
        waiter = asyncio.create_task(job.wait(cancel=False))
        await asyncio.sleep(0.05)
        waiter.cancel()
        await asyncio.wait([waiter])
        assert waiter.cancelled() and job.done()
        return await job.wait()

    with nothing_left():
        assert run(work()) == "closed"


def test_what_is_left_is_cancelled_when_the_loop_is_stopped() -> None:
    lab = LabLoop()
    told: list[str] = []

    async def left() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            told.append("cancelled")

    job = lab.start(left())
    time.sleep(0.05 * SECOND)
    lab._stop()  # what happens when Python ends
    assert eventually(lambda: told == ["cancelled"], 1 * SECOND)
    assert job.done()


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("way", [copy.copy, lambda error: pickle.loads(pickle.dumps(error))])
def test_errors_keep_their_three_parts(kind: type[errors.LabError], way: object) -> None:
    error = kind("What.", "Why.", "Next.")
    error.next_step = "Another step."
    other = way(error)  # type: ignore[operator]
    assert type(other) is kind
    assert (other.what, other.why, other.next_step) == ("What.", "Why.", "Another step.")
    assert str(other) == "What. Why. Another step."
