"""One unit of time for every test that waits, stretched on a slow machine."""

from __future__ import annotations

import os

SECOND = float(os.environ.get("LAB_TIME_FACTOR", "1"))
"""What a test calls one second: ``LAB_TIME_FACTOR=3`` gives every wait three times as long."""
