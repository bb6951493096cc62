"""However a call ends, nothing of it is left two seconds later."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

import labkit as lab
from labkit.errors import CallError, LabError, MediaError
from labkit.experiments import recording
from labkit.peers import codecs
from tests.experiments.helpers import PLACES, SMALL, alive, child, eventually, nothing_left, run
from tests.timing import SECOND, until

each_place = pytest.mark.parametrize("place", PLACES)


def small_call(**options: Any) -> Any:
    return lab.call(video=SMALL, **options)


async def until_frames_are_recorded(call: Any) -> None:
    (handle,) = call._recordings
    while handle._from_s is None:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)


@each_place
def test_an_exception_in_the_body_closes_the_call(place: str) -> None:
    async def work() -> None:
        async with small_call(place=place) as call:
            assert "running" in repr(call)
            raise LookupError("of the student")

    with nothing_left(), pytest.raises(LookupError):
        run(work())


def test_closing_twice_and_closing_what_never_ran() -> None:
    async def work() -> None:
        call = small_call(place="kernel")
        await call.close()
        await call.start()
        with pytest.raises(CallError, match="running already"):
            await call.start()
        await call.close()
        await call.close()
        assert call.state == "closed"
        with pytest.raises(CallError, match="not running"):
            await call.ask("bob", lambda peer: 1)
        await call.start()  # a call can be started again
        await asyncio.gather(call.close(), call.close())

    with nothing_left():
        run(work())


@each_place
def test_a_start_that_fails_halfway_leaves_nothing(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unmakable:
        def add(self, packet: Any) -> None: ...

    monkeypatch.setitem(codecs.VIDEO_CODECS, "vp8", "encoder-of-nobody")  # in this process
    options = {} if place == "kernel" else {"jitter_buffer": Unmakable}
    call = small_call(place=place, **options)
    with nothing_left():
        with pytest.raises((MediaError, CallError), match=r"codec|could not be made"):
            run(call.start())
    assert call.state == "closed"


@each_place
@pytest.mark.parametrize("carried", [False, True])
def test_a_start_that_is_cancelled_leaves_nothing(place: str, carried: bool) -> None:
    async def work() -> None:
        call = small_call(place=place)
        task = asyncio.create_task(call.start())
        await asyncio.sleep(0)
        while carried and call._carrier is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: call.state == "closed")  # a slow one ends later

    with nothing_left():
        run(work())


@each_place
def test_a_start_that_is_closed_says_so(place: str) -> None:
    async def work() -> None:
        call = small_call(place=place)
        starting = asyncio.create_task(call.start())
        while call._carrier is None:  # noqa: ASYNC110
            await asyncio.sleep(0)
        with pytest.raises(CallError, match="still starting"):
            call.start_recording(1)
        await call.close()
        with pytest.raises(CallError, match="closed while it started"):
            await starting

    with nothing_left():
        run(work())


@each_place
def test_a_cancelled_record_closes_all_and_keeps_the_run(place: str, tmp_path: Path) -> None:
    async def work() -> None:
        call = small_call(place=place)
        task = asyncio.create_task(call.record(30, tmp_path / "a.run"))
        await asyncio.sleep(0)
        await until_frames_are_recorded(call)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with nothing_left(tmp_path, ("a.run",)):
        run(work())
    one = lab.load_run(tmp_path / "a.run")
    assert "interrupted" in one.meta["closed_by"]
    assert one.summary()["frames"]["shown"] > 3


def test_closing_ends_a_recording_and_keeps_it(tmp_path: Path) -> None:
    async def work() -> lab.Run:
        async with small_call() as call:
            handle = call.start_recording(30, tmp_path / "a.run")
            with pytest.raises(CallError, match="recorded already"):
                call.start_recording(1)
            await until_frames_are_recorded(call)
        return await handle

    with nothing_left(tmp_path, ("a.run",)):
        one = run(work())
    assert one.complete and one.meta["closed_by"] == "the call"
    assert one.meta["recorded_to_s"] - one.meta["recorded_from_s"] < 20


def test_closing_ends_a_long_recording_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "LONG_S", 0.0)

    async def work() -> lab.Run:
        async with small_call(place="kernel") as call:
            handle = call.start_recording(30)
            await until_frames_are_recorded(call)
        return await handle

    with nothing_left():
        one = run(work())
    assert not one.complete and one.digest is None
    assert one.meta["closed_by"] == "the call"
    counts = one.summary()["frames"]
    assert counts["shown"] > 3 and counts["sent"] == counts["shown"] + counts["lost"]


def test_closing_before_the_first_frame_keeps_no_run(tmp_path: Path) -> None:
    async def work() -> None:
        async with small_call(link=lab.Link(rate_kbps=20, queue_bytes=5_000)) as call:
            handle = call.start_recording(30, tmp_path / "a.run")
        with pytest.raises(CallError, match="closed before its first frame"):
            await handle

    with nothing_left(tmp_path):
        run(work())


def test_a_recorder_that_does_not_end_in_time_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "HURRY_S", 0.0)

    async def work() -> None:
        async with small_call() as call:
            handle = call.start_recording(30, tmp_path / "a.run")
            await until_frames_are_recorded(call)
            await asyncio.sleep(1.0 * SECOND)  # the recorder commits four times a second
        with pytest.raises(LabError, match=r"a\.run"):
            await handle

    with nothing_left():
        run(work())
    assert len(lab.load_run(tmp_path / "a.run").frames) > 0


@pytest.mark.parametrize(
    ("place", "module", "told"),
    [("worker", "labkit.experiments.worker", "carried"), ("kernel", "labkit.net.relay", "relay")],
)
def test_a_call_that_broke_says_so_and_can_be_started_again(
    place: str, module: str, told: str
) -> None:
    async def work() -> None:
        call, heard = small_call(place=place), []
        call.listen(lambda name, payload: heard.append(payload))
        await call.start()
        child(module).kill()
        while call.state != "broken":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        for _twice in range(2):
            with pytest.raises(CallError, match=told):
                await call.ask("bob", lambda peer: 1)
        assert heard == ["starting", "running", "broken"]
        await call.start()
        assert await call.ask("bob", lambda peer: peer.pc.connectionState) == "connected"
        await call.close()
        assert call.state == "closed"

    with nothing_left():
        run(work())


def test_a_handle_that_nobody_awaits_is_no_noise(caplog: Any, tmp_path: Path) -> None:
    async def work() -> None:
        async with small_call(place="kernel") as call:
            call.start_recording(30)
            await until_frames_are_recorded(call)
        (folder := tmp_path / "gone").mkdir()
        call.start_recording(30, folder / "all.run")
        folder.rmdir()  # so it fails, unseen

    with nothing_left():
        run(work())
        gc.collect()
    assert "never retrieved" not in caplog.text


INTERRUPTED = """
import asyncio, sys, labkit as lab

