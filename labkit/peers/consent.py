"""Consent to send: a connection ends after 30 s without any answer, not after slow ones.

aioice waits half a second for each answer, so a round trip of 0.5 s ends its connections after
half a minute. RFC 7675 (section 5.1) asks for a check about every 5 s, and for an end when none
of them was answered for 30 s, however long an answer takes.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from labkit.peers import private

__all__ = ["CHECK_EVERY_S", "EXPIRES_S", "be_patient", "until_consent_expires"]

CHECK_EVERY_S = 5.0
EXPIRES_S = 30.0


def be_patient(connection: Any) -> None:
    """Make an aioice connection, before it is connected, wait for slow answers."""
    private.replace_consent(connection, until_consent_expires)


async def until_consent_expires(ask: Callable[[], Awaitable[bool]]) -> None:
    """Ask about every ``CHECK_EVERY_S``; return ``EXPIRES_S`` after the last answer.

    Args:
        ask: Sends a check and returns whether it was answered; it may take its time, and several
            are under way at once.
    """
    loop = asyncio.get_running_loop()
    heard_s = loop.time()
    checks: set[asyncio.Task[None]] = set()

    async def check() -> None:
        nonlocal heard_s
        if await ask():
            heard_s = loop.time()

    try:
        while (left_s := heard_s + EXPIRES_S - loop.time()) > 0:
            checks = {task for task in checks if not task.done()}
            checks.add(asyncio.create_task(check(), name="consent check"))
            await asyncio.sleep(min(left_s, CHECK_EVERY_S * random.uniform(0.8, 1.2)))
    finally:
        for task in checks:
            task.cancel()
        await asyncio.gather(*checks, return_exceptions=True)
