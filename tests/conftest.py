"""What every test shares: a LiveKit server, the quick set, and the rule for skips on CI."""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import settings

from tests.livekitserver import livekit_binary, livekit_server
from tests.timing import SECOND

__all__ = ["SECOND", "livekit_binary", "livekit_server"]

# Hypothesis without a deadline: a busy machine is no reason to fail.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")

SKIPS_ALLOWED_ON_CI: tuple[str, ...] = ("needs Windows", "needs macOS")
"""Beginnings of reasons that even a machine with everything installed may give."""

LEFT_OUT_BY_QUICK = {"install", "later", "livekit"}
"""Markers of what is not the foundation, or takes long."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick",
        action="store_true",
        help="the foundation alone: no room, no later chapter, no installing",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a LiveKit server."""
    if any(name.startswith("livekit_") for name in getattr(item, "fixturenames", ())):
        item.add_marker("livekit")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what ``--quick`` leaves out."""
    if not config.getoption("--quick"):
        return
    later = [one for one in items if LEFT_OUT_BY_QUICK & {mark.name for mark in one.iter_markers()}]
    config.hook.pytest_deselected(items=later)
    left_out = set(later)
    items[:] = [one for one in items if one not in left_out]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes share the tests, say which stay together."""
    from tests.sharing import Sharing

    return Sharing(config, log)


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
