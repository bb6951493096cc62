"""One unit of time for every test that waits, stretched where it takes longer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

FACTOR = float(os.environ.get("LAB_TIME_FACTOR", "1"))
"""How slow this machine is: ``LAB_TIME_FACTOR=3`` gives every wait three times as long."""

SHARED = 2.0 if "PYTEST_XDIST_WORKER" in os.environ else 1.0
"""Where two processes share the tests, each may have half of the machine."""

SECOND = FACTOR * SHARED
"""What a test calls one second."""


async def until(so: Callable[[], object]) -> None:
    """Wait for something to be so; 20 s at most."""
    async with asyncio.timeout(20 * SECOND):
        while not so():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
