"""Calls: open, record, close. The worker needs none of these names, so they load on first use."""

from __future__ import annotations

from labkit.lazy import load_names

_HOMES = {
    "browser_call": ".browsers",
    "call": ".calls",
    "close_all": ".opened",
    "kept_run": ".kept",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = load_names(__name__, _HOMES)
