"""Packages whose names are loaded when they are first used (PEP 562).

The lab's helper processes import only what they need, so that they start in a few hundredths
of a second.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["load_names"]


def load_names(
    package: str, homes: Mapping[str, str], *, also: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package that loads its names on first use.

    Args:
        package: The package's ``__name__``.
        homes: Module of each name, relative to the package (``.figure``) or absolute.
        also: Names that are there from the start, for ``dir``.
    """

    def load(name: str) -> Any:
        home = homes.get(name)
        if home is None:
            raise AttributeError(f"{package} has no {name!r}; it has {', '.join(sorted(homes))}")
        value = getattr(importlib.import_module(home, package), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted([*homes, *also], key=str.lower)

    return load, names
