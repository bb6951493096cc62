"""Code that never comes back is interrupted and named; what is slow but ends is left alone."""

from __future__ import annotations

import time
from typing import Any

import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.peers import watchdog
from labkit.peers.watchdog import NeverReturned, Watchdog
from tests.experiments.helpers import PLACES, SMALL, nothing_left, run

ENDLESS = """
class Endless:
    def __init__(self, capacity, is_video=True):
        self.next = None

    def add(self, packet):
        while self.next is None:
            pass
        return False, None
"""


def test_what_returns_or_raises_is_left_alone() -> None:
    with nothing_left():
        dog = Watchdog()
        assert [dog.call(divmod, 7, k) for k in (2, 3)] == [(3, 1), (2, 1)]
        with pytest.raises(ZeroDivisionError):
            dog.call(divmod, 7, 0)


def test_an_endless_loop_is_interrupted_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PATIENCE_S", 0.3)

    def endless() -> None:
        while True:
            pass

    with nothing_left():
        dog = Watchdog()
        for _twice in range(2):
            with pytest.raises(NeverReturned, match="did not come back"):
                dog.call(endless)
            assert dog.call(divmod, 7, 2) == (3, 1)
        for _k in range(8):  # many calls, each short: longer together than one may take
            dog.call(time.sleep, 0.1)


@pytest.mark.parametrize("place", PLACES)
def test_a_buffer_that_never_returns_is_named(place: str) -> None:
    cell: dict[str, Any] = {"__name__": "__main__"}
    exec(ENDLESS, cell)
    call = lab.call(video=SMALL, jitter_buffer=cell["Endless"], place=place)
    told = r"Endless failed in add\(\): it did not come back within 2 s.* line [78]"
    with nothing_left(), pytest.raises(CallError, match=told):
        run(call.record(30))
