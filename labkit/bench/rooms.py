"""Rows about rooms: the server's start, joining, the server's own hop, and a bent way to it."""

from __future__ import annotations

import math
import statistics

from labkit.bench.row import Row
from labkit.experiments import call
from labkit.experiments.rooms import participant, room
from labkit.media import TestPattern
from labkit.net import Link
from labkit.rooms.running import LivekitServer
from labkit.rooms.settings import ServerOptions
from labkit.run import Run
from labkit.run.statistics import latency_ms, settle_s, window

__all__ = [
    "HOP_ORDER",
    "first_frames_ms",
    "imposed_delay",
    "join_to_frame",
    "own_server",
    "sdk_latency",
    "server_ready",
    "settled_median",
    "sfu_hop",
    "shifts",
]

STARTS = 5
JOINS = 5
SDK_RUNS = 5
ROUNDS = 3
HOP_ORDER = ("p2p", "sfu", "sfu", "p2p") * ROUNDS
"""Both sides by turns, so that both meet the same machine."""

DELAY_MS = 50
IN_TURN = (0, *(DELAY_MS, 0) * ROUNDS)
"""Delay of alice's and sue's uplink in each room: a clean one before and after."""

SMALL = TestPattern(320, 180, fps=15)


def own_server() -> LivekitServer:
    """Return a server of the lab's own that is never built here: that is no measurement."""
    return LivekitServer(ServerOptions(), build=False, progress=None)


async def server_ready(_seconds: float) -> Row:
    """Measure the time from the start of the server's process until it says that it is healthy."""
    taken_s = []
    for _start in range(STARTS):
        async with own_server() as server:
            taken_s.append(server.ready_after_s or math.nan)
    return Row(
        "room-server",
        "LiveKit server ready after start (built)",
        "≤ 1 s",
        f"{statistics.median(taken_s):.3f} s, at most {max(taken_s):.3f} s",
        max(taken_s) <= 1,
        f"{STARTS} starts, each with ports and a secret of its own; asked every 10 ms",
        {"seconds": taken_s},
    )


async def join_to_frame(_seconds: float) -> Row:
    """Measure the time from the wish to join until the first subscribed frame, both ways in."""
    taken_ms: dict[str, list[float]] = {"livekit": [], "labkit": []}
    async with own_server() as server:
        for _join in range(JOINS):
            for engine, found in taken_ms.items():
                made = room(
                    participant("alice", video=TestPattern()),
                    participant("bob", engine=engine),
                    server=server,
                )
                found.append(first_frames_ms(await made.record(0.5, progress=False))["bob"])
    sdk, whip = (statistics.median(taken_ms[engine]) for engine in ("livekit", "labkit"))
    return Row(
        "room-join",
        "join → first subscribed frame, loopback",
        "≤ 600 ms SDK, ≤ 200 ms WHIP",
        f"SDK {sdk:.0f} ms, WHIP {whip:.0f} ms",
        sdk <= 600 and whip <= 200,
        f"p50 of {JOINS} joins each, by turns, in a room where somebody publishes; a participant’s "
        "first act to its first decoded frame",
        taken_ms,
    )


async def sfu_hop(seconds: float) -> Row:
    """Measure the same two endpoints peer to peer and through the server, by turns."""
    p50s_ms: dict[str, list[float]] = {"p2p": [], "sfu": []}
    async with own_server() as server:
        for way in HOP_ORDER:
            made = call(seed=1) if way == "p2p" else room("alice", "bob", server=server)
            run = await made.record(seconds, progress=False)
            p50s_ms[way].append(latency_ms(run)["p50"])
    p2p, sfu = (statistics.median(p50s_ms[way]) for way in ("p2p", "sfu"))
    return Row(
        "room-hop",
        "capture → frame through the SFU, VP8 640×480@30, p50, labkit on both ends",
        "≤ 8 ms, and ≤ 1 ms above peer to peer in the same run",
        f"{sfu:.2f} ms; peer to peer {p2p:.2f} ms; {sfu - p2p:+.2f} ms",
        sfu <= 8 and sfu - p2p <= 1,
        f"median of {len(p50s_ms['sfu'])} rooms and as many calls of {seconds:g} s, in the order "
        "P2P, SFU, SFU, P2P; both probed, recorded and through the relay (the room’s media pass it "
        "twice)",
        p50s_ms,
    )


