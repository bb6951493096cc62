"""An encoder must not leave the process at real-time priority: what it starts would inherit it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from labkit.codecs import compare_video, film_like
from labkit.codecs.priority import priority_kept


def scheduling() -> set[int]:
    return {os.sched_getscheduler(int(task.name)) for task in Path("/proc/self/task").iterdir()}


@pytest.mark.skipif(sys.platform != "linux", reason="needs Windows or macOS to do the same")
def test_an_encoder_that_takes_real_time_priority_gives_it_back() -> None:
    before = scheduling()
    done = compare_video(film_like(0.5, width=320, height=180, fps=15), ["av1"], [200])
    assert not done.missing and not done.failed
    assert scheduling() == before


@pytest.mark.skipif(sys.platform != "linux", reason="needs Windows or macOS to do the same")
def test_what_was_taken_inside_is_given_back() -> None:
    before = os.sched_getscheduler(0)
    try:
        with priority_kept():
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    finally:
        assert os.sched_getscheduler(0) == before
