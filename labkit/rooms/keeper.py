"""The child process that keeps a server, and ends it when its own parent is gone.

LiveKit's server drains for ever when it is asked to end once while somebody is in a room, and does
not hear at all in its first tenth of a second: so it is asked twice, and then ended by force.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from labkit.errors import LabError
from labkit.process import Pipe, end_soon
from labkit.words import _

__all__ = ["main"]

ASK_AGAIN_S = 0.25
"""A server without rooms ends in 0.01 s; one that drains is asked again after this time."""

FORCE_S = 0.6

_BENDING = ("LIVEKIT_", "NODE_IP", "REDIS_", "TURN_", "UDP_PORT")
"""Beginnings of the variables that the server reads as settings."""


# Found before the fork: after it, little may be done.
_prctl = getattr(ctypes.CDLL(None), "prctl", None) if sys.platform == "linux" else None
_PR_SET_PDEATHSIG = 1


def main(pipe: Pipe) -> None:
    """Serve the parent until it is gone."""
    _Keeper(pipe).serve()


class _Keeper:
    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self._server: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._methods: dict[str, Callable[..., Any]] = {
            "start": self.start,
            "stop": self.stop,
            "kill": self.kill,
        }

    def serve(self) -> None:
        self._pipe.listen(self._answer, end_soon)
        self.stop()

    def _answer(self, message: tuple[int | None, str, dict[str, Any]]) -> None:
        number, method, arguments = message
        try:
            value = self._methods[method](**arguments)
        except Exception as error:
            self._pipe.send((number, False, error))
        else:
            self._pipe.send((number, True, value))

    def start(
        self,
        command: list[str],
        environment: dict[str, str] | None = None,
        files: dict[str, str] | None = None,
        advice: str = "",
    ) -> int:
        """Start the server and return its process id; whether it is ready, its port tells.

        Args:
            command: The program and its arguments, which everybody on the machine can read.
            environment: Variables besides ours.
            files: Names and texts of files for our own eyes, in a folder that the server starts
                in and that goes when it ends; None for no folder.
            advice: What to do where the program cannot be started.
        """
        self.stop()
        if files is not None:
            self._folder = tempfile.TemporaryDirectory(prefix="lab-")
            for name, text in files.items():
                Path(self._folder.name, name).write_text(text, "utf-8")
        try:
            server = self._server = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=None if self._folder is None else self._folder.name,
                env=_environment() | (environment or {}),
                preexec_fn=_end_with_parent if _prctl is not None else None,
            )
        except OSError as error:
            self._clear()
            raise LabError(
                _("{program} cannot be started.").format(program=command[0]),
                f"{error.strerror}.",
                advice,
            ) from None
        self._reader = threading.Thread(target=self._read, args=(server,), daemon=True)
        self._reader.start()
        return server.pid

    def stop(self) -> None:
        """End the server: ask, ask again, force."""
        server = self._server
        if server is None:
            return
        for patience_s in (ASK_AGAIN_S, FORCE_S):
            server.terminate()
            if _ended(server, patience_s):
                break
        else:
            server.kill()
        self._gone(server)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        if self._server is not None:
            self._server.kill()
            self._gone(self._server)

    def _gone(self, server: subprocess.Popen[bytes]) -> None:
        server.wait()
        if self._reader is not None:
            self._reader.join(1.0)
        self._server = self._reader = None
        self._clear()

    def _clear(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()

    def _read(self, server: subprocess.Popen[bytes]) -> None:
        assert server.stdout is not None
        with server.stdout as lines:
            for line in lines:
                self._pipe.send(("line", True, line.decode("utf-8", "replace").rstrip()))
        server.wait()
        self._pipe.send(("ended", True, server.pid))


def _end_with_parent() -> None:
    """Let the system end the server even where this process is killed; Linux alone can."""
    assert _prctl is not None
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Return ours without what would bend the server's settings."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_BENDING)}


def _ended(server: subprocess.Popen[bytes], within_s: float) -> bool:
    try:
        server.wait(within_s)
    except subprocess.TimeoutExpired:
        return False
    return True
