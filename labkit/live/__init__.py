"""Widgets that show a call while it runs."""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["CallPanel", "LiveChart"]

_HOMES = {"CallPanel": "labkit.live.panel", "LiveChart": "labkit.live.chart"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(name)
    return getattr(importlib.import_module(_HOMES[name]), name)
