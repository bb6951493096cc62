"""A room full of people who publish nothing: how many are in, and what each costs the server."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from labkit.errors import BadValue
from labkit.experiments.broadcast import SETTLE_S
from labkit.experiments.counted import Counted, counted_during
from labkit.experiments.crowd import MOST, Audience
from labkit.rooms.sockets import is_loopback
from labkit.words import _

if TYPE_CHECKING:
    from livekit.api import LiveKitAPI

    from labkit.rooms.running import LivekitServer

__all__ = ["Listing", "silent_room", "silent_row"]

LOOKS_EVERY_S = 0.2
"""How often the server is asked who is in."""

LIST_WITHIN_S = 15.0
"""How long the server's list may lag behind the last one who says that he is in."""


NEWS_WITHIN_S = 10.0
"""The same for the news of who is there: those who publish nothing are announced without hurry."""


@dataclass(frozen=True)
class Listing:
    """What the server's own list of participants says."""

    active: int
    "How many have a media connection: joined, not only announced."
    tracks: int
    "What all of them publish together."
    at_s: float
    "Seconds from the first wish to join."


async def silent_room(
    count: int = 51, *, server: LivekitServer, seconds: float = 5.0
) -> pd.DataFrame:
    """Let many people join one room in which nobody publishes, and return what they cost.

    All join by LiveKit's SDK, directly and without links, in two processes; each may publish, and
    does not. They are counted by the server's own list and counter, not by those who join.

    Args:
        count: How many, 1 to 500.
        server: A running ``lab.livekit()`` of the lab's own.
        seconds: How long the server's CPU is measured, without them and with them; 1 or more.

    Returns:
        One row with the columns of ``silent_row``.

    Raises:
        BadValue: ``count`` or ``seconds`` is out of range.
        CallError: Somebody could not join, or was thrown out.
        WaitTimeout: Somebody could not join in time.

    Notebook: notebooks/deeper/10-broadcast.ipynb
    """
    _check(count, seconds)
    name = f"silent-{secrets.token_hex(3)}"
    _done, empty = await counted_during(server, lambda: asyncio.sleep(seconds))
    async with Audience(server, name, time.perf_counter()) as audience:
        listing = await _all_in(audience, server, name, count)
        await asyncio.sleep(SETTLE_S)
        _done, full = await counted_during(server, lambda: asyncio.sleep(seconds))
        row = silent_row(listing, empty, full, await _told_of_all(audience))
    return pd.DataFrame([row])


def silent_row(
    listing: Listing, empty: Counted, full: Counted, there: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a silent room in figures.

    ``n`` have joined by their own word, ``on_the_list`` are active by the server's list and
    ``counted`` by its counter, ``all_in_s`` after the first wish to join. ``tracks`` is what they
    publish. Each knows of ``others_known`` others or more. ``far_ends_here`` of them send their
    media to a loopback address. What ``…_each`` says is the difference to the empty server, shared.

    Args:
        listing: The server's list when all were in, or when waiting ended.
        empty: The server without them.
        full: With them.
        there: What each of them says, as ``Audience.presence`` returns it.
    """
    n = len(there)
    return {
        "n": n,
        "on_the_list": listing.active,
        "counted": full.people - empty.people,
        "tracks": listing.tracks,
        "all_in_s": listing.at_s,
        "others_known": min((one["others"] for one in there), default=0),
        "far_ends_here": sum(_is_here(one["far_end"]) for one in there),
        "server_cpu_percent": full.cpu_percent,
        "server_cpu_percent_each": (full.cpu_percent - empty.cpu_percent) / n,
        "server_mb": full.memory_mb,
        "server_mb_each": (full.memory_mb - empty.memory_mb) / n,
    }


def _is_here(far_end: str | None) -> bool:
    """Whether a candidate is on loopback; ``far_end`` is ``127.0.0.1:7882 host`` and the like."""
    return far_end is not None and is_loopback(far_end.split()[0].rpartition(":")[0])


async def _all_in(audience: Audience, server: LivekitServer, name: str, count: int) -> Listing:
    """Let everybody join; return the server's list as soon as all are on it."""
    watching = asyncio.create_task(_watch_the_list(server, name, count))
    try:
        await audience.grow(count, silent=True)
        done, _late = await asyncio.wait([watching], timeout=LIST_WITHIN_S)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    if done:
        return watching.result()
    async with server.api() as api:
        return await _look(api, name, math.nan)


async def _told_of_all(audience: Audience) -> list[dict[str, Any]]:
    """Return what everybody knows, as soon as they know of all others."""
    until_s = time.perf_counter() + NEWS_WITHIN_S
    while True:
        there = await audience.presence()
        known = min(one["others"] for one in there)
        if known >= len(audience) - 1 or time.perf_counter() > until_s:
            return there
        await asyncio.sleep(LOOKS_EVERY_S)


async def _watch_the_list(server: LivekitServer, name: str, count: int) -> Listing:
    began_s = time.perf_counter()
    async with server.api() as api:
        while True:
            listing = await _look(api, name, time.perf_counter() - began_s)
            if listing.active >= count:
                return listing
            await asyncio.sleep(LOOKS_EVERY_S)


async def _look(api: LiveKitAPI, name: str, at_s: float) -> Listing:
    from livekit.api import ListParticipantsRequest
    from livekit.protocol.models import ParticipantInfo

    told = await api.room.list_participants(ListParticipantsRequest(room=name))
    people = told.participants
    return Listing(
        active=sum(one.state == ParticipantInfo.State.ACTIVE for one in people),
        tracks=sum(len(one.tracks) for one in people),
        at_s=at_s,
    )


def _check(count: int, seconds: float) -> None:
    if not isinstance(count, int) or not 1 <= count <= MOST:
        raise BadValue(
            _("A silent room of {count!r} is not possible.").format(count=count),
            next_step=_("Use a whole number from 1 to {most}.").format(most=MOST),
        )
    if not seconds >= 1:
        raise BadValue(
            _("seconds={value!r} is too short: the server's CPU time has steps.").format(
                value=seconds
            ),
            next_step=_("Use 1 or more."),
        )
