"""A thousand calls opened and closed; run by ``make soak``."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from labkit.bench.soak import RESULT, left_behind, soak

CALLS = int(os.environ.get("LAB_SOAK_CALLS", "1000"))
PROJECT = Path(__file__).parents[2]


@pytest.mark.soak
def test_nothing_is_left_of_a_thousand_calls() -> None:
    result = asyncio.run(soak(CALLS))
    if CALLS >= 1000:
        (PROJECT / RESULT).write_text(json.dumps(result, indent=2) + "\n")
    assert left_behind(result) == {}