async def main():
    call = lab.call(video=lab.TestPattern(320, 240), place=sys.argv[1])
    if sys.argv[2] == "left open":
        await call.start()
        return
    async with call:
        handle = call.start_recording(30, sys.argv[3])
        while handle._from_s is None:
            await asyncio.sleep(0.02)
        print("recording", flush=True)
        if sys.argv[2] == "error":
            raise SystemExit("the student's own")
        await handle

asyncio.run(main())
"""


def script(place: str, end: str, path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", INTERRUPTED, place, end, str(path)]
    marked = {**os.environ, "LAB_TEST": str(path)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=marked
    )


@each_place
def test_ctrl_c_in_a_plain_script_closes_all(place: str, tmp_path: Path) -> None:
    with script(place, "interrupt", tmp_path / "a.run") as process:
        assert process.stdout is not None and process.stdout.readline() == "recording\n"
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) == (3 if place == "worker" else 2)
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=10 * SECOND)
        assert eventually(lambda: not alive(family), 1 * SECOND)
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in err and "was destroyed" not in err
    assert lab.load_run(tmp_path / "a.run").complete
    assert [path.name for path in tmp_path.iterdir()] == ["a.run"]


@pytest.mark.parametrize(
    ("place", "end"), [("worker", "left open"), ("kernel", "left open"), ("kernel", "error")]
)
def test_a_script_that_ends_leaves_nothing(place: str, end: str, tmp_path: Path) -> None:
    with script(place, end, tmp_path / "a.run") as process:
        _out, err = process.communicate(timeout=20 * SECOND)
    assert process.returncode == (0 if end == "left open" else 1)
    assert err.strip() in ("", "the student's own")
    its = [p for p in psutil.process_iter() if _mark(p) == str(tmp_path / "a.run")]
    assert eventually(lambda: not alive(its), 3 * SECOND)


def _mark(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("LAB_TEST")
    except psutil.Error:
        return None
