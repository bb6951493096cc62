"""The recorder as its parent sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labkit.errors import LabError, RecordingError
from labkit.process import Child, ChildDied
from labkit.words import _

__all__ = ["CAPTURE_BYTES", "RecorderHandle"]

CAPTURE_BYTES = 64_000_000
"""How many packet bytes a Run keeps unless told otherwise."""

FINISH_S = 60.0
"""How long a recorder may take to finish, and as long as it has recorded on top.

Joining takes a few hundredths of that on an idle machine.
"""


class RecorderHandle:
    """A recorder process with one open Run; an async context manager.

    Leaving it without ``finish`` keeps what has been written at the path asked for.
    """

    def __init__(self, child: Child) -> None:
        self.path: Path | None = None
        self.address: tuple[str, int] = ("", 0)
        self.token = b""
        self.failed: asyncio.Future[LabError] = asyncio.get_running_loop().create_future()
        self._child = child
        child.on_message = self._on_message
        child.died.add_done_callback(self._on_death)

    @classmethod
    async def start(cls) -> RecorderHandle:
        """Start the process; nothing is recorded before ``open``."""
        return cls(await Child.start("labkit.run.recorder"))

    async def listen(self) -> None:
        """Take rows from now on: ``address`` and ``token`` say where; they wait for ``open``."""
        self.address, self.token = await self._child.call("listen")

    async def open(
        self,
        path: Path | None,
        meta: Mapping[str, Any],
        *,
        time_zero: float,
        capture_bytes: int = CAPTURE_BYTES,
        force: bool = False,
    ) -> None:
        """Create the Run, and write down what has come since ``listen`` (called here if not yet).

        Args:
            path: Where the Run is written; None keeps it in the recorder's memory.
            meta: First rows of the table ``meta``.
            time_zero: ``perf_counter`` reading that is second 0 of the call.
            capture_bytes: How many bytes of packets are kept, at most.
            force: Replace a file that is there.

        Raises:
            RecordingError: The file exists or cannot be created.
        """
        if not self.token:
            await self.listen()
        await self._child.call(
            "open",
            path=None if path is None else str(path),
            meta=dict(meta),
            time_zero=time_zero,
            capture_bytes=capture_bytes,
            force=force,
        )
        self.path = path

    async def __aenter__(self) -> RecorderHandle:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def pid(self) -> int:
        """Process id of the recorder."""
        return self._child.process.pid

    def set_meta(self, **values: Any) -> None:
        """Write down values of the Run's ``meta``."""
        self._child.tell("set_meta", values=values)

    async def finish(self, *, join: bool = True, recorded_s: float = 0.0) -> bytes | Path:
        """Close the Run; return its path, or its bytes when it lives in memory.

        Args:
            join: Join the halves of frames and write the digest, which takes about a second a
                minute of recording; without it the Run opens as one that was cut short does.
            recorded_s: Length of the recording in seconds: a long one may take its time.

        Raises:
            RecordingError: The recorder had failed before; what it wrote is kept.
        """
        try:
            data = await self._child.call("finish", timeout=FINISH_S + recorded_s, join=join)
        except ChildDied as error:
            raise self._death_error() from error
        return data if self.path is None else self.path

    async def discard(self) -> None:
        """Close the Run and delete its file."""
        if self._child.alive:
            await self._child.call("discard")

    def kill(self) -> None:
        """End the process at once; what it has committed stays in the file."""
        self._child.process.kill()

    async def close(self) -> None:
        """End the process."""
        await self._child.close()

    def _on_message(self, name: str, payload: Any) -> None:
        if name == "failed" and not self.failed.done():
            self.failed.set_result(payload)

    def _on_death(self, _died: asyncio.Future[None]) -> None:
        if not self.failed.done():
            self.failed.set_result(self._death_error())

    def _death_error(self) -> RecordingError:
        kept = (
            _("What it had written is in {path}.").format(path=self.path)
            if self.path is not None
            else _("It had no file: give record() a path to keep what is written so far.")
        )
        return RecordingError(_("The recorder’s process ended in the middle."), kept)
