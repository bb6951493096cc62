"""Rows about the panel, in a real JupyterLab with a real Chromium."""

from __future__ import annotations

import asyncio
import json
import statistics
from typing import Any

from labkit.bench.jupyter import open_notebook
from labkit.bench.row import Row

__all__ = ["chart_cost", "click_to_picture", "panel_cost"]

CLICKS = 5
WAIT_MS = 1000
"""As fast as anybody looks at a panel and presses Start."""

UPDATES = 100
CHART_ROUNDS = 3
ROUNDS = 3
ORDER = [False, True, True, False]
"""With the panel or without, in a round: a machine that gets slower meets both alike."""

BLOCK_S = 10.0
PAUSE_S = 2
SETTLE_S = 30

CHART = f"""
import asyncio, json, time
from labkit.live.chart import LiveChart
chart = LiveChart("Latency", "ms", series=["one", "two"])
display(chart.widget)
for k in range(300):
    chart.append(k / 5, {{"one": 5 + k % 7, "two": 8 + k % 5}})
await asyncio.sleep(2)
def nothing(k):
    pass
def empty_message(k):
    chart._lines.comm.send({{"method": "update", "state": {{}}, "buffer_paths": []}})
def update(k):
    chart.append(60 + k / 5, {{"one": 5 + k % 7, "two": 8 + k % 5}})
async def cost_ms(work):
    begin = time.process_time()
    for k in range({UPDATES}):
        work(k)
        await asyncio.sleep(0.05)
    return (time.process_time() - begin) * 1000 / {UPDATES}
rounds = []
for number in range({CHART_ROUNDS}):
    idle, empty, full = await cost_ms(nothing), await cost_ms(empty_message), await cost_ms(update)
    rounds.append([empty - idle, full - idle])
print(json.dumps({{"rounds_ms": rounds}}))
"""

PANEL = f"""
import asyncio, json, time
import labkit as lab
from labkit.live.panel import CallPanel
call = lab.call(video=lab.TestPattern(), back_video=lab.TestPattern(), seed=1)
await call.start()
await asyncio.sleep({SETTLE_S})
handle = call.start_recording(2 + len(BLOCKS) * (SECONDS + 2 * {PAUSE_S}), progress=False)
await asyncio.sleep(2)
blocks = []
for shown in BLOCKS:
    if shown:
        panel = CallPanel(call)
        display(panel)
    await asyncio.sleep({PAUSE_S})
    drawn = panel.view.pictures_drawn if shown else 0
    begin, cpu = time.perf_counter(), time.process_time()
    await asyncio.sleep(SECONDS)
    took = time.perf_counter() - begin
    block = {{"shown": shown, "share": (time.process_time() - cpu) / took}}
    block["from_s"], block["to_s"] = begin - call.time_zero, begin - call.time_zero + took
    if shown:
        block["pictures_per_s"] = (panel.view.pictures_drawn - drawn) / took / 2
        panel.close()
    blocks.append(block)
    await asyncio.sleep({PAUSE_S})
run = await handle
await call.close()
for block in blocks:
    inside = run.frames["captured_s"].between(block["from_s"], block["to_s"])
    each = run.frames[inside].groupby("track")["latency_ms"]
    for percent in (50, 95):
        block[f"p{{percent}}"] = float(each.quantile(percent / 100).mean())
print(json.dumps(blocks))
"""

CLICK = """
import labkit as lab
call = lab.call(video=lab.TestPattern(), back_video=lab.TestPattern(), seed=1)
call.show()
"""

COLD_CLICK = CLICK.replace("call.show()", "call.prepare_soon = lambda: None\ncall.show()")
"""A panel that gets no worker ready."""

PRESS_START = """async () => {
  const panel = document.querySelector(".lab-panel");
  const picture = panel.querySelector(".lab-picture");
  const before = picture.dataset.frame, begin = performance.now();
  panel.querySelector(".lab-start").click();
  while (picture.dataset.frame === before) {
    if (performance.now() - begin > 20000) return null;
    await new Promise(requestAnimationFrame);
  }
  return performance.now() - begin;
}"""

PRESS_STOP = """async () => {
  const panel = document.querySelector(".lab-panel");
  panel.querySelector(".lab-stop").click();
  const start = panel.querySelector(".lab-start");
  while (start.getAttribute("aria-disabled") === "true")
    await new Promise(requestAnimationFrame);
}"""


