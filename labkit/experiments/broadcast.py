"""One publisher, many listeners: what a server does for them, until the machine is full."""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from labkit.errors import BadValue
from labkit.experiments.counted import Counted, counted_during
from labkit.experiments.crowd import MOST, Audience, Seen
from labkit.experiments.rooms import participant, room
from labkit.words import _

if TYPE_CHECKING:
    from labkit.rooms.running import LivekitServer
    from labkit.run import Run

__all__ = ["SETTLE_S", "broadcast", "broadcast_row"]

OUT_PACKETS = 'livekit_packet_total{country="",direction="outgoing",transmission="initial"}'
SETTLE_S = 1.0
"""How long a crowd that has just come is left alone."""

FULL_CPU_SHARE = 0.8
SHOWN_SHARE = 0.9
"""A machine is full where server and audience use more than this of its cores, or where the
audience shows less than this of the frames."""


async def broadcast(
    counts: Sequence[int],
    *,
    server: LivekitServer,
    seconds: float = 5.0,
    video: Any = None,
    until_full: bool = False,
) -> pd.DataFrame:
    """Return a row for each size of the audience: what it cost, and what it saw.

    The publisher alice and one more listener, bob, are the lab's own (aiortc by WHIP), so that
    latency is measured where no adaptive buffer can hide it. The audience uses the SDK.

    Args:
        counts: How many listen, bob included, in rising order: 1 to 500.
        server: A running ``lab.livekit()`` of the lab's own.
        seconds: How long each is measured.
        video: What is published; ``TestPattern(480, 360, fps=15)`` without it.
        until_full: End with the first size at which this machine is full.

    Returns:
        The columns of ``broadcast_row``.

    Raises:
        BadValue: The counts do not rise, or are out of range.

    Notebook: notebooks/deeper/10-broadcast.ipynb
    """
    _check_counts(counts)
    if video is None:
        from labkit.media import TestPattern

        video = TestPattern(480, 360, fps=15)
    rows = []
    async with room(participant("alice", video=video), "bob", server=server) as stage:
        async with Audience(server, stage.name, stage.time_zero) as audience:
            for count in counts:
                waited_s = await audience.grow(count - 1)
                await asyncio.sleep(SETTLE_S)
                rows.append(await _measured(stage, audience, server, seconds, waited_s))
                if until_full and rows[-1]["full"]:
                    break
    return pd.DataFrame(rows)


async def _measured(
    stage: Any,
    audience: Audience,
    server: LivekitServer,
    seconds: float,
    waited_s: list[float],
) -> dict[str, Any]:
    recording = stage.start_recording(seconds + 1.0, progress=False)
    await asyncio.sleep(0.5)
    seen, counted = await counted_during(server, lambda: audience.measure(seconds))
    return broadcast_row(await recording, seen, counted, waited_s)


def broadcast_row(
    run: Run,
    seen: Seen,
    counted: Counted,
    waited_s: Sequence[float],
) -> dict[str, Any]:
    """Return one size of the audience in figures.

    ``n`` counts bob too. ``bob_p50_ms`` is the lab's own receiver, ``audience_p50_ms`` the SDK's
    with its buffer. ``shown_share`` is of the frames between each listener's first and last one.
    ``server_out_per_s`` is what the server's counter says, which lags; ``arrived_per_s`` is what
    the audience counted.

    Args:
        run: The recording, for alice and bob.
        seen: What the audience saw.
        counted: The server's counters meanwhile.
        waited_s: How long each new listener waited for a frame.
    """
    latencies = _latencies_ms(run, seen)
    own = run.summary()
    share = _shown_share(seen)
    used = counted.cpu_percent + seen.cpu_percent
    cores = os.cpu_count() or 1
    return {
        "n": seen.listeners + 1,
        "server_cpu_percent": counted.cpu_percent,
        "server_cpu_percent_per_stream": counted.cpu_percent / (seen.listeners + 1),
        "audience_cpu_percent": seen.cpu_percent,
        "bob_p50_ms": own["latency_ms"]["p50"],
        "bob_lost_frames": own["frames"]["lost"] + own["frames"]["unreadable"],
        "audience_p50_ms": float(np.median(latencies)) if latencies else math.nan,
        "audience_p95_ms": float(np.percentile(latencies, 95)) if latencies else math.nan,
        "packets_lost": seen.lost,
        "shown_share": share,
        "full": used > FULL_CPU_SHARE * 100 * cores or share < SHOWN_SHARE,
        "arrived_per_s": seen.packets / seen.seconds,
        "server_out_per_s": counted.grew(OUT_PACKETS) / counted.seconds,
        "join_p50_s": float(np.median(waited_s)) if waited_s else math.nan,
        "join_max_s": max(waited_s, default=math.nan),
    }


def _shown_share(seen: Seen) -> float:
    shown = wanted = 0
    for frames in seen.frames.values():
        numbers = {number for number, _at_s in frames if number is not None}
        shown += len(numbers)
        wanted += max(numbers) - min(numbers) + 1 if numbers else 1
    return shown / wanted if wanted else math.nan


def _latencies_ms(run: Run, seen: Seen) -> list[float]:
    captured = run.frames.dropna(subset=["frame", "captured_s"])
    captured_s = dict(zip(captured["frame"].astype(int), captured["captured_s"], strict=True))
    return [
        (at_s - captured_s[number]) * 1000
        for frames in seen.frames.values()
        for number, at_s in frames
        if number in captured_s
    ]


def _check_counts(counts: Sequence[int]) -> None:
    if (
        not counts
        or list(counts) != sorted(set(counts))
        or not 1 <= counts[0] <= counts[-1] <= MOST
    ):
        raise BadValue(
            _("counts={counts!r} is no growing audience.").format(counts=list(counts)),
            next_step=_("Use rising numbers from 1 to {most}, for instance [1, 5, 10].").format(
                most=MOST
            ),
        )
