"""An encoder that helps itself to real-time priority has to give it back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["priority_kept"]

_TASKS = Path("/proc/self/task")


@contextmanager
def priority_kept() -> Iterator[None]:
    """Give this process's threads their scheduling back after the block.

    SVT-AV1 puts the thread that opens it, and its own threads, at the highest real-time priority
    of the system where it may (as root). Whatever the process starts later would inherit that
    and starve the rest of the machine.
    """
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, param = os.sched_getscheduler(0), os.sched_getparam(0)
    before = _threads()
    try:
        yield
    finally:
        for thread in {0, *_threads()} - before:
            _restore(thread, policy, param)


def _threads() -> set[int]:
    return {int(task.name) for task in _TASKS.iterdir()} if _TASKS.is_dir() else set()


def _restore(thread: int, policy: int, param: os.sched_param) -> None:
    try:
        if os.sched_getscheduler(thread) != policy:
            os.sched_setscheduler(thread, policy, param)
    except (ProcessLookupError, PermissionError):  # it has ended meanwhile, or took nothing
        pass
