"""The practical task: the lab as backend, partner and examiner of an app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.lazy import load_names

if TYPE_CHECKING:
    from labkit.exam.examining import Exam, exam
    from labkit.exam.invitation import Invitation
    from labkit.exam.judging import judge
    from labkit.exam.report import report_html, report_text
    from labkit.exam.taking import PageExam, take_exam
    from labkit.exam.verdict import Verdict, passed

_HOMES = {
    "Exam": ".examining",
    "Invitation": ".invitation",
    "PageExam": ".taking",
    "Verdict": ".verdict",
    "exam": ".examining",
    "judge": ".judging",
    "passed": ".verdict",
    "report_html": ".report",
    "report_text": ".report",
    "take_exam": ".taking",
}

__all__ = [
    "Exam",
    "Invitation",
    "PageExam",
    "Verdict",
    "exam",
    "judge",
    "passed",
    "report_html",
    "report_text",
    "take_exam",
]

__getattr__, __dir__ = load_names(__name__, _HOMES)
