"""The lab loop: one asyncio loop in one daemon thread, never the notebook's own loop.

A busy cell stops the notebook's loop, and with it all media. The lab's loop goes on. It runs
while something holds it, and ends with the last holder, so that nothing is left behind.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import sys
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, Generic, TypeVar

__all__ = ["Job", "LabLoop", "lab_loop", "on_lab_loop"]

T = TypeVar("T")

SWITCH_INTERVAL_S = 0.0005
"""How soon a busy cell must let the lab's thread run; Python's default of 5 ms costs frames."""

CLEAN_UP_S = 2.0
"""How long a cancelled waiter waits for what it waited for to clean up."""

LOOK_UP_S = 0.1
"""How often a waiter wakes up: ipykernel hears an interrupt only where its loop has work."""


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
        """Let go; the last one to let go ends the thread."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._stop()

    def start(self, work: Coroutine[Any, Any, T]) -> Job[T]:
        """Run a coroutine on the lab's loop, which is held until it has ended."""
        return Job(self, work)

    def call_soon(self, function: Any, *args: Any) -> None:
        """Call a function on the lab's loop from any thread; nothing happens where it has ended."""
        loop = self._loop
        try:
            if loop is not None:
                loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # it has ended just now
            pass

    def _start(self) -> None:
        started: concurrent.futures.Future[asyncio.AbstractEventLoop] = concurrent.futures.Future()
        self._thread = threading.Thread(target=_run, args=(started,), name="lab loop", daemon=True)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self._thread.start()
        self._loop = started.result(5.0)

    def _stop(self) -> None:
        loop, thread = self._loop, self._thread
        self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join(CLEAN_UP_S)
        sys.setswitchinterval(self._usual_interval)


class Job(Generic[T]):
    """A coroutine on the lab's loop, to be awaited from any loop; it holds the lab's loop.

    Args:
        lab: The lab's loop.
        work: The coroutine.
    """

    def __init__(self, lab: LabLoop, work: Coroutine[Any, Any, T]) -> None:
        self.ended: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._lab = lab
        self._task: asyncio.Task[T] | None = None
        lab.hold()
        lab.call_soon(self._begin, work)

    def done(self) -> bool:
        """Whether the coroutine has ended."""
        return self.ended.done()

    def cancel(self) -> None:
        """Cancel the coroutine, which may take its time to clean up."""
        self._lab.call_soon(self._cancel)

    async def wait(self, *, cancel: bool = True) -> T:
        """Return the coroutine's result.

        A waiter that is cancelled cancels the coroutine too (unless ``cancel`` is False) and
        leaves when that has ended, ``CLEAN_UP_S`` later at most.
        """
        try:
            await self.settled()
        except asyncio.CancelledError:
            if cancel:
                self.cancel()
            await self.settled(CLEAN_UP_S)
            raise
        return self.ended.result()

    async def settled(self, timeout: float | None = None) -> bool:
        """Wait until the coroutine has ended, however it did; False when it takes longer."""
        over = asyncio.Event()
        loop = asyncio.get_running_loop()

        def tell(_ended: concurrent.futures.Future[T]) -> None:
            try:
                loop.call_soon_threadsafe(over.set)
            except RuntimeError:  # nobody waits any more
                pass

        self.ended.add_done_callback(tell)
        try:
            async with asyncio.timeout(timeout):
                with _looking_up(loop):
                    await over.wait()
        except TimeoutError:
            return False
        return True

    # What follows runs on the lab's loop.

    def _begin(self, work: Coroutine[Any, Any, T]) -> None:
        self._task = asyncio.get_running_loop().create_task(work)
        self._task.add_done_callback(self._end)

    def _cancel(self) -> None:
        assert self._task is not None
        # One turn later: a task that is cancelled before its first step has no say in it.
        asyncio.get_running_loop().call_soon(self._task.cancel)

    def _end(self, task: asyncio.Task[T]) -> None:
        if task.cancelled():
            self.ended.set_exception(asyncio.CancelledError())
        elif (error := task.exception()) is not None:
            self.ended.set_exception(error)
        else:
            self.ended.set_result(task.result())
        self._lab.release()


@contextlib.contextmanager
def _looking_up(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    timers: list[asyncio.TimerHandle] = []

    def again() -> None:
        timers[:] = [loop.call_later(LOOK_UP_S, again)]

    again()
    try:
        yield
    finally:
        timers[0].cancel()


def _run(started: concurrent.futures.Future[asyncio.AbstractEventLoop]) -> None:
    with asyncio.Runner() as runner:  # cancels and awaits what is left when the loop stops
        loop = runner.get_loop()
        loop.call_soon(started.set_result, loop)
        loop.run_forever()


lab_loop = LabLoop()


async def on_lab_loop(work: Coroutine[Any, Any, T]) -> T:
    """Await a coroutine that runs on the lab's loop; cancelling goes through."""
    return await lab_loop.start(work).wait()


@atexit.register
def _at_exit() -> None:
    if lab_loop.running:
        lab_loop._stop()
