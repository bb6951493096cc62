"""Every error that a user of the lab can cause, as one tree.

LabError
├── BadValue          an argument is outside its range (also a ValueError)
├── RunFileError      a file is not a run, is damaged, or is from a newer lab
├── RecordingError    the recorder stopped: disk full, process gone
├── MediaError        a media file or a codec cannot be used
├── CallError         a call could not be set up, or broke
│   └── WorkerDied    the process that carried the call ended
├── WaitTimeout       something did not happen in time (also a TimeoutError)
└── MissingPart       an optional part is not installed
"""

from __future__ import annotations

__all__ = [
    "BadValue",
    "CallError",
    "LabError",
    "MediaError",
    "MissingPart",
    "RecordingError",
    "RunFileError",
    "WaitTimeout",
    "WorkerDied",
]


class LabError(Exception):
    """A message in three short sentences: what happened, why, and what to do next.

    Args:
        what: What happened.
        why: The cause, where it is known.
        next_step: What the reader can do about it.
    """

    def __init__(self, what: str, why: str = "", next_step: str = "") -> None:
        self.what = what
        self.why = why
        self.next_step = next_step
        super().__init__(what, why, next_step)

    def __str__(self) -> str:
        return " ".join(part for part in (self.what, self.why, self.next_step) if part)

    def _render_traceback_(self) -> list[str]:
        """Show the message alone in a notebook: our own stack helps no student."""
        return [f"{type(self).__name__}: {self}"]


class BadValue(LabError, ValueError):
    """An argument is outside the range that the message names."""


class RunFileError(LabError):
    """A file is not a run, is damaged, or was written by a newer lab."""


class RecordingError(LabError):
    """The recorder stopped before its time; what it had written is kept."""


class MediaError(LabError):
    """A media file or a codec cannot be used."""


class CallError(LabError):
    """A call could not be set up, or broke while it ran."""


class WorkerDied(CallError):
    """The process that carried the call ended on its own."""


class WaitTimeout(LabError, TimeoutError):
    """Something did not happen within the time that was given for it."""


class MissingPart(LabError):
    """An optional part of the lab is not installed on this machine."""
