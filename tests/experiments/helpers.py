"""What the tests of calls share: small sources, limits, and a look at what was left behind."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil

from labkit.experiments.loop import lab_loop
from labkit.media import TestPattern
from tests.timing import SECOND

T = TypeVar("T")

PLACES = ("worker", "kernel")
SMALL = TestPattern(320, 240, fps=30)
LIMIT_S = 40 * SECOND


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine with a limit, so that no test can hang."""

    async def limited() -> T:
        return await asyncio.wait_for(work, LIMIT_S)

    return asyncio.run(limited())


def eventually(true: Callable[[], bool], within_s: float) -> bool:
    """Whether something becomes true within some seconds."""
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def family(pid: int) -> list[psutil.Process]:
    """Return a process and everything it has started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run."""
    return [process for process in processes if _runs(process)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


def child(module: str) -> psutil.Process:
    """Return the one helper process below this one that runs ``module``."""
    (found,) = [p for p in psutil.Process().children(recursive=True) if module in p.cmdline()]
    return found


@contextlib.contextmanager
def nothing_left(folder: Path | None = None, expected: tuple[str, ...] = ()) -> Iterator[None]:
    """Fail where something is still open 2 s after the body, or another file is in ``folder``."""
    before, holders = _open_things(), lab_loop._holders
    yield
    clean = eventually(lambda: _open_things() <= before, 2 * SECOND)
    assert clean, f"left behind: {_open_things() - before}"
    assert lab_loop._holders == holders
    if folder is not None:
        assert sorted(path.name for path in folder.iterdir()) == sorted(expected)


def _open_things() -> set[str]:
    me = psutil.Process()
    children = {f"process {p.pid} {p.cmdline()[-1:]}" for p in alive(me.children(recursive=True))}
    threads = {f"thread {t.name} {t.ident}" for t in threading.enumerate()}
    sockets = {f"socket {c.fd} {c.laddr}" for c in me.net_connections() if c.fd >= 0}
    return children | threads | sockets
