"""A thread that makes things ahead of the time they are needed, and never too many."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from time import monotonic
from typing import Generic, TypeVar

from labkit.errors import LabError, MediaError, WaitTimeout
from labkit.words import _

__all__ = ["Ahead"]

T = TypeVar("T")

Wanted = Callable[[], int]
"""Says the lowest number that is still of use, so that the maker can skip what is not.

It ends a maker that asks after the close.
"""


class _Closed(Exception):
    """Ends the maker."""


class Ahead(Generic[T]):
    """Runs a generator of numbered items in a thread, at most ``limit`` items ahead.

    Args:
        make: Called in the thread; gets a ``Wanted`` and yields (number, item), numbers rising.
        limit: How many items may wait.
        name: Name of the thread.
    """

    def __init__(
        self, make: Callable[[Wanted], Generator[tuple[int, T], None, None]], limit: int, name: str
    ) -> None:
        self._make = make
        self._limit = limit
        self._ready: deque[tuple[int, T]] = deque()
        self._current: tuple[int, T] | None = None
        self._newest = -1
        self._wanted = 0
        self._closed = False
        self._error: LabError | None = None
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def take(self, k: int) -> tuple[int, T] | None:
        """Return the newest item up to number ``k`` and let older ones go; never waits.

        Raises:
            LabError: The maker has failed and nothing of its work is left.
        """
        with self._change:
            self._advance(k)
            if self._error and not self._ready:
                raise self._error
            return self._current

    def wait_for(self, k: int, timeout_s: float) -> None:
        """Wait until item ``k`` is there.

        Raises:
            WaitTimeout: It did not come in time.
            LabError: The maker failed before it came to ``k``.
        """
        deadline = monotonic() + timeout_s
        with self._change:
            while self._newest < k:
                self._advance(k)
                if self._error:
                    raise self._error
                if not self._change.wait(deadline - monotonic()):
                    raise WaitTimeout(
                        _("The media file gave nothing within {timeout:g} s.").format(
                            timeout=timeout_s
                        ),
                        _("It is on a slow disk, or very large."),
                        _("Copy it to this machine, or make a smaller version."),
                    )

    def close(self, timeout_s: float = 2.0) -> None:
        """End the thread and drop what it made."""
        with self._change:
            self._closed = True
            self._ready.clear()
            self._current = None
            self._change.notify_all()
        self._thread.join(timeout_s)

    def _advance(self, k: int) -> None:
        self._wanted = max(self._wanted, k)
        while self._ready and self._ready[0][0] <= k:
            self._current = self._ready.popleft()
        self._change.notify_all()

    def _run(self) -> None:
        items = self._make(self._still_wanted)
        try:
            for number, item in items:
                if not self._put(number, item):
                    return
        except _Closed:
            pass
        except LabError as error:
            self._fail(error)
        except Exception as error:
            self._fail(MediaError(_("The media file could not be read on."), str(error)))
        finally:
            items.close()

    def _still_wanted(self) -> int:
        if self._closed:
            raise _Closed
        return self._wanted

    def _put(self, number: int, item: T) -> bool:
        """Add an item when there is room for it; False when nobody wants it any more."""
        with self._change:
            self._change.wait_for(lambda: self._closed or len(self._ready) < self._limit)
            if not self._closed:
                self._ready.append((number, item))
                self._newest = number
                self._change.notify_all()
            return not self._closed

    def _fail(self, error: LabError) -> None:
        with self._change:
            self._error = error
            self._change.notify_all()
