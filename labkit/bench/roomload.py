"""Rows about a room's limits: many listeners, and a server that is killed."""

from __future__ import annotations

import asyncio
import statistics
import time

from labkit.bench.rooms import own_server
from labkit.bench.row import Row
from labkit.experiments.broadcast import broadcast
from labkit.experiments.rooms import participant, room
from labkit.media import TestPattern
from labkit.run import Run

__all__ = ["fan_out", "outage", "server_killed"]

COUNTS = (1, 5, 10, 20, 40)
SMALL = TestPattern(320, 240, fps=20)
KILLS = 7
"""So many, because the SDK draws its pauses between attempts by lot."""

DEAD_S = 2.0
BEFORE_S = 3.0
AFTER_S = 10.0


async def fan_out(seconds: float) -> Row:
    """Measure one publisher and up to 40 listeners, and what the server spends on each."""
    async with own_server() as server:
        table = await broadcast(COUNTS, server=server, seconds=max(2.0, seconds / 2))
    last = table.iloc[-1]
    lost = int(table["packets_lost"].sum())
    each = last["server_cpu_percent_per_stream"]
    return Row(
        "room-fan-out",
        "1 → 40 subscribers, 480×360@15",
        "no loss, server CPU per stream reported",
        f"{lost} packets lost; server {last['server_cpu_percent']:.1f} % of a core at "
        f"{int(last['n'])}, {each:.2f} % a stream; {last['shown_share']:.1%} of the frames shown",
        lost == 0 and int(last["n"]) == COUNTS[-1],
        f"{', '.join(map(str, COUNTS))} listeners, {max(2.0, seconds / 2):g} s each; all but one "
        "are the SDK’s, which decode everything in two processes on the same machine "
        f"({last['audience_cpu_percent']:.0f} % of a core at the end); no links",
        {"rows": table.to_dict("records")},
    )


async def server_killed(_seconds: float) -> Row:
    """Kill the server in the middle of a room, start it again after 2 s, and look for the media."""
    found = [await _killed_once() for _kill in range(KILLS)]
    named = statistics.median(one["named_s"] for one in found)
    gap = statistics.median(one["gap_s"] for one in found)
    back, joined = (
        statistics.median(one[n] for one in found) for n in ("server_back_s", "joined_s")
    )
    told = ", ".join(f"{one['gap_s']:.1f}" for one in found)
    return Row(
        "room-killed",
        "server killed in mid-call, back after 2 s",
        "named within 3 s; media gap ≤ 5 s",
        f"named after {named:.2f} s; media gap {gap:.1f} s (each: {told})",
        named <= 3 and gap <= 5,
        f"median of {KILLS} kills, two SDK participants through the relay; “named” is the first "
        "event that says so; the gap is the time from the receiver’s last frame to its next one, "
        f"the 2 s included. The server answered again after {back:.1f} s; {joined:.1f} s after the "
        "kill both were in the room again: until then the SDK waits between its attempts, longer "
        "each time, by lot",
        {"kills": found},
    )


async def _killed_once() -> dict[str, float]:
    async with own_server() as server:
        people = [
            participant("alice", engine="livekit", video=SMALL, options={"simulcast": False}),
            participant("bob", engine="livekit"),
        ]
        async with room(*people, server=server) as made:
            recording = made.start_recording(BEFORE_S + DEAD_S + AFTER_S, progress=False)
            await asyncio.sleep(BEFORE_S)
            killed_s = time.perf_counter() - made.time_zero
            await server.kill()
            await asyncio.sleep(DEAD_S)
            await server.restart()
            back_s = time.perf_counter() - made.time_zero - killed_s
            run = await recording
    return {**outage(run, killed_s), "server_back_s": back_s}


def outage(run: Run, killed_s: float) -> dict[str, float]:
    """Return how soon an outage was named, when both were back, and how long no frame came.

    What never happened took infinitely long.

    Args:
        run: Of a room with alice and bob.
        killed_s: Second of the call at which the server was killed.
    """
    events = run.events[run.events["at_s"] >= killed_s]
    naming = events[events["name"].isin(["server_gone", "reconnecting", "disconnected"])]
    named = float(naming["at_s"].min() - killed_s) if len(naming) else float("inf")
    at_s = run.frames.loc[run.frames["receiver"] == "bob", "decoded_s"].dropna().sort_values()
    back = at_s[at_s > killed_s + DEAD_S]
    before = at_s[at_s <= killed_s + DEAD_S]
    gap = float(back.min() - before.max()) if len(back) and len(before) else float("inf")
    return {"named_s": named, "joined_s": _both_joined_s(run, killed_s), "gap_s": gap}


def _both_joined_s(run: Run, killed_s: float) -> float:
    """Return after how long the server had let in the second of the two again."""
    messages = run.messages[(run.messages["at_s"] > killed_s) & (run.messages["name"] == "join")]
    first = messages.groupby("receiver")["at_s"].min()
    return float(first.max() - killed_s) if len(first) == 2 else float("inf")
