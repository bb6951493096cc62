"""Whoever is killed in mid-recording: the Run is there, it opens, and nobody is left."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

import labkit as lab
from tests.experiments.helpers import alive, eventually
from tests.timing import SECOND

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

SCRIPT = """
import asyncio, sys, labkit as lab

async def main():
    async with lab.call(video=lab.TestPattern(320, 240), place=sys.argv[1]) as call:
        await call.record(30, sys.argv[2])

try:
    asyncio.run(main())
except lab.LabError as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""

COMMAND = "labkit call"
WORKER, RELAY, RECORDER = "labkit.experiments.worker", "labkit.net.relay", "labkit.run.recorder"


class Recorded:
    """A process that records to ``path`` until something is done to it.

    Args:
        path: Where the Run grows.
        owner: A place for a script that uses ``lab.call``, or ``labkit call``.
    """

    def __init__(self, path: Path, owner: str) -> None:
        words = ["-m", "labkit", "call", "--seconds", "30", "--size", "320x240", "--json", "--out"]
        if owner != COMMAND:
            words = ["-c", SCRIPT, owner]
        self.path = path
        self.out = self.err = ""
        self.process = subprocess.Popen(
            [sys.executable, *words, str(path)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.zero = float("inf")  # of the call, on this machine's monotonic clock
        self.ended_s = 0.0
        self.family: list[psutil.Process] = []

    def __enter__(self) -> Recorded:
        assert eventually(self._is_under_way, 30 * SECOND)
        self.family = psutil.Process(self.process.pid).children(recursive=True)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.process.kill()
        self.process.communicate()

    def kill(self, module: str = "") -> None:
        """Kill the owner, or the helper that runs ``module``, and wait until all are gone."""
        victims = [p for p in self.family if module in p.cmdline()]
        pid = victims[0].pid if module else self.process.pid
        self.end(pid, signal.SIGKILL)

    def end(self, pid: int, how: signal.Signals) -> None:
        """Send a signal and wait until all are gone."""
        self.ended_s = time.perf_counter()
        psutil.Process(pid).send_signal(how)
        self.out, self.err = self.process.communicate(timeout=10 * SECOND)
        left_s = self.ended_s + 3 * SECOND - time.perf_counter()
        assert eventually(lambda: not alive(self.family), left_s), alive(self.family)

    def run(self) -> lab.Run:
        """Open the Run, which must have all but the last second."""
        run = lab.load_run(self.path)
        names = {path.name for path in self.path.parent.iterdir()}
        assert names <= {self.path.name, f"{self.path.name}-journal"}
        assert len(names) == 1 or not run.complete  # a killed recorder may leave its journal
        newest_s = max(run.frames["captured_s"].max(), run.packets["sent_s"].max())
        assert newest_s > self.ended_s - self.zero - 1 * SECOND
        counts = run.summary()["frames"]
        assert counts["sent"] == counts["shown"] + counts["unreadable"] + counts["lost"]
        assert counts["shown"] > 10
        assert run.meta["recorded_from_s"] < run.meta["recorded_to_s"] < 30
        assert not run.altered
        return run

    def _is_under_way(self) -> bool:
        if not self.path.exists():
            return False
        with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            try:
                (frames,) = db.execute("SELECT count(*) FROM frames").fetchone()
                ((committed_s,),) = db.execute("SELECT value FROM meta WHERE key='committed_s'")
            except (sqlite3.Error, ValueError):  # not all of it is there yet
                return False
        self.zero = min(self.zero, time.perf_counter() - float(committed_s))
        return bool(frames > 45)


@pytest.mark.parametrize("owner", ["worker", "kernel", COMMAND])
def test_a_killed_owner_leaves_a_run(owner: str, tmp_path: Path) -> None:
    with Recorded(tmp_path / "a.run", owner) as recorded:
        recorded.kill()
        run = recorded.run()
    assert run.complete
    assert run.meta["closed_by"] == "the recorder, after its parent ended"


@pytest.mark.parametrize(
    ("module", "owner", "told"),
    [
        (RECORDER, COMMAND, "recorder’s process ended"),
        (WORKER, COMMAND, "process that carried the call ended"),
        (RELAY, COMMAND, "relay between the peers ended"),
        (RELAY, "kernel", "relay between the peers ended"),
    ],
)
def test_a_killed_helper_leaves_a_run(module: str, owner: str, told: str, tmp_path: Path) -> None:
    with Recorded(tmp_path / "a.run", owner) as recorded:
        recorded.kill(module)
        run = recorded.run()
    assert run.complete == (module != RECORDER)
    assert module == RECORDER or told in run.meta["closed_by"]
    assert (recorded.process.returncode, recorded.out) == (1, "")
    (line,) = recorded.err.splitlines()
    assert told in line and str(recorded.path) in line
    assert line.startswith("labkit: ") == (owner == COMMAND)


def test_ctrl_c_on_the_command_line_is_one_line_and_keeps_the_run(tmp_path: Path) -> None:
    with Recorded(tmp_path / "a.run", COMMAND) as recorded:
        recorded.end(recorded.process.pid, signal.SIGINT)
        run = recorded.run()
    assert recorded.process.returncode == 130
    assert (recorded.out, recorded.err) == ("", "labkit: stopped.\n")
    assert run.complete


def test_a_terminated_command_line_keeps_the_run(tmp_path: Path) -> None:
    with Recorded(tmp_path / "a.run", COMMAND) as recorded:
        recorded.end(recorded.process.pid, signal.SIGTERM)
        run = recorded.run()
    assert recorded.process.returncode not in (0, None)
    assert (recorded.out, recorded.err) == ("", "")
    assert run.complete
