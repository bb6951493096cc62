"""What is said of one criterion of the exam."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["FAILED", "NOT_SEEN", "PASSED", "Verdict", "passed"]

PASSED, FAILED, NOT_SEEN = "passed", "failed", "not seen"


@dataclass(frozen=True)
class Verdict:
    """One criterion, judged.

    Args:
        key: Which criterion, for instance ``leave``.
        title: The same in words.
        result: ``passed``, ``failed`` (seen, and wrong) or ``not seen``.
        evidence: What arrived, in words.
        at_s: Second of the exam that the evidence is of; None where nothing was seen.
        advice: What to do; empty where it is passed.
        required: Whether the exam needs it.
    """

    key: str
    title: str
    result: str
    evidence: str
    at_s: float | None = None
    advice: str = ""
    required: bool = True

    @property
    def passed(self) -> bool:
        """Whether it is passed."""
        return self.result == PASSED


def passed(verdicts: Iterable[Verdict]) -> bool:
    """Return whether all that is required is passed, and something is.

    Args:
        verdicts: What was seen of each criterion.
    """
    required = [verdict for verdict in verdicts if verdict.required]
    return bool(required) and all(verdict.passed for verdict in required)