async def sdk_latency(seconds: float) -> Row:
    """Measure the SDK's latency several times, with its jitter buffer's share of each."""
    runs: list[dict[str, float]] = []
    async with own_server() as server:
        for _run in range(SDK_RUNS):
            alice = participant("alice", engine="livekit", video=TestPattern())
            bob = participant("bob", engine="livekit")
            run = await room(alice, bob, server=server).record(seconds, progress=False)
            runs.append(_with_buffer(run))
    p50s = sorted(one["p50_ms"] for one in runs)
    told = "; ".join(f"{one['p50_ms']:.1f} (buffer {one['buffer_ms']:.1f})" for one in runs)
    return Row(
        "room-sdk",
        "the same with LiveKit’s SDK on both ends, with its jitter buffer’s share",
        "shown, n ≥ 5 runs and their spread",
        f"p50 {p50s[0]:.1f} to {p50s[-1]:.1f} ms: {told}",
        len(runs) >= 5 and all(one["buffer_ms"] == one["buffer_ms"] for one in runs),
        f"{SDK_RUNS} rooms of {seconds:g} s, nothing changed between them; the buffer’s share is "
        "the SDK’s own jitterBufferDelay over the settled part: its target depends on how the call "
        "began",
        {"runs": runs},
    )


async def imposed_delay(seconds: float) -> Row:
    """Bend one direction of a WHIP and of an SDK participant; nobody else may notice."""
    found: list[dict[str, float]] = []
    async with own_server() as server:
        for delay_ms in IN_TURN:
            found.append(await _with_uplinks(server, delay_ms, seconds))
    off = {name: shifts([one[name] for one in found], IN_TURN) for name in found[0]}
    alice, carol, rtt, transit = (
        off[n] for n in ("alice_ms", "carol_ms", "sue_rtt_ms", "transit_ms")
    )
    return Row(
        "room-link",
        f"imposed {DELAY_MS} ms on one participant’s one direction",
        "link and SDK’s RTT + 50 ± 1 ms, WHIP frame latency + 50 ± 2 ms, others unchanged",
        f"link {transit:+.1f}, SDK’s RTT {rtt:+.1f}, WHIP frames {alice:+.1f}, "
        f"somebody else’s {carol:+.1f} ms",
        abs(transit - DELAY_MS) <= 1
        and abs(rtt - DELAY_MS) <= 1
        and abs(alice - DELAY_MS) <= 2
        and abs(carol) <= 2,
        f"rooms of four with the uplinks of alice (WHIP) and sue (SDK) at 0 and {DELAY_MS} ms by "
        f"turns, {seconds:g} s each, 320×180@15; a bent room less the mean of the clean ones right "
        f"before and after it, median of {ROUNDS}",
        {"rooms": found, "delay_ms": list(IN_TURN), "shift_ms": off},
    )


async def _with_uplinks(server: LivekitServer, delay_ms: float, seconds: float) -> dict[str, float]:
    bent = Link(delay_ms=delay_ms)
    people = [
        participant("alice", video=SMALL, uplink=bent, subscribe=False),
        participant("carol", video=SMALL, subscribe=False),
        participant("sue", engine="livekit", video=SMALL, uplink=bent, subscribe=False),
        participant("bob"),
    ]
    run = await room(*people, server=server).record(seconds, progress=False)
    wire = run.packets[(run.packets["layer"] == "wire") & (run.packets["fate"] == "delivered")]
    up = wire[(wire["sender"] == "alice") & (wire["receiver"] == "sfu")]
    return {
        "alice_ms": latency_ms(run, "alice", "bob")["p50"],
        "carol_ms": latency_ms(run, "carol", "bob")["p50"],
        "sue_rtt_ms": settled_median(run, "sue", "rtt_ms"),
        "transit_ms": float((up["arrived_s"] - up["sent_s"]).median() * 1000),
    }


def shifts(values: list[float], delays_ms: tuple[float, ...]) -> float:
    """Return by how much the bent rooms differ from the clean ones around each, the median.

    Args:
        values: A figure of every room, in order.
        delays_ms: Their delays; the first and last are 0.
    """
    bent = [at for at, delay in enumerate(delays_ms) if delay]
    return statistics.median(values[at] - (values[at - 1] + values[at + 1]) / 2 for at in bent)


def settled_median(run: Run, peer: str, name: str) -> float:
    """Return the median of a participant's samples after settling; NaN without any."""
    samples = run.samples[(run.samples["peer"] == peer) & (run.samples["name"] == name)]
    return float(samples.loc[samples["at_s"] >= window(run)[0] + settle_s(run), "value"].median())


def _with_buffer(run: Run) -> dict[str, float]:
    told = latency_ms(run)
    return {
        "p50_ms": told["p50"],
        "p95_ms": told["p95"],
        "buffer_ms": settled_median(run, "bob", "jitter_buffer_ms"),
    }


def first_frames_ms(run: Run) -> dict[str, float]:
    """Return by participant the time from its joining to its first frame, where both are known."""
    events = run.events
    joining = events[events["name"] == "joining"].groupby("peer")["at_s"].min()
    first = events[events["name"] == "first_frame"].groupby("peer")["at_s"].min()
    waits_ms = ((first - joining) * 1000).dropna()
    return {str(peer): float(wait) for peer, wait in waits_ms.items()}
