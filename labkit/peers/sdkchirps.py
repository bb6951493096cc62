"""When each chirp was captured, shared by the participants of one process."""

from __future__ import annotations

from collections import deque
from weakref import WeakValueDictionary

from labkit.media.audio import BLOCK, SAMPLE_RATE
from labkit.media.chirps import SHAPES
from labkit.peers.clock import Clock

__all__ = ["ChirpBook", "book_of"]

OLDEST_S = float(len(SHAPES))
"""After as many seconds a chirp sounds like a later one."""


class ChirpBook:
    """Tells which chirp was heard: the SDK gives sound without a number or a timestamp."""

    def __init__(self) -> None:
        self._sent: dict[str, deque[tuple[int, float]]] = {}

    def sent(self, track: str, block: int, captured_s: float) -> None:
        """Note that a second of sound, and its chirp, began.

        Args:
            track: For instance ``alice:audio``.
            block: Number of the 20 ms block, a multiple of 50.
            captured_s: When the block was captured (seconds of the call).
        """
        self._sent.setdefault(track, deque(maxlen=2 * len(SHAPES))).append((block, captured_s))

    def heard(self, track: str, number: int, at_s: float) -> tuple[int, float] | None:
        """Return block and capture time of the newest chirp that it can have been.

        Args:
            track: The track that was heard.
            number: The chirp's number modulo 4, as its shape tells.
            at_s: When it was heard; it was captured less than 4 s before that.
        """
        for block, captured_s in reversed(self._sent.get(track, ())):
            second = block * BLOCK // SAMPLE_RATE
            if second % len(SHAPES) == number and 0 <= at_s - captured_s < OLDEST_S:
                return block, captured_s
        return None


_books: WeakValueDictionary[float, ChirpBook] = WeakValueDictionary()


def book_of(clock: Clock) -> ChirpBook:
    """Return the book of a call: the same for all participants of one second 0 in this process."""
    return _books.setdefault(clock.zero, ChirpBook())
