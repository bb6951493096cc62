"""Calls: open, record, close."""

from __future__ import annotations

from typing import Any

__all__ = ["browser_call", "call"]


def __getattr__(name: str) -> Any:
    if name == "call":  # kept out of the worker's way: it needs none of this
        from labkit.experiments.calls import call

        return call
    if name == "browser_call":
        from labkit.experiments.browsers import browser_call

        return browser_call
    raise AttributeError(name)
