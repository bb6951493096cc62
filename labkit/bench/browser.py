"""Rows about the browser as a peer, in a real JupyterLab with a real Chromium and a fake camera."""

from __future__ import annotations

import asyncio
import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from labkit.bench.jupyter import NotebookPage, open_notebook
from labkit.bench.row import Row

__all__ = ["busy_minute", "click_to_remote_picture"]

CLICKS = 10
LONG_S = 60
BUSY_S = 20
WATCH_S = 0.02

MAKE = """
import json, time
import labkit as lab
cam = lab.browser_call(back_video=lab.TestPattern(), seed=1)
cam
"""

BEGIN = f"""
await cam.connected()
handle = cam.start_recording({LONG_S}, progress=False)
"""

BUSY = f"""
time.sleep(10)
end = time.monotonic() + {BUSY_S}
while time.monotonic() < end: pass
"""

END = """
run = await handle
begin, end = run.meta["recorded_from_s"], run.meta["recorded_to_s"]
frames = run.frames
def seen(track, receiver, column):
    mine = frames[(frames["track"] == track) & (frames["receiver"] == receiver)]
    return mine[mine[column].between(begin, end)][column].sort_values()
out = seen("lab:video", "browser", "decoded_s")
back = seen("browser:video", "lab", "decoded_s")
def growth(name, track="lab:video"):
    count = run.samples[(run.samples["name"] == name) & (run.samples["track"] == track)
                        & run.samples["at_s"].between(begin, end)]
    return count.sort_values("at_s")[["at_s", "value"]].iloc[[0, -1]].diff().iloc[-1]
def per_second(name, track="lab:video"):
    count = growth(name, track)
    return float(count["value"] / count["at_s"])
clock = run.peers.set_index("peer").loc["browser", "clock_error_s"]
print(json.dumps({
    "out_fps": per_second("frames_presented"), "read_fps": len(out) / (end - begin),
    "out_gap_ms": float(out.diff().max() * 1000),
    "freezes": float(growth("inbound-rtp.freezeCount")["value"]),
    "in_fps": len(back) / (end - begin), "in_gap_ms": float(back.diff().max() * 1000),
    "given_fps": per_second("media-source.frames", "browser:video"),
    "decoded_fps": per_second("inbound-rtp.framesDecoded"),
    "clock_error_ms": float(clock) * 1000,
    "latency_ms": run.summary("lab", "browser")["latency_ms"],
}))
"""

PRESS = """async () => {
  const widget = document.querySelector(".lab-browser");
  const video = widget.querySelector("[data-side=theirs] video");
  const button = widget.querySelector(".lab-start");
  while (button.getAttribute("aria-disabled") === "true") await new Promise(requestAnimationFrame);
  const shown = new Promise((done) => video.requestVideoFrameCallback(done));
  const begin = performance.now();
  button.click();
  const late = new Promise((done) => setTimeout(done, 20000, null));
  const first = await Promise.race([shown, late]);
  return first === null ? null : first - begin;
}"""

STOP = """async () => {
  const widget = document.querySelector(".lab-browser");
  widget.querySelector(".lab-stop").click();
  while (widget.dataset.call !== "closed") await new Promise(requestAnimationFrame);
}"""


async def click_to_remote_picture(_seconds: float) -> Row:
    """Measure from the click on the camera's button to the lab's first picture on the page."""
    taken_ms = await asyncio.to_thread(_click)
    p50 = statistics.median(taken_ms)
    return Row(
        "browser-click",
        "browser peer: click → first remote picture",
        "≤ 0.7 s, p50 of 10",
        f"p50 {p50 / 1000:.2f} s, worst {max(taken_ms) / 1000:.2f} s (n = {len(taken_ms)})",
        p50 <= 700 and len(taken_ms) == CLICKS,
        "from the click to the first presented frame of the lab; each start opens the camera "
        "anew; the widget has a worker and a relay ready, as after any pause of a second",
        {"ms": taken_ms},
    )


async def busy_minute(_seconds: float) -> Row:
    """Measure frames both ways over a minute in which a cell computes."""
    found = await asyncio.to_thread(_minute)
    met = (
        found["out_fps"] >= 29.5
        and found["in_fps"] >= found["given_fps"] - 0.5
        and max(found["out_gap_ms"], found["in_gap_ms"]) <= 100
    )
    return Row(
        "browser-busy",
        f"browser peer for {LONG_S} s with a busy cell in between",
        "30 frames/s out, as many in as the camera gives, no freeze > 100 ms",
        f"out {found['out_fps']:.1f} frames/s presented of {found['decoded_fps']:.1f} decoded "
        f"({found['read_fps']:.1f} read by the page), worst gap {found['out_gap_ms']:.0f} ms, "
        f"{found['freezes']:.0f} freezes; in "
        f"{found['in_fps']:.1f} of {found['given_fps']:.1f} frames/s, worst gap "
        f"{found['in_gap_ms']:.0f} ms; a thread beside it stood still for "
        f"{found['standstill_ms']:.0f} ms at most",
        met,
        f"fake camera, VP8 640×480@30 back; a cell counts for {BUSY_S} s; out: frames that "
        "Chromium says it presented, gaps between those that the page was called for (once per "
        "picture of its screen at most), freezes as W3C counts them; in by frames decoded in "
        "the lab; a standstill of all is the machine's",
        found,
    )


@contextmanager
def _standstills() -> Iterator[list[float]]:
    """Give the longest time that a thread of this process did not run while it should, in ms."""
    longest_ms, over = [0.0], threading.Event()

    def look() -> None:
        before = time.perf_counter()
        while not over.wait(WATCH_S):
            now = time.perf_counter()
            longest_ms[0] = max(longest_ms[0], (now - before - WATCH_S) * 1000)
            before = now

    thread = threading.Thread(target=look, name="standstills")
    thread.start()
    try:
        yield longest_ms
    finally:
        over.set()
        thread.join()


@contextmanager
def _open(cells: list[str]) -> Iterator[NotebookPage]:
    with open_notebook(cells) as page:
        page.run_cell(0)
        page.page.locator(".lab-browser .lab-start").wait_for()
        yield page


def _click() -> list[float]:
    taken = []
    with _open([MAKE]) as page:
        for _number in range(CLICKS):
            page.page.wait_for_timeout(1000)
            taken.append(page.page.evaluate(PRESS))
            page.page.wait_for_timeout(500)
            page.page.evaluate(STOP)
    return [each for each in taken if each is not None]


def _minute() -> dict[str, Any]:
    with _open([MAKE, BEGIN, BUSY, END]) as page, _standstills() as longest_ms:
        page.page.evaluate(PRESS)
        for number, within_s in ((1, 30), (2, BUSY_S + 30), (3, LONG_S + 30)):
            page.run_cell(number)
            page.wait_for_prompt(number, within_s)
        line = page.text_of(3).strip().splitlines()[-1]
        found: dict[str, Any] = {**json.loads(line), "standstill_ms": longest_ms[0]}
        return found
