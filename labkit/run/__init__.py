"""The record of one experiment: tables, statistics, storage, export.

The names are loaded when they are first used: the recorder's process needs no pandas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.lazy import load_names

if TYPE_CHECKING:
    from labkit.run.run import Run, load_run

__all__ = ["load_run", "Run"]

__getattr__, __dir__ = load_names(__name__, {"Run": ".run", "load_run": ".run"})
