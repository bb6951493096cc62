"""A student's code that never comes back is interrupted, so that somebody can say so.

Where it loops for ever, it stops the loop that carries the call: nobody there could tell. A
thread beside it raises an error inside it, which then goes the way of its other errors.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from labkit.words import _

__all__ = ["PATIENCE_S", "NeverReturned", "Watchdog"]

T = TypeVar("T")

PATIENCE_S = 2.0
"""How long a call may take; it usually takes some microseconds."""

TICK_S = 0.1

IDLE_S = 0.5
"""How long the thread stays without a call: nobody has to end it."""


class NeverReturned(Exception):
    """Raised inside what took too long."""

    def __str__(self) -> str:
        """Return what is said of it."""
        return _("it did not come back within {seconds:g} s").format(seconds=PATIENCE_S)


class Watchdog:
    """Watches calls, one at a time and always of one thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._inside: int | None = None
        self._interrupted = False
        self._awake = False

    def call(self, function: Callable[..., T], *args: object) -> T:
        """Return ``function(*args)``.

        Raises:
            NeverReturned: It took longer than ``PATIENCE_S`` and was interrupted.
        """
        self._enter()
        try:
            return function(*args)
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._lock:
            self._number += 1
            self._inside = threading.get_ident()
            if not self._awake:
                self._awake = True
                threading.Thread(target=self._watch, name="watchdog", daemon=True).start()

    def _leave(self) -> None:
        with self._lock:
            thread, self._inside = self._inside, None
            if self._interrupted and thread is not None:  # it may have come back just now
                self._interrupted = False
                _raise_in(thread, None)

    def _watch(self) -> None:
        number, ticks = -1, 0
        while True:
            time.sleep(TICK_S)
            with self._lock:
                # Its own ticks count: while all of the process stood still, so did they.
                ticks = ticks + 1 if self._number == number else 0
                number = self._number
                if self._inside is None and ticks * TICK_S >= IDLE_S:
                    self._awake = False
                    return
                if self._inside is not None and ticks * TICK_S >= PATIENCE_S:
                    self._interrupted, ticks = True, 0
                    _raise_in(self._inside, NeverReturned)


def _raise_in(thread: int, kind: type[Exception] | None) -> None:
    what = ctypes.py_object(kind) if kind is not None else None
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), what)
