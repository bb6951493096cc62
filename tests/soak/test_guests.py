"""Two hundred joins and leaves in one worker, beside the SDK alone; run by ``make soak``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from labkit.bench.roomchurn import churn


@pytest.mark.soak
def test_nothing_is_left_of_two_hundred_guests(livekit_binary: Path) -> None:
    row = asyncio.run(churn(5.0))
    assert row.met, f"{row.measured} ({row.figures['left']})"
