"""Rows about links: how exact they are, and whether a seed means what it says."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from labkit.bench.row import Row
from labkit.experiments import call
from labkit.media import TestPattern
from labkit.net import Link
from labkit.net.prober import measure_link
from labkit.net.relay_handle import Relay
from labkit.run import Run

__all__ = ["exact_loss", "link_error", "same_seed"]

DELAYS_MS = (20, 50, 100)
ROUNDS = 3
IN_TURN = (0, *(each for delay in DELAYS_MS * ROUNDS for each in (delay, 0)))
"""Delays of the calls: a clean one before and after each, so that both meet the same machine."""

UNDER_WAY_S = 0.1
MICROSECOND_S = 1e-6


async def link_error(seconds: float) -> Row:
    """Measure a link's error from outside beside a running call, and what a call sees of it."""
    outside: dict[int, dict[str, float]] = {}
    async with call(seed=1):
        for delay_ms in DELAYS_MS:
            outside[delay_ms] = await measure_link(delay_ms, seconds)
    async with await Relay.start() as relay:
        realtime = relay.realtime
    p50s_ms = [await _latency_ms(delay, seconds) for delay in IN_TURN]
    off_ms = shifts_off_ms(IN_TURN, p50s_ms)
    p50 = max(figures["p50"] for figures in outside.values())
    p99 = max(figures["p99"] for figures in outside.values())
    worst = max(map(abs, off_ms.values()))
    each = "; ".join(
        f"{delay} ms: {figures['p50']:.3f} / {figures['p99']:.2f}"
        for delay, figures in outside.items()
    )
    return Row(
        "link",
        "imposed delay 20/50/100 ms, the link’s own error with a call running",
        "p50 ≤ 0.15 ms, p99 ≤ 1.5 ms; frame latency shifted by the imposed value ± 1 ms",
        f"p50 / p99 {each} ms; shift off by {worst:.2f} ms at most",
        p50 <= 0.15 and p99 <= 1.5 and worst <= 1,
        f"a prober’s own process, 200 datagrams a second for {seconds:g} s a delay, beside a "
        f"VP8 640×480@30 call; real-time priority for the relay: {'yes' if realtime else 'no'}; "
        f"shift: p50 of a call of {seconds:g} s less the mean of the clean calls right before and "
        f"after it, median of {ROUNDS} rounds; a call of its own for each delay, because the "
        "congestion control takes a changed delay for congestion and lowers the bitrate",
        {
            "outside_ms": outside,
            "shift_error_ms": off_ms,
            "calls_p50_ms": list(zip(IN_TURN, p50s_ms, strict=True)),
            "realtime": realtime,
        },
    )


def shifts_off_ms(delays_ms: Sequence[int], latencies_ms: Sequence[float]) -> dict[int, float]:
    """Return by how much each delay shifted the latency beyond itself, median over its calls.

    Args:
        delays_ms: Delay of each call in the order in which they were made; those of 0 ms are
            what their neighbours are compared with.
        latencies_ms: Latency of each call.
    """
    off: dict[int, list[float]] = {}
    for at in range(1, len(delays_ms) - 1):
        if delays_ms[at]:
            clean_ms = (latencies_ms[at - 1] + latencies_ms[at + 1]) / 2
            off.setdefault(delays_ms[at], []).append(latencies_ms[at] - clean_ms - delays_ms[at])
    return {delay: statistics.median(errors) for delay, errors in off.items()}


async def same_seed(seconds: float) -> Row:
    """Compare the fates of two calls with one seed, datagram by datagram."""
    # Jitter that keeps the order may wait for the datagram before it, which is no draw.
    link = Link(delay_ms=20, jitter_ms=5, loss=0.05, duplicate=0.02, reorder=True)
    runs = []
    for _call in range(2):
        made = call(link=link, seed=7, back_video=TestPattern(), video=TestPattern())
        runs.append(await made.record(seconds, progress=False))
    compared = differing = 0
    for direction in (("alice", "bob"), ("bob", "alice")):
        first, second = (_fates(run, *direction) for run in runs)
        common = first.keys() & second.keys()
        compared += len(common)
        differing += sum(_differ(first[number], second[number]) for number in common)
    return Row(
        "seed",
        "the same link seed twice",
        "the k-th datagram meets the same loss, duplication and jitter in both calls",
        f"{differing} of {compared} datagrams differ",
        compared > 0 and differing == 0,
        f"two two-way calls of {seconds:g} s, both directions, each delay compared to 1 µs; "
        f"without the last {UNDER_WAY_S:g} s, of which some was under way at the end",
        {"compared": compared, "differing": differing},
    )


async def exact_loss(seconds: float) -> Row:
    """Count the losses of every whole block of 100 datagrams."""
    run = await call(link=Link(loss=0.05, loss_model="exact"), seed=3).record(
        seconds, progress=False
    )
    counts = []
    for sender, receiver in (("alice", "bob"), ("bob", "alice")):
        wire = _wire(run, sender, receiver)
        wire = wire[wire["copy"] == 0].sort_values("number")
        lost = (wire["fate"] == "lost").to_numpy()
        counts += [int(lost[at : at + 100].sum()) for at in range(0, len(lost) - 99, 100)]
    return Row(
        "exact",
        "exact loss 5 %",
        "5 % in every block, to the packet",
        f"{len(counts)} whole blocks of 100 datagrams, lost in each: {sorted(set(counts))}",
        bool(counts) and set(counts) == {5},
        "the wire of one call, both directions, from the first datagram on",
        {"lost_per_block": counts},
    )


async def _latency_ms(delay_ms: float, seconds: float) -> float:
    run = await call(link=Link(delay_ms=delay_ms), seed=1).record(seconds, progress=False)
    p50: float = run.summary()["latency_ms"]["p50"]
    return p50


def _wire(run: Run, sender: str, receiver: str) -> Any:
    packets = run.packets
    chosen = (packets["layer"] == "wire") & (packets["sender"] == sender)
    return packets[chosen & (packets["receiver"] == receiver)]


def _fates(run: Run, sender: str, receiver: str) -> dict[int, dict[int, tuple[str, float]]]:
    """Return fate and drawn delay (s) by number and copy.

    Without the last ``UNDER_WAY_S``: a duplicate may be on record there whose original was still
    under way when the recording ended.
    """
    fates: dict[int, dict[int, tuple[str, float]]] = {}
    wire = _wire(run, sender, receiver)
    for row in wire[wire["sent_s"] < wire["sent_s"].max() - UNDER_WAY_S].itertuples():
        delay_s = row.due_s - row.sent_s if row.fate == "delivered" else 0.0
        fates.setdefault(int(row.number), {})[int(row.copy)] = (row.fate, delay_s)
    return fates


def _differ(one: dict[int, tuple[str, float]], other: dict[int, tuple[str, float]]) -> bool:
    if one.keys() != other.keys():
        return True
    return any(
        one[copy][0] != other[copy][0] or abs(one[copy][1] - other[copy][1]) > MICROSECOND_S
        for copy in one
    )
