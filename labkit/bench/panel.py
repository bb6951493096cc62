"""Rows about the panel, in a real JupyterLab with a real Chromium."""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from labkit.bench.jupyter import NotebookPage, chromium, jupyter_lab, write_notebook
from labkit.bench.row import Row

__all__ = ["chart_cost", "click_to_picture", "panel_cost"]

CLICKS = 5
UPDATES = 200
ROUNDS = 2

CHART = f"""
import asyncio, json, time
from labkit.live.chart import LiveChart
chart = LiveChart("Latency", "ms", series=["one", "two"])
display(chart.widget)
for k in range(300):
    chart.append(k / 5, {{"one": 5 + k % 7, "two": 8 + k % 5}})
await asyncio.sleep(2)
async def cost(update):
    begin = time.process_time()
    for k in range({UPDATES}):
        if update:
            chart.append(60 + k / 5, {{"one": 5 + k % 7, "two": 8 + k % 5}})
        await asyncio.sleep(0.05)
    return time.process_time() - begin
idle, busy = await cost(False), await cost(True)
print(json.dumps({{"ms": (busy - idle) * 1000 / {UPDATES}}}))
"""

MEASURE = """
import asyncio, json, time
import labkit as lab
from labkit.live.panel import CallPanel
call = lab.call(video=lab.TestPattern(), back_video=lab.TestPattern(), seed=1)
await call.start()
async def measure(seconds):
    begin, cpu = time.perf_counter(), time.process_time()
    run = await call.record(seconds, progress=False)
    share = (time.process_time() - cpu) / (time.perf_counter() - begin)
    figures = run.summary()
    ways = [figures["latency_ms"], figures["back"]["latency_ms"]]
    print(json.dumps({"share": share, "ways": ways}))
await asyncio.sleep(1)
"""

CLICK = """
import labkit as lab
call = lab.call(video=lab.TestPattern(), back_video=lab.TestPattern(), seed=1)
call.show()
"""

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
    printed = await asyncio.to_thread(_printed, [CHART])
    cost_ms = printed[-1]["ms"]
    return Row(
        "chart",
        "live chart, kernel CPU per update",
        "≤ 1 ms",
        f"{cost_ms:.2f} ms",
        cost_ms <= 1.0,
        f"process time of the kernel over {UPDATES} updates of two full series, less the same "
        "loop without updates; the chart is on a page",
        {"ms": cost_ms},
    )


async def panel_cost(seconds: float) -> Row:
    """Measure what the panel costs: latency with it and without, and the kernel's share."""
    off = f"await measure({seconds})"
    on = f"panel = CallPanel(call)\ndisplay(panel)\nawait asyncio.sleep(2)\n{off}\npanel.close()"
    printed = await asyncio.to_thread(
        _printed, [MEASURE, *[off, on] * ROUNDS, "await call.close()"]
    )
    without, with_panel = (_together(printed[start::2]) for start in (0, 1))
    delta = {name: with_panel[name] - without[name] for name in ("p50", "p95")}
    share = with_panel["share"]
    return Row(
        "panel",
        "the whole panel on against off (two-way VGA30, both pictures ≥ 10/s, chart 4 Hz)",
        "latency p50 +0.2 ms, p95 +2 ms at most; kernel ≤ 5 % of a core",
        f"p50 {delta['p50']:+.2f} ms, p95 {delta['p95']:+.2f} ms; kernel {share * 100:.1f} % of a "
        "core",
        delta["p50"] <= 0.2 and delta["p95"] <= 2 and share <= 0.05,
        f"mean of both directions over {ROUNDS} rounds of {seconds:g} s, off and on in turn, in "
        "one page; the kernel’s process time includes awaiting the recording",
        {"off": without, "on": with_panel, "printed": printed},
    )


async def click_to_picture(_seconds: float) -> Row:
    """Measure from the click on Start to the first remote picture on the page."""
    taken_ms = await asyncio.to_thread(_click)
    p50 = statistics.median(taken_ms)
    return Row(
        "click",
        "click on Start → first remote picture in the panel",
        "≤ 0.7 s",
        f"p50 {p50 / 1000:.2f} s, worst {max(taken_ms) / 1000:.2f} s (n = {len(taken_ms)})",
        p50 <= 700,
        "from the click in the page to the drawn picture; each start opens the worker and the "
        "relay anew",
        {"ms": taken_ms},
    )


def _together(printed: list[dict[str, Any]]) -> dict[str, float]:
    ways = [way for each in printed for way in each["ways"]]
    return {
        "p50": statistics.fmean(way["p50"] for way in ways),
        "p95": statistics.fmean(way["p95"] for way in ways),
        "share": statistics.fmean(each["share"] for each in printed),
    }


@contextmanager
def _open(cells: list[str]) -> Iterator[NotebookPage]:
    with tempfile.TemporaryDirectory() as folder, jupyter_lab(Path(folder)) as lab:
        write_notebook(Path(folder) / "bench.ipynb", cells)
        with chromium() as browser:
            page = NotebookPage(lab, browser.new_page(viewport={"width": 1600, "height": 1200}))
            page.open("bench.ipynb")
            yield page


def _printed(cells: list[str]) -> list[dict[str, Any]]:
    """Run cells one by one on a page; return the JSON objects that they printed."""
    printed = []
    with _open(cells) as page:
        for number in range(len(cells)):
            page.run_cell(number)
            page.wait_for_prompt(number, within_s=90)
            lines = page.text_of(number).splitlines()
            printed += [json.loads(line) for line in lines if line.startswith("{")]
    return printed


def _click() -> list[float]:
    with _open([CLICK]) as page:
        page.run_cell(0)
        page.panel.wait_for()
        taken = []
        for _number in range(CLICKS):
            page.page.wait_for_timeout(1000)
            taken.append(page.page.evaluate(PRESS_START))
            page.page.wait_for_timeout(500)
            page.page.evaluate(PRESS_STOP)
    return [each for each in taken if each is not None]
