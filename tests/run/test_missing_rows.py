"""Rows that a recorder was too slow to take are counted, and said; a long run may take its time."""

from __future__ import annotations

import asyncio
import queue
from pathlib import Path
from typing import Any

import pytest

from labkit.net.relay_handle import Relay
from labkit.run import Run, load_run
from labkit.run.feed import Feed
from labkit.run.recorder import Recorder
from labkit.run.recorder_handle import FINISH_S, RecorderHandle
from labkit.run.schema import row
from labkit.run.summary import describe
from labkit.run.tap import Tap
from tests.run.test_recorder import TOKEN, connected


def test_a_tap_says_what_was_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = Tap()
    assert tap.detach() == 0
    with connected() as (near, _far):  # nobody reads
        tap.attach(Feed(near, TOKEN))
        assert tap.detach() == 0  # little fits into the socket
    monkeypatch.setattr("labkit.run.feed.BUFFER_BYTES", 20_000_000)
    with connected() as (near, _far):
        tap.attach(feed := Feed(near, TOKEN))
        for _k in range(3):
            tap.add("packets", data=bytes(15_000_000))
            tap.flush()
        assert feed.dropped_rows == 2
        monkeypatch.setattr(feed, "flush", lambda: False)
        assert tap.detach() == 2


class Pipe:
    def send(self, message: Any) -> None:
        raise AssertionError(message)


def test_a_recorder_counts_what_it_did_not_wait_for(tmp_path: Path) -> None:
    inbox: queue.Queue[Any] = queue.Queue()
    recorder = Recorder(Pipe(), inbox)  # type: ignore[arg-type]
    recorder.do_open(str(tmp_path / "a.run"), {}, 0.0, 0, False)
    recorder.do_set_meta({"missing_rows": 3})
    recorder._drain = lambda seconds: None  # type: ignore[method-assign]  # a disk that stalls
    event = row("events", at_s=0.1, peer="alice", name="x")
    inbox.put({"events": [event, event]})
    inbox.put((7, "listen", {}))
    recorder.do_finish(join=True)
    assert load_run(tmp_path / "a.run").meta["missing_rows"] == 5
    assert inbox.get_nowait() == (7, "listen", {})


@pytest.mark.parametrize(("missing", "said"), [(12, True), (0, False), (None, False)])
def test_a_run_says_so(missing: int | None, said: bool) -> None:
    run = Run.from_tables({"missing_rows": missing})
    assert any("12 rows did not reach" in line for line in describe(run)) is said


def test_what_peers_and_relay_could_not_hand_over_is_added_up() -> None:
    from labkit.experiments.basesession import BaseSession

    class Counted(Tap):
        def detach(self) -> int:
            return 2

    class SlowRelay:
        async def detach(self) -> int:
            return 3

    session = BaseSession.__new__(BaseSession)
    session.peers, session.tap = {}, Counted()
    session._relay = SlowRelay()  # type: ignore[assignment]
    session._note_event = lambda *told: None  # type: ignore[method-assign]
    session._book = type("Book", (), {"sweep": lambda self, older_than_s: None})()
    assert asyncio.run(session.detach()) == 5
    assert Relay.detach.__annotations__["return"] == "int"


def test_a_long_recording_may_take_long_to_finish() -> None:
    asked: list[float] = []

    class Child:
        on_message: Any = None

        def __init__(self) -> None:
            self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def call(self, method: str, timeout: float, **arguments: Any) -> bytes:
            asked.append(timeout)
            return b""

    async def work() -> None:
        handle = RecorderHandle(Child())  # type: ignore[arg-type]
        await handle.finish()
        await handle.finish(recorded_s=3600.0)

    asyncio.run(work())
    assert asked == [FINISH_S, FINISH_S + 3600.0]
