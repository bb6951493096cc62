"""What was recorded in memory when its recording broke off: the latest, so that nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.errors import CallError
from labkit.words import _

if TYPE_CHECKING:
    from labkit.run import Run

__all__ = ["Kept", "kept", "kept_run"]


class Kept:
    """Holds the bytes of one Run; use the one ``kept``."""

    def __init__(self) -> None:
        self.data: bytes | None = None


kept = Kept()


def kept_run() -> Run:
    """Return what the last recording without a path had recorded when it broke off.

    Whatever ended it: a lost connection, a process that was killed, an interrupt. It stays until
    another one breaks off, or until this process ends.

    Raises:
        CallError: No recording in memory has broken off.
    """
    from labkit.run import load_run

    if kept.data is None:
        raise CallError(
            _("No recording has broken off, so none was kept."),
            next_step=_("“run = await call.record(10)” makes one."),
        )
    return load_run(kept.data)
