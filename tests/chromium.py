"""A real Chromium for tests; a folder that needs it imports the fixture in its conftest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from labkit.bench.jupyter import chromium
from labkit.errors import MissingPart

__all__ = ["browser"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    # Not for the whole session: while Playwright runs, no other test may use asyncio.run.
    try:
        with chromium() as started:
            yield started
    except MissingPart as missing:
        pytest.skip(str(missing))
