"""The lecture's Dart, beside today's and beside Python; no media and no Flutter needed."""

from __future__ import annotations

from labkit.lazy import load_names

_HOMES = {
    "ApiList": ".apilist",
    "ApiType": ".apilist",
    "Snippet": ".snippet",
    "Snippets": ".snippet",
    "Trial": ".trial",
    "api": ".apilist",
    "load_trial": ".trial",
    "snippets": ".lecture",
    "try_python": ".trial",
}

__all__ = sorted(_HOMES, key=str.lower)

__getattr__, __dir__ = load_names(__name__, _HOMES)
