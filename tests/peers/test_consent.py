"""A connection ends without answers, never because answers are slow."""

from __future__ import annotations

import asyncio
from typing import Any

import aioice.ice
import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.peers import consent
from tests.experiments.helpers import SMALL, nothing_left, run
from tests.timing import SECOND


def test_slow_answers_count_and_their_absence_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consent, "CHECK_EVERY_S", 0.05)
    monkeypatch.setattr(consent, "EXPIRES_S", 0.5 * SECOND)
    asked: list[str] = []
    answers = True

    async def ask() -> bool:
        asked.append("?")
        await asyncio.sleep(0.3 * SECOND)  # many intervals
        return answers

    async def work() -> None:
        nonlocal answers
        kept = asyncio.create_task(consent.until_consent_expires(ask))
        await asyncio.wait([kept], timeout=1.5 * SECOND)
        assert not kept.done() and len(asked) > 5
        answers = False
        await asyncio.wait_for(kept, 3 * SECOND)

    with nothing_left():
        run(work())


def test_a_round_trip_over_half_a_second_ends_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a minute of aioice in seconds; then a link that carries nothing, told in words."""
    monkeypatch.setattr(aioice.ice, "CONSENT_INTERVAL", 0.05)
    monkeypatch.setattr(consent, "CHECK_EVERY_S", 0.2)
    monkeypatch.setattr(consent, "EXPIRES_S", 2.0 * SECOND)

    async def work() -> tuple[str, Any, str]:
        async with lab.call(video=SMALL, link=lab.Link(delay_ms=300), place="kernel") as call:
            await asyncio.sleep(5.0)  # aioice gives up after 6 checks, each 0.5 s
            state = await call.ask("bob", lambda peer: peer.connection_state)
            call.set_link(loss=1.0)
            async with asyncio.timeout(8 * SECOND):
                while call.state == "running":  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            return state, call.failure, call.state

    with nothing_left():
        state, failure, afterwards = run(work())
    assert (state, afterwards) == ("connected", "broken")
    assert isinstance(failure, CallError) and "connection between the peers is lost" in str(failure)


def test_a_call_that_is_closed_has_not_failed() -> None:
    async def work() -> Any:
        async with lab.call(video=SMALL, place="kernel") as call:
            await asyncio.sleep(0.2)
        await asyncio.sleep(0.2)
        return call

    with nothing_left():
        call = run(work())
    assert (call.state, call.failure) == ("closed", None)
