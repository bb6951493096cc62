"""What every test shares: the rule for skips on CI."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from typing import Any

import pytest

from tests.timing import SECOND

__all__ = ["SECOND"]

SKIPS_ALLOWED_ON_CI: tuple[str, ...] = ("needs Windows", "needs macOS")
"""Beginnings of reasons that even a machine with everything installed may give."""


def pytest_configure() -> None:
    """A shell that starts us in the background has Ctrl-C ignored, also by what we start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _reason(report: Any) -> str:
    longrepr = report.longrepr
    text = longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)
    return str(text).removeprefix("Skipped: ")


def _forbid_skip(report: Any) -> None:
    """Turn a skip into a failure where LAB_CI says that everything is installed."""
    if not os.environ.get("LAB_CI") or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = _reason(report)
    if not reason.startswith(SKIPS_ALLOWED_ON_CI):
        report.outcome = "failed"
        report.longrepr = f"LAB_CI: this test may not be skipped on CI. Its reason was: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    report = yield
    _forbid_skip(report)
    return report
