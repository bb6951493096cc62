"""Until when something is known of a peer: it comes, it leaves, the recording ends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["STRAGGLER_S", "Span", "cut_short", "known_until", "presence_of", "span_at"]

STRAGGLER_S = 1.0
"""Seconds that a frame may be under way before its absence means that it is lost."""

ENDS = ("left", "did_not_join")

Span = tuple[float, float]
"""From when on a peer was there, and until when; infinite where nobody has said."""


def presence_of(events: Iterable[tuple[Any, ...]]) -> dict[str, list[Span]]:
    """Return when peers were in their room, by the events ``joined``, ``left``, ``did_not_join``.

    A peer that has none of them was there all the time, and is not in the result.

    Args:
        events: Rows of the table ``events``.
    """
    told = [(at_s, peer, name) for at_s, peer, name, _detail in events if None not in (at_s, peer)]
    found: dict[str, list[Span]] = {}
    for at_s, peer, name in sorted(told, key=lambda event: float(event[0])):
        if name == "joined":
            spans = found.setdefault(peer, [])
            if not spans or spans[-1][1] < math.inf:  # who comes back after a break was never away
                spans.append((at_s, math.inf))
        elif name in ENDS:
            began_s = -math.inf if name == "left" else at_s
            spans = found.setdefault(peer, [(began_s, math.inf)])
            if spans[-1][1] == math.inf:
                spans[-1] = (spans[-1][0], at_s)
    return found


def span_at(spans: Sequence[Span], at_s: float | None) -> Span | None:
    """Return the visit that a moment lies in; None for one between two visits.

    A moment that is not known counts as one of the last visit.
    """
    if at_s is None:
        return spans[-1]
    return next((span for span in spans if span[0] <= at_s <= span[1]), None)


def known_until(
    spans: Sequence[Span] | None, captured_s: float | None, until_s: float | None
) -> float | None:
    """Return the second from which on nobody knows the fate of a frame without an answer.

    Args:
        spans: When its receiver was in the room; None: all the time.
        captured_s: When the frame was captured.
        until_s: The same second for the whole recording; None where it ended in good order.
    """
    span = span_at(spans, captured_s) if spans else None
    if span is None:
        return until_s
    left_s = span[1] - STRAGGLER_S
    return left_s if until_s is None else min(until_s, left_s)


def cut_short(meta: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
    """Return what ``meta`` must say, and until when fates are known, where a recording ended early.

    A recording that was stopped in good order has ``recorded_to_s`` before ``committed_s``.
    """
    committed_s, to_s = meta.get("committed_s"), meta.get("recorded_to_s")
    if committed_s is None or (to_s is not None and to_s < committed_s):
        return {}, None
    return {"recorded_to_s": committed_s}, committed_s - STRAGGLER_S
