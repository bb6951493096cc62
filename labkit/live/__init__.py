"""Widgets that show a call while it runs."""

from __future__ import annotations

from labkit.lazy import load_names

_HOMES = {
    "CallPanel": ".panel",
    "LiveChart": ".chart",
    "MeshPanel": ".roompanel",
    "RoomPanel": ".roompanel",
}

__all__ = sorted(_HOMES)

__getattr__, __dir__ = load_names(__name__, _HOMES)
