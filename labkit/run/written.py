"""Exports that are there whole or not at all."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from labkit.errors import LabError
from labkit.words import _

__all__ = ["written_whole"]


@contextmanager
def written_whole(*targets: Path) -> Iterator[list[Path]]:
    """Give a path to write to in place of each target; all take their places at the end.

    When something fails, for instance on a full disk, nothing new is left and what was there
    before is as it was. What is no plain file (a pipe, a device) is written to as it comes.

    Args:
        targets: The files to make or replace.

    Raises:
        LabError: The system refuses to write one.
    """
    with ExitStack() as parts:
        written = [_part_of(target, parts) for target in targets]
        try:
            yield written
            for part, target in zip(written, targets, strict=True):
                if part != target:
                    part.replace(target.resolve())  # a link stays one
        except OSError as error:
            raise _refused(targets[0] if len(targets) == 1 else targets[0].parent, error) from error


def _part_of(target: Path, parts: ExitStack) -> Path:
    if target.exists() and not target.is_file():
        return target
    real = target.resolve()
    part = real.parent / f"{uuid.uuid4().hex}.part"
    parts.callback(_remove, part)
    return part


def _remove(part: Path) -> None:
    with suppress(OSError):
        part.unlink(missing_ok=True)


def _refused(path: Path, error: OSError) -> LabError:
    return LabError(
        _("{path} could not be written.").format(path=path),
        _("The system says: {error}.").format(error=error.strerror or error),
        _("Choose a folder that you may write to, with room in it."),
    )