async def chart_cost(_seconds: float) -> Row:
    """Measure the kernel's CPU time for one update of a full live chart."""
    rounds = (await asyncio.to_thread(_printed, [CHART]))[-1]["rounds_ms"]
    empty_ms, cost_ms = (statistics.median(each) for each in zip(*rounds, strict=True))
    return Row(
        "chart",
        "live chart, kernel CPU per update",
        "≤ 1 ms",
        f"{cost_ms:.2f} ms, of which {empty_ms:.2f} ms are the kernel’s own for any message",
        cost_ms <= 1.0,
        f"process time of the kernel over {UPDATES} updates of two full series, less the same "
        "loop without updates, beside the same loop with empty messages; median of "
        f"{CHART_ROUNDS} rounds; the chart is on a page",
        {"ms": cost_ms, "empty_message_ms": empty_ms, "rounds_ms": rounds},
    )


async def panel_cost(seconds: float) -> Row:
    """Measure what the panel costs: latency with it and without, and the kernel's share."""
    length_s = max(seconds, BLOCK_S)
    cell = PANEL.replace("BLOCKS", repr(ORDER * ROUNDS)).replace("SECONDS", f"{length_s:g}")
    within_s = SETTLE_S + len(ORDER) * ROUNDS * (length_s + 2 * PAUSE_S) + 60
    blocks = (await asyncio.to_thread(_printed, [cell], within_s))[-1]
    p50, p95 = (shift(blocks, name) for name in ("p50", "p95"))
    shown = [block for block in blocks if block["shown"]]
    share = statistics.median(block["share"] for block in shown)
    pictures = statistics.median(block["pictures_per_s"] for block in shown)
    return Row(
        "panel",
        "the whole panel on against off (two-way VGA30, both pictures ≥ 10/s, chart 4 Hz)",
        "latency p50 +0.2 ms, p95 +2 ms at most; kernel ≤ 5 % of a core",
        f"p50 {p50:+.2f} ms, p95 {p95:+.2f} ms; kernel {share * 100:.1f} % of a core; "
        f"{pictures:.1f} pictures/s of each side",
        p50 <= 0.2 and p95 <= 2 and share <= 0.05 and pictures >= 10,
        f"one call, {SETTLE_S} s after its start; {ROUNDS} rounds of off, on, on, off: blocks of "
        f"{length_s:g} s, {2 * PAUSE_S} s apart; mean of both directions, median over the rounds "
        "of on less off; the page is in a headless Chromium that draws on these cores",
        {"p50_ms": p50, "p95_ms": p95, "blocks": blocks},
    )


async def click_to_picture(_seconds: float) -> Row:
    """Measure from the click on Start to the first remote picture on the page."""
    taken_ms = await asyncio.to_thread(_click, CLICK)
    cold_ms = await asyncio.to_thread(_click, COLD_CLICK)
    p50 = statistics.median(taken_ms)
    return Row(
        "click",
        "click on Start → first remote picture in the panel",
        "≤ 0.7 s",
        f"p50 {p50 / 1000:.2f} s, worst {max(taken_ms) / 1000:.2f} s (n = {len(taken_ms)}); "
        f"with no worker ready p50 {statistics.median(cold_ms) / 1000:.2f} s",
        p50 <= 700 and len(taken_ms) == CLICKS,
        f"from the click in the page to the drawn picture, {WAIT_MS / 1000:g} s after the panel "
        "was shown or the call before was stopped: since then a worker and its relay are ready; "
        "each start takes new ones",
        {"ms": taken_ms, "cold_ms": cold_ms},
    )


def shift(blocks: list[dict[str, Any]], name: str) -> float:
    """Return by how much a figure is larger with the panel: median over the rounds."""
    shifts = []
    for begin in range(0, len(blocks), len(ORDER)):
        sides: dict[bool, list[float]] = {True: [], False: []}
        for block in blocks[begin : begin + len(ORDER)]:
            sides[block["shown"]].append(block[name])
        shifts.append(statistics.fmean(sides[True]) - statistics.fmean(sides[False]))
    return statistics.median(shifts)


def _printed(cells: list[str], within_s: float = 90) -> list[Any]:
    """Run cells one by one on a page; return the JSON that they printed."""
    printed = []
    with open_notebook(cells) as page:
        for number in range(len(cells)):
            page.run_cell(number)
            page.wait_for_prompt(number, within_s)
            lines = page.text_of(number).splitlines()
            printed += [json.loads(line) for line in lines if line.startswith(("{", "["))]
    return printed


def _click(cell: str) -> list[float]:
    with open_notebook([cell]) as page:
        page.run_cell(0)
        page.panel.wait_for()
        taken = []
        for _number in range(CLICKS):
            page.page.wait_for_timeout(WAIT_MS)
            taken.append(page.page.evaluate(PRESS_START))
            page.page.wait_for_timeout(500)
            page.page.evaluate(PRESS_STOP)
    return [each for each in taken if each is not None]
