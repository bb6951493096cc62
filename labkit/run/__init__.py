"""The record of one experiment: tables, statistics, storage, export.

The names are loaded when they are first used: the recorder's process needs no pandas.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.run.run import Run, load_run

__all__ = ["load_run", "Run"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"labkit.run has no {name!r}")
    return getattr(importlib.import_module("labkit.run.run"), name)


def __dir__() -> list[str]:
    return list(__all__)
