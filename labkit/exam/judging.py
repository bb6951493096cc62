"""``judge(run)``: the verdicts on an exam, from its Run and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from labkit.exam import course, criteria, whipcriteria
from labkit.exam.evidence import Evidence, evidence_of
from labkit.exam.names import SDK, WHIP
from labkit.exam.verdict import Verdict

if TYPE_CHECKING:
    from labkit.run import Run

__all__ = ["CRITERIA", "judge"]

CRITERIA: dict[str, tuple[Callable[[Evidence], Verdict], ...]] = {
    SDK: (
        criteria.joined,
        criteria.camera,
        criteria.microphone,
        criteria.partner,
        criteria.already_there,
        criteria.size,
        course.full,
        course.back,
        course.leave,
    ),
    WHIP: (
        whipcriteria.joined,
        whipcriteria.camera,
        whipcriteria.microphone,
        whipcriteria.partner,
        whipcriteria.leave,
    ),
}
"""What an app must do, and what a page without an SDK can do."""


def judge(run: Run) -> list[Verdict]:
    """Judge an exam by what arrived on the wire, not by what an app says of itself.

    Args:
        run: What ``labkit exam --run`` has written, or ``Exam.finish()`` has returned.

    Raises:
        BadValue: The Run is of no exam.
    """
    found = evidence_of(run)
    return [criterion(found) for criterion in CRITERIA[found.kind]]
