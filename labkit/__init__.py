"""WebRTC Lab: see a call, bend its link, measure it. ``import labkit as lab``.

The names below are loaded when they are first used, so that the lab's helper processes
start in a few hundredths of a second.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "BadValue": "labkit.errors",
    "CallError": "labkit.errors",
    "Chirp": "labkit.media",
    "Link": "labkit.net",
    "LabError": "labkit.errors",
    "MediaFile": "labkit.media",
    "Phase": "labkit.net",
    "Run": "labkit.run",
    "Silence": "labkit.media",
    "TestPattern": "labkit.media",
    "Tone": "labkit.media",
    "browser_call": "labkit.experiments",
    "call": "labkit.experiments",
    "load_run": "labkit.run",
    "peer": "labkit.peers",
    "predict": "labkit.live.predict",
}

__all__ = sorted(_HOMES, key=str.lower)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"labkit has no {name!r}; it has {', '.join(__all__)}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
