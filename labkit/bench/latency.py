"""Rows about latency: ours against stock aiortc, and what recording costs."""

from __future__ import annotations

import asyncio
import statistics
from typing import Any

import psutil

from labkit.bench.plainpair import plain_latencies_ms
from labkit.bench.row import Row, not_run
from labkit.experiments import call

__all__ = ["against_stock", "recorder_cost"]

ROUNDS = 3


async def against_stock(seconds: float) -> Row:
    """Measure our p50 against that of stock aiortc, taking turns."""
    ours: list[float] = []
    stock: list[float] = []
    for _round in range(ROUNDS):
        run = await call(seed=1).record(seconds, progress=False)
        ours.append(run.summary()["latency_ms"]["p50"])
        stock.append(statistics.median(await plain_latencies_ms(seconds)))
    mine, other = statistics.median(ours), statistics.median(stock)
    return Row(
        "latency",
        "capture → frame in Python, VP8 640×480@30, loopback, p50",
        "≤ 7 ms, and ≤ 0.2 × stock aiortc in the same run",
        f"{mine:.2f} ms; stock {other:.2f} ms; ratio {mine / other:.3f}",
        mine <= 7 and mine <= 0.2 * other,
        f"median of {ROUNDS} rounds of {seconds:g} s each, taking turns; ours is probed, recorded "
        "and goes through the relay, stock does not",
        {"ours_p50_ms": ours, "stock_p50_ms": stock, "ratio": mine / other},
    )


async def recorder_cost(seconds: float) -> Row:
    """Measure the recorder's share of a core, and probed against unprobed latency."""
    what = "the recorder’s own cost"
    reach = "≤ 3 % of one core, ≤ 0.2 ms p50 on latency against unprobed"
    probed: list[float] = []
    unprobed: list[float] = []
    shares: list[float] = []
    for _round in range(ROUNDS):
        latency, share = await _recorded(seconds)
        probed.append(latency)
        shares.append(share)
        plain = await plain_latencies_ms(seconds, jitter_buffer="marker", relay=True)
        unprobed.append(statistics.median(plain))
    cost_ms = statistics.median(probed) - statistics.median(unprobed)
    share = statistics.median(shares)
    if not shares:
        return not_run("recorder", what, reach, "no recorder process was seen")
    return Row(
        "recorder",
        what,
        reach,
        f"{share * 100:.2f} % of a core; {cost_ms:+.2f} ms p50",
        share <= 0.03 and cost_ms <= 0.2,
        f"median of {ROUNDS} rounds of {seconds:g} s, taking turns with an unprobed pair that has "
        "the same jitter buffer and relay",
        {"probed_p50_ms": probed, "unprobed_p50_ms": unprobed, "core_share": shares},
    )


async def _recorded(seconds: float) -> tuple[float, float]:
    async with call(seed=1) as made:
        recording = made.start_recording(seconds, progress=False)
        await asyncio.sleep(1.0)
        recorder = _child_with("labkit.run.recorder")
        before = recorder.cpu_times()
        await asyncio.sleep(max(0.5, seconds - 2.0))
        after = recorder.cpu_times()
        run = await recording
    used = after.user + after.system - before.user - before.system
    share = used / max(0.5, seconds - 2.0)
    latency: dict[str, Any] = run.summary()["latency_ms"]
    return latency["p50"], share


def _child_with(module: str) -> psutil.Process:
    for process in psutil.Process().children(recursive=True):
        if module in process.cmdline():
            return process
    raise LookupError(module)
