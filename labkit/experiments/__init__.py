"""Calls: open, record, close."""

from __future__ import annotations

from typing import Any

__all__ = ["call"]


def __getattr__(name: str) -> Any:
    if name == "call":  # kept out of the worker's way: it needs none of this
        from labkit.experiments.calls import call

        return call
    raise AttributeError(name)
