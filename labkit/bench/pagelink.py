"""Row about a browser in a room whose way to the server is bent while it is there."""

from __future__ import annotations

import asyncio
import json

from labkit.bench.jupyter import open_notebook
from labkit.bench.rooms import DELAY_MS, IN_TURN, ROUNDS, shifts
from labkit.bench.row import Row
from labkit.run import Run

__all__ = ["bent_page", "turn_medians"]

SETTLE_S = 4.0
"""Chromium asks for the round trip about every 2.5 s: by then it has seen the new one."""

SHORTEST_S = 12.0

JOIN = """
import asyncio, json, time
import labkit as lab
from labkit.bench.pagelink import turn_medians
from labkit.bench.rooms import SMALL, own_server
server = await own_server().__aenter__()
me = lab.participant("me", engine="browser", video=True)
carol = lab.participant("carol", video=SMALL, subscribe=False)
made = lab.room(carol, me, "bob", server=server, seed=1)
made.page()
"""

MEASURE = f"""
await made.start()
handle = made.start_recording(len(TURNS) * ({SETTLE_S} + SECONDS), progress=False)
turns = []
for delay_ms in TURNS:
    made.set_link("me", uplink=lab.Link(delay_ms=delay_ms))
    await asyncio.sleep({SETTLE_S})
    begin_s = time.perf_counter() - made.time_zero
    await asyncio.sleep(SECONDS - 0.1)
    turns.append((begin_s, time.perf_counter() - made.time_zero))
run = await handle
await made.close()
await server.close()
print(json.dumps([turn_medians(run, turn) for turn in turns]))
"""


async def bent_page(seconds: float) -> Row:
    """Bend a page's uplink while its room goes on; nobody else may notice."""
    length_s = max(seconds, SHORTEST_S)
    found = await asyncio.to_thread(_turns, length_s)
    off = {name: shifts([one[name] for one in found], IN_TURN) for name in found[0]}
    return Row(
        "room-page",
        f"the same {DELAY_MS} ms on a browser’s uplink, by turns in one room",
        "link and browser’s RTT + 50 ± 1 ms, others unchanged",
        f"link {off['transit_ms']:+.1f}, browser’s RTT {off['rtt_ms']:+.1f}, its frames "
        f"{off['own_ms']:+.1f}, somebody else’s {off['carol_ms']:+.1f} ms",
        abs(off["transit_ms"] - DELAY_MS) <= 1
        and abs(off["rtt_ms"] - DELAY_MS) <= 1
        and abs(off["carol_ms"]) <= 1,
        f"a page in a real JupyterLab and Chromium joins by WHIP and sends its own test picture; "
        f"0 and {DELAY_MS} ms by turns, {SETTLE_S:g} s to settle and {length_s:g} s each; RTT is "
        "what the page’s own statistics say of its nominated pair; its frames are shown by bob, "
        "and have the page’s clock error in them; a bent turn less the mean of the clean ones "
        f"around it, median of {ROUNDS}",
        {"turns": found, "delay_ms": list(IN_TURN), "shift_ms": off},
    )


def turn_medians(run: Run, turn: tuple[float, float]) -> dict[str, float]:
    """Return the medians of one turn: RTT, time on the link, and both senders' latencies.

    Args:
        run: Of a room with the page me, with carol and bob.
        turn: Its first and last second; NaN stands for what was not seen in it.
    """
    rtt_ms = run.samples[
        (run.samples["peer"] == "me")
        & (run.samples["name"] == "rtt_ms")
        & run.samples["at_s"].between(turn[0], turn[1])
    ]["value"]
    wire = run.packets[(run.packets["layer"] == "wire") & (run.packets["fate"] == "delivered")]
    up = wire[(wire["sender"] == "me") & wire["sent_s"].between(turn[0], turn[1])]
    seen = run.frames[
        (run.frames["receiver"] == "bob") & run.frames["decoded_s"].between(turn[0], turn[1])
    ]
    latency_ms = seen.groupby("track")["latency_ms"].median()
    return {
        "rtt_ms": float(rtt_ms.median()),
        "transit_ms": float((up["arrived_s"] - up["sent_s"]).median() * 1000),
        "own_ms": float(latency_ms.get("me:video", float("nan"))),
        "carol_ms": float(latency_ms.get("carol:video", float("nan"))),
    }


def _turns(length_s: float) -> list[dict[str, float]]:
    measure = MEASURE.replace("TURNS", repr(IN_TURN)).replace("SECONDS", f"{length_s:g}")
    whole_s = len(IN_TURN) * (SETTLE_S + length_s)
    with open_notebook([JOIN, measure]) as page:
        for number, within_s in enumerate((60, whole_s + 60)):
            page.run_cell(number)
            page.wait_for_prompt(number, within_s)
        found: list[dict[str, float]] = json.loads(page.text_of(1).strip().splitlines()[-1])
        return found
