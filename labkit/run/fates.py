"""What became of an RTP packet whose arrival no peer has seen: the relay knows (standard library).

A peer that has heard nothing of a packet calls it lost, though it may have been under way still
when the recording ended, or may have gone to a web page, which tells of no packets.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from labkit.run.schema import COLUMNS

__all__ = ["settle_fates"]

AT_ONCE_S = 5.0
"""A packet enters the relay within this time; the same number comes again much later."""

_AT = {name: place for place, name in enumerate(COLUMNS["packets"])}
_LAYER, _COPY, _SENT_S, _ARRIVED_S, _FATE = (
    _AT[name] for name in ("layer", "copy", "sent_s", "arrived_s", "fate")
)
_WAY = slice(_AT["sender"], _AT["receiver"] + 1)
_NUMBERS = (_AT["ssrc"], _AT["sequence"])

Row = tuple[Any, ...]


def settle_fates(packets: Sequence[Row]) -> list[Row]:
    """Return ``packets`` where those that a peer calls lost have the fate that the relay saw.

    A packet that the relay has not finished with has none. Where no relay wrote down the
    direction, the peer's word stands.

    Args:
        packets: Rows in the order of the schema.
    """
    unseen = {_key(line) for line in packets if _is_unseen(line)}
    if not unseen:
        return list(packets)
    ways = {line[_WAY] for line in packets if line[_LAYER] == "wire"}
    told: dict[Row, list[tuple[float, Any]]] = defaultdict(list)
    for line in packets:
        if line[_LAYER] == "wire" and not line[_COPY] and _key(line) in unseen:
            told[_key(line)].append((line[_SENT_S], line[_FATE]))
    return [
        (*line[:_FATE], _fate(line[_SENT_S], told[_key(line)]), *line[_FATE + 1 :])
        if line[_WAY] in ways and _is_unseen(line)
        else line
        for line in packets
    ]


def _is_unseen(line: Row) -> bool:
    return line[_LAYER] == "rtp" and line[_FATE] == "lost" and line[_ARRIVED_S] is None


def _key(line: Row) -> Row:
    return (*line[_WAY], *(line[place] for place in _NUMBERS))


def _fate(sent_s: float, told: list[tuple[float, Any]]) -> Any:
    near = [(abs(at_s - sent_s), fate) for at_s, fate in told if abs(at_s - sent_s) < AT_ONCE_S]
    return min(near)[1] if near else None
