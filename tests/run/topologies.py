"""Runs of many participants, made without a call: who sent how much to whom, and how late."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from labkit.run import Run

__all__ = ["topology_run"]

NAMES = ("alice", "bob", "carol", "dave", "erin", "frank")
SECONDS, FPS, PACKET = 4.0, 15, 1_000


def topology_run(
    topology: str, n: int, *, lag_ms: float = 2.0, latency_ms: float = 10.0, skip: int = 0,
    cpu: dict[str, float] | None = None, asked_fps: int | None = FPS,
) -> Run:  # fmt: skip
    """Return a Run in which every direction carries one packet of 1,028 bytes a frame.

    Args:
        topology: ``mesh``, ``mcu`` or ``sfu``.
        n: How many participants.
        lag_ms: Every sample of the loop's lag.
        latency_ms: Of every frame.
        skip: Of 15 frames so many are lost.
        cpu: Percent of a core by process; 40 for the worker without it.
        asked_fps: What ``meta`` says; None: nothing.
    """
    names = NAMES[:n]
    middle = () if topology == "mesh" else (topology,)
    ways = [(a, b) for a in names for b in middle] + [(b, a) for a in names for b in middle]
    tables: dict[str, Any] = {
        "peers": [{"peer": name, "engine": "labkit"} for name in (*names, *middle)],
        "tracks": [{"track": f"{name}:video", "peer": name, "kind": "video"} for name in names],
        "frames": [f for a, b in permutations(names, 2) for f in _frames(a, b, latency_ms, skip)],
        "packets": [p for a, b in ways or permutations(names, 2) for p in _packets(a, b)],
        "samples": _samples(lag_ms, cpu or {"worker": 40.0}),
    }
    asked = {} if asked_fps is None else {"fps": asked_fps}
    meta = {"recorded_from_s": 1.0, "recorded_to_s": 1.0 + SECONDS, "settle_s": 2.0,
            "asked": asked}  # fmt: skip
    return Run.from_tables(meta, **tables)


def _times() -> list[float]:
    return [1.0 + (k + 0.5) / FPS for k in range(int(SECONDS * FPS))]


def _frames(sender: str, receiver: str, latency_ms: float, skip: int) -> list[dict[str, Any]]:
    return [
        {
            "track": f"{sender}:video",
            "frame": k,
            "receiver": receiver,
            "captured_s": at_s,
            "decoded_s": at_s + latency_ms / 1000,
            "latency_ms": latency_ms,
            "fate": "shown" if k % FPS >= skip else "lost",
        }
        for k, at_s in enumerate(_times())
    ]


def _packets(sender: str, receiver: str) -> list[dict[str, Any]]:
    common = {"sender": sender, "receiver": receiver, "layer": "wire", "kind": "rtp"}
    return [
        {**common, "size_bytes": PACKET, "copy": 0, "sent_s": at_s, "arrived_s": at_s + 0.001,
         "fate": "delivered"}
        for at_s in _times()
    ]  # fmt: skip


def _samples(lag_ms: float, cpu: dict[str, float]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for tick in range(8):
        at_s = 1.25 + tick / 2
        rows.append({"at_s": at_s, "peer": "alice", "name": "loop_lag_ms", "value": lag_ms})
        for process, percent in cpu.items():
            rows.append({"at_s": at_s, "peer": process, "name": "cpu_percent", "value": percent})
    rows.append({"at_s": 0.5, "peer": "alice", "name": "loop_lag_ms", "value": 900.0})
    return rows
