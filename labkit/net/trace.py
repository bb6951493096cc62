"""Links of a recorded, changing capacity: Mahimahi's trace format."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from labkit.errors import BadValue
from labkit.net.checks import whole_number
from labkit.words import _

__all__ = ["OPPORTUNITY_BYTES", "Opportunities", "Trace"]

OPPORTUNITY_BYTES = 1500
"""What one line of a trace lets through."""


@dataclass(frozen=True, repr=False)
class Trace:
    """When a link may deliver: each entry lets 1500 bytes pass, and the whole repeats for ever.

    Bytes are counted, not packets: a large datagram takes several opportunities, small ones
    share one, and an opportunity that nobody waits for is lost. Source: mm-link(1) of Mahimahi.

    Args:
        times_ms: Whole milliseconds from the start, in order; the last one (> 0) is the period.

    Raises:
        BadValue: The times are empty, out of order, negative or end at 0.
    """

    times_ms: tuple[int, ...]

    def __post_init__(self) -> None:
        if isinstance(self.times_ms, str) or not isinstance(self.times_ms, Sequence):
            raise _bad_trace(_("It is {value!r}.").format(value=self.times_ms))
        times = tuple(whole_number("times_ms", time, 0, 10**9, "ms") for time in self.times_ms)
        object.__setattr__(self, "times_ms", times)
        if not times or times[-1] <= 0:
            raise _bad_trace(_("It has no time after 0 ms."))
        if any(later < earlier for earlier, later in pairwise(times)):
            raise _bad_trace(_("Its times go back."))

    @classmethod
    def parse(cls, text: str) -> Trace:
        """Read a trace: one whole number of milliseconds per line.

        Args:
            text: In the format of mahimahi's traces; empty lines do not count.

        Raises:
            BadValue: A line is no whole number, or the times are not a trace.
        """
        times = []
        for number, line in enumerate(text.splitlines(), 1):
            word = line.strip()
            if word.isascii() and word.isdigit():
                times.append(int(word))
            elif word:
                raise _bad_trace(
                    _("Line {number} is {line!r}.").format(number=number, line=word[:40])
                )
        return cls(tuple(times))

    @classmethod
    def load(cls, path: str | Path) -> Trace:
        """Read a trace from a file.

        Args:
            path: A text file in UTF-8.

        Raises:
            BadValue: The file cannot be read or is not a trace.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadValue(
                _("The trace {path} cannot be read.").format(path=path), f"{error}."
            ) from None
        return cls.parse(text)

    @property
    def period_ms(self) -> int:
        """After how many milliseconds the trace starts again."""
        return self.times_ms[-1]

    @property
    def mean_kbps(self) -> float:
        """What the link carries on average, in kbit/s, headers included."""
        return len(self.times_ms) * OPPORTUNITY_BYTES * 8 / self.period_ms

    def __repr__(self) -> str:
        return f"<Trace of {self.period_ms / 1000:g} s, {self.mean_kbps:.0f} kbit/s on average>"


def _bad_trace(why: str) -> BadValue:
    return BadValue(
        _("This is not a Mahimahi trace."),
        why,
        _("A trace has one whole number of milliseconds per line, in order, like 0, 1, 1, 5."),
    )


class Opportunities:
    """Hands out the bytes of a trace in order, each once.

    Args:
        trace: When bytes may leave; its second 0 is the clock's second 0.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._number = 0
        self._left = OPPORTUNITY_BYTES

    def take(self, from_s: float, size_bytes: int) -> float:
        """Use up ``size_bytes`` not before ``from_s``; return when the last one leaves (s)."""
        if self._time_s(self._number) < from_s:
            self._number = self._first_from(from_s)
            self._left = OPPORTUNITY_BYTES
        while size_bytes > self._left:
            size_bytes -= self._left
            self._left = OPPORTUNITY_BYTES
            self._number += 1
        self._left -= size_bytes
        return self._time_s(self._number)

    def _time_s(self, number: int) -> float:
        rounds, index = divmod(number, len(self.trace.times_ms))
        return (rounds * self.trace.period_ms + self.trace.times_ms[index]) / 1000

    def _first_from(self, from_s: float) -> int:
        rounds, rest_ms = divmod(from_s * 1000, self.trace.period_ms)
        times = self.trace.times_ms
        number = int(rounds) * len(times) + bisect_left(times, rest_ms)
        # The product above may be rounded up past the opportunity at exactly from_s.
        while number > 0 and self._time_s(number - 1) >= from_s:
            number -= 1
        while self._time_s(number) < from_s:
            number += 1
        return number
