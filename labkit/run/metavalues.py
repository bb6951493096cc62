"""Whether ``meta`` of a file holds what every figure relies on (standard library only)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

__all__ = ["check_meta"]

_TIMES = ("recorded_from_s", "recorded_to_s", "settle_s", "committed_s")
_NAMES = ("sender", "receiver")
_MAPPINGS = ("asked", "versions")


def check_meta(meta: Mapping[str, Any]) -> None:
    """Refuse values that no lab has written; what is missing is fine.

    Args:
        meta: Values by key.

    Raises:
        ValueError: One is of the wrong kind; the text names it.
    """
    for key in _TIMES:
        value = meta.get(key)
        fine = isinstance(value, int | float) and not isinstance(value, bool)
        _refuse_unless(value is None or (fine and math.isfinite(value)), key, value)
    for key in _NAMES:
        _refuse_unless(isinstance(meta.get(key), str | None), key, meta.get(key))
    for key in _MAPPINGS:
        _refuse_unless(isinstance(meta.get(key), dict | None), key, meta.get(key))
    links = (meta.get("asked") or {}).get("link")
    each = links.values() if isinstance(links, dict) else [links]
    _refuse_unless(all(isinstance(link, dict | None) for link in each), "asked.link", links)


def _refuse_unless(fine: bool, key: str, value: Any) -> None:
    if not fine:
        raise ValueError(f"meta {key} = {value!r:.60}")
