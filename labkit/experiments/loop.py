"""The lab loop: one asyncio loop in one daemon thread, never the notebook's own loop.

A busy cell stops the notebook's loop, and with it all media. The lab's loop goes on. It runs
while something holds it, and ends with the last holder, so that nothing is left behind.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["LabLoop", "lab_loop", "on_lab_loop"]

T = TypeVar("T")

SWITCH_INTERVAL_S = 0.0005
"""How soon a busy cell must let the lab's thread run; Python's default of 5 ms costs frames."""


class LabLoop:
    """Owns the thread; use the one instance ``lab_loop``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._usual_interval = sys.getswitchinterval()

    @property
    def running(self) -> bool:
        """Whether the thread is there."""
        return self._thread is not None

    def hold(self) -> None:
        """Keep the loop running until ``release`` is called as often."""
        with self._lock:
            self._holders += 1
            if self._thread is None:
                self._start()

    def release(self) -> None:
        """Let go; the last one to let go ends the thread (not from within it)."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._stop()

    def start(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the lab's loop."""
        assert self._loop is not None, "hold the loop first"
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call_soon(self, function: Any, *args: Any) -> None:
        """Call a function on the lab's loop from any thread."""
        assert self._loop is not None, "hold the loop first"
        self._loop.call_soon_threadsafe(function, *args)

    def _start(self) -> None:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._loop.call_soon(started.set)
        self._thread = threading.Thread(
            target=_run, args=(self._loop,), name="lab loop", daemon=True
        )
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()
        started.wait(5.0)

    def _stop(self) -> None:
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join(2.0)
        sys.setswitchinterval(self._usual_interval)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    loop.run_forever()
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


lab_loop = LabLoop()


async def on_lab_loop(work: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine that runs on the lab's loop; cancelling goes through."""
    return await asyncio.wrap_future(lab_loop.start(work))


@atexit.register
def _at_exit() -> None:
    if lab_loop.running:
        lab_loop._stop()
