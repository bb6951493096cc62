"""A long way is no dead one: forty seconds at a round trip of 0.6 s."""

from __future__ import annotations

import asyncio

import pytest

import labkit as lab
from tests.experiments.helpers import SMALL


@pytest.mark.soak
def test_a_call_over_a_long_way_goes_on() -> None:
    async def work() -> str:
        async with lab.call(video=SMALL, link=lab.Link(delay_ms=300)) as call:
            await asyncio.sleep(40)
            return str(await call.ask("bob", lambda peer: peer.connection_state))

    assert asyncio.run(work()) == "connected"
