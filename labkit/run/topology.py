"""A mesh, an MCU or an SFU in figures: one row a Run, so that they can be compared by N."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pandas as pd

from labkit.run.run import Run
from labkit.run.statistics import latency_frames, percentiles
from labkit.run.wire import bitrate_kbps, tracks_of, window

__all__ = [
    "FPS_SHARE",
    "LAG_LIMIT_MS",
    "SERVERS",
    "SERVER_CPU_S",
    "participants",
    "topology_of",
    "topology_row",
    "topology_table",
]

SERVERS = ("mcu", "sfu")
"""Names of peers that are in the middle and no participants."""

LAG_LIMIT_MS = 33.0
"""A machine is full where the loop's timers are later than this at the 95th percentile: half a
frame's time at 15 frames a second."""

LAG_SPAN_S = 0.6
"""A sample of the loop's lag looks back as far as that."""

SERVER_CPU_S = "process_cpu_seconds_total"
"""Prometheus' name for the processor time that a server has used."""

FPS_SHARE = 0.9
"""It is full, too, where receivers see less than this share of the frames that were asked for."""


def participants(run: Run) -> list[str]:
    """Return who takes part, without the server in the middle, in the order of the run."""
    return [name for name in dict.fromkeys(run.peers["peer"]) if name not in SERVERS]


def topology_of(run: Run) -> str:
    """Return ``mcu`` or ``sfu`` where such a server is on the wire or a peer, else ``mesh``."""
    there = {*run.peers["peer"], *run.packets["sender"], *run.packets["receiver"]}
    return next((server for server in SERVERS if server in there), "mesh")


def topology_row(run: Run) -> dict[str, Any]:
    """Return what a Run of many participants cost, and how well they saw each other.

    ``uplink_kbps`` and ``downlink_kbps`` are means over the participants: all that left the
    relay in the window, headers included. ``cpu_percent`` is the sum over all processes that
    were measured (``cpu_by_process``; 100 is one core). Latency is over all frames of all
    participants at all others. ``seen`` is how many others' video a participant is to see, on
    average, and ``fps`` what it saw of each.
    ``full`` is whether the figures are about a machine that has too much to do, by
    ``LAG_LIMIT_MS`` and ``FPS_SHARE``; None where neither is known.

    Args:
        run: From ``lab.mesh``, ``lab.mcu`` or ``lab.room``.
    """
    names = participants(run)
    cpu, seen = _cpu_by_process(run), _seen_tracks(run, names)
    latency = _latency(run, names)
    row = {
        "topology": topology_of(run),
        "n": len(names),
        "uplink_kbps": _mean(_wire_kbps(run, sender=name) for name in names),
        "downlink_kbps": _mean(_wire_kbps(run, receiver=name) for name in names),
        "cpu_percent": sum(cpu.values()) if cpu else math.nan,
        "cpu_by_process": cpu,
        "latency_p50_ms": latency["p50"],
        "latency_p95_ms": latency["p95"],
        "loop_lag_p50_ms": _lag(run)["p50"],
        "loop_lag_p95_ms": _lag(run)["p95"],
        "seen": len(seen) / len(names) if names else math.nan,
        "fps": _fps(run, seen),
        "fps_asked": _fps_asked(run),
    }
    return {**row, "full": _is_full(row)}


def topology_table(runs: Iterable[Run]) -> pd.DataFrame:
    """Return a row for each run, sorted by topology and N."""
    rows = pd.DataFrame([topology_row(run) for run in runs])
    return rows if rows.empty else rows.sort_values(["topology", "n"], ignore_index=True)


def _mean(values: Iterable[float]) -> float:
    return percentiles(values)["mean"]


def _wire_kbps(run: Run, sender: str | None = None, receiver: str | None = None) -> float:
    """Return the sum over all directions that begin (or end) at one participant."""
    wire = run.packets[run.packets["layer"] == "wire"]
    ways = wire[["sender", "receiver"]].drop_duplicates()
    mine = ways["sender" if receiver is None else "receiver"] == (sender or receiver)
    rates = [bitrate_kbps(run, *way) for way in ways[mine].itertuples(index=False, name=None)]
    return sum(rates) if rates else math.nan


def _samples(run: Run, name: str) -> pd.DataFrame:
    samples = run.samples[run.samples["name"] == name]
    return samples[samples["at_s"].between(*window(run))]


def _cpu_by_process(run: Run) -> dict[str, float]:
    means = _samples(run, "cpu_percent").groupby("peer")["value"].mean()
    return {str(process): float(value) for process, value in means.items()} | _server_cpu(run)


def _server_cpu(run: Run) -> dict[str, float]:
    """Return the processor time by a server's own counter, which it renews as it likes."""
    counters = _samples(run, SERVER_CPU_S).sort_values("at_s")
    return {
        str(server): 100 * float(own["value"].iloc[-1] - own["value"].iloc[0]) / passed_s
        for server, own in counters.groupby("peer")
        if (passed_s := float(own["at_s"].iloc[-1] - own["at_s"].iloc[0])) > 0
    }


def _lag(run: Run) -> dict[str, float]:
    samples = _samples(run, "loop_lag_ms")
    # A value is about the time before it: the first ones are about the joining.
    return percentiles(samples.loc[samples["at_s"] >= window(run)[0] + LAG_SPAN_S, "value"])


def _latency(run: Run, names: list[str]) -> dict[str, float]:
    every = [latency_frames(run, one, other)["latency_ms"] for one, other in permutations(names, 2)]
    return percentiles(pd.concat(every) if every else [])


def _seen_tracks(run: Run, names: list[str]) -> list[tuple[str, str]]:
    """Return the video tracks that somebody is to see, with who sees them.

    That is everybody's at everybody else, but in a room only what was subscribed to.
    """
    subscribed = run.meta.get("subscribed") or {}
    return [
        (track, other)
        for one, other in permutations(names, 2)
        for track in tracks_of(run, one)
        if track.endswith(":video") and track in subscribed.get(other, [track])
    ]


def _fps(run: Run, seen: list[tuple[str, str]]) -> float:
    """Return shown frames a second, the mean over all receivers of all that they see."""
    from_s, to_s = window(run)
    if not to_s > from_s:
        return math.nan
    frames = run.frames
    shown = frames[(frames["fate"] == "shown") & frames["captured_s"].between(from_s, to_s)]
    counts = shown.groupby(["track", "receiver"]).size()
    return _mean(counts.get(pair, 0) / (to_s - from_s) for pair in seen)


def _fps_asked(run: Run) -> float:
    """Return what was asked of all, or the most that one participant was to send."""
    asked = run.meta.get("asked") or {}
    people = asked.get("participants")
    each = [one.get("fps") for one in people.values()] if isinstance(people, dict) else []
    known = [float(fps) for fps in (asked.get("fps"), *each) if fps is not None]
    return max(known, default=math.nan)


def _is_full(row: dict[str, Any]) -> bool | None:
    known = not math.isnan(row["loop_lag_p95_ms"])
    share = row["fps"] / row["fps_asked"]
    if not known and math.isnan(share):
        return None
    return bool(row["loop_lag_p95_ms"] > LAG_LIMIT_MS or share < FPS_SHARE)
