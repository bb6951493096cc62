"""The practical task: the lab as backend, partner and examiner of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.lazy import load_names

if TYPE_CHECKING:
    from labkit.exam.examining import Exam, exam
    from labkit.exam.invitation import Invitation
    from labkit.exam.judging import judge
    from labkit.exam.report import report_html, report_text
    from labkit.exam.verdict import Verdict, passed

_HOMES = {
    "Exam": ".examining",
    "Invitation": ".invitation",
    "Verdict": ".verdict",
    "exam": ".examining",
    "judge": ".judging",
    "passed": ".verdict",
    "report_html": ".report",
    "report_text": ".report",
}

__all__ = [
    "Exam",
    "Invitation",
    "Verdict",
    "exam",
    "judge",
    "passed",
    "report_html",
    "report_text",
]

__getattr__, __dir__ = load_names(__name__, _HOMES)
