"""A program that a keeper holds: heard line by line, asked to end, gone with the lab."""

from __future__ import annotations

from collections import deque
from typing import Any

from labkit.errors import LabError
from labkit.process import Child

__all__ = ["KeptProgram"]

STOP_WITHIN_S = 2.0


class KeptProgram:
    """A server's process, beside the keeper (``labkit.rooms.keeper``) that starts and ends it.

    Args:
        lines_kept: How many of its last lines are kept.
    """

    def __init__(self, lines_kept: int) -> None:
        self._child: Child | None = None
        "The keeper, while there is one."
        self._lines: deque[str] = deque(maxlen=lines_kept)
        self._pid: int | None = None
        self._gone: set[int] = set()

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """Its process id; None while it does not run."""
        lives = self._child is not None and self._child.alive and self._pid not in self._gone
        return self._pid if lives else None

    def log(self, search: str = "") -> list[str]:
        """Return the lines of its log, without tokens and secrets.

        Args:
            search: Only lines that contain this, upper and lower case alike.
        """
        lines = [self._without_secrets(line) for line in list(self._lines)]
        return [line for line in lines if search.lower() in line.lower()]

    def _without_secrets(self, line: str) -> str:
        raise NotImplementedError

    async def _start_keeper(self) -> None:
        self._child = await Child.start("labkit.rooms.keeper")
        self._child.on_message = self._hear

    async def _end_keeper(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        try:
            if child.alive:
                await child.call("stop", timeout=STOP_WITHIN_S)
        except LabError:
            pass  # the program's end is the keeper's end, which follows
        finally:
            await child.close()
            self._pid = None

    def _hear(self, name: str, value: Any) -> None:
        if name == "line":
            self._lines.append(value)
        elif name == "ended":
            self._gone.add(value)
