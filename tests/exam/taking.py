"""An exam by the command, for whoever takes it in a test."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.timing import SECOND

__all__ = ["RunningExam", "exam"]

COMMAND = [sys.executable, "-c", "from labkit.cli import main; main()", "exam", "--json"]


@dataclass
class RunningExam:
    """``labkit exam`` as it runs."""

    process: subprocess.Popen[str]
    invitation: dict[str, str]
    folder: Path

    @property
    def run(self) -> Path:
        """The Run's file."""
        return self.folder / "exam.run"

    @property
    def report(self) -> Path:
        """The report's file."""
        return self.folder / "report.html"

    def result(self, within_s: float = 90.0) -> dict[str, str]:
        """Return the result of each criterion; the exit code and what is left are checked."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        out, err = self.process.communicate(timeout=within_s * SECOND)
        told = json.loads(out.splitlines()[-1])["result"]
        results = {one["key"]: one["result"] for one in told["verdicts"]}
        assert told["passed"] == all(result == "passed" for result in results.values()), told
        assert self.process.returncode == (0 if told["passed"] else 1), err
        assert "eyJ" not in err + out.split("\n", 1)[-1]  # no token outside of the invitation
        assert psutil.wait_procs(children, timeout=3 * SECOND)[1] == []
        return results


@contextmanager
def exam(folder: Path, *words: str, seconds: float = 80.0) -> Iterator[RunningExam]:
    """Start ``labkit exam`` and wait until the candidate may come."""
    command = [*COMMAND, "--seconds", f"{seconds * SECOND:g}", "--run", str(folder / "exam.run")]
    command += ["--report", str(folder / "report.html"), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told: dict[str, Any] = json.loads(process.stdout.readline() or "{}")
        if "invitation" not in told:
            raise AssertionError(process.communicate(timeout=10)[1])
        yield RunningExam(process, told["invitation"], folder)
    finally:
        process.kill()
        process.communicate()
