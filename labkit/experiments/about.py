"""Where a Run comes from: versions, machine and what was asked for."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import uuid
from datetime import UTC, datetime
from typing import Any

from labkit import __version__
from labkit.run.schema import SCHEMA_VERSION

__all__ = ["meta_for", "versions"]

SETTLE_S = 2.0
"""Start of a recording that latency figures leave out; half of a recording under 4 s."""

PACKAGES = ("aiortc", "aioice", "av", "numpy")


def meta_for(spec: Any, seconds: float) -> dict[str, Any]:
    """Return the first rows of ``meta`` for a recording of ``spec`` (of a call or a room)."""
    sender, receiver = spec.measured
    return {
        "run_id": uuid.uuid4().hex[:12],
        "schema": SCHEMA_VERSION,
        "lab_version": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "seed": spec.seed,
        "versions": versions(),
        "machine": {
            "system": platform.system(),
            "release": platform.release(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
        "engine": spec.engine,
        "place": spec.place,
        "sender": sender,
        "receiver": receiver,
        "seconds": seconds,
        "settle_s": min(SETTLE_S, seconds / 2),
        "asked": spec.asked(),
    }


def versions() -> dict[str, str]:
    """Return the versions that a figure may depend on."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), "labkit": __version__, **found}
