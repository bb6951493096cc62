"""Row: what a busy cell does to a call, in a real notebook kernel."""

from __future__ import annotations

import json
from typing import Any

import nbformat
from nbclient import NotebookClient

from labkit.bench.row import Row

__all__ = ["busy_cell", "run_cells"]

CELLS = (
    """
import json, time
import labkit as lab
call = lab.call(place={place!r}, seed=1)
await call.start()
handle = call.start_recording(8.5, progress=False)
""",
    """
import asyncio
await asyncio.sleep(2)
""",
    """
begin, count = time.perf_counter() - call.time_zero, 0
while time.perf_counter() - call.time_zero < begin + 5:
    count += 1
end = time.perf_counter() - call.time_zero
""",
    """
run = await handle
await call.close()
shown = run.frames["decoded_s"].dropna()
shown = shown[(shown >= begin) & (shown <= end)]
print(json.dumps({{"fps": len(shown) / (end - begin), "gap_ms": float(shown.diff().max() * 1000)}}))
""",
)


def run_cells(cells: list[str], timeout: float = 60) -> str:
    """Run cells in a new kernel of this Python and return what the last one printed."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=timeout, kernel_name="python3").execute()
    printed: str = notebook.cells[-1].outputs[0]["text"]
    return printed


async def busy_cell(_seconds: float) -> Row:
    """Measure frames a second and the worst gap while a cell counts for 5 s, both places."""
    measured: dict[str, dict[str, Any]] = {}
    for place in ("worker", "kernel"):
        cells = [cell.format(place=place) for cell in CELLS]
        measured[place] = json.loads(await _in_thread(cells))
    met = all(each["fps"] >= 29 and each["gap_ms"] <= 60 for each in measured.values())
    return Row(
        "busy",
        "media while a cell is busy in pure Python for 5 s, both places",
        "≥ 29 of 30 frames/s, worst gap ≤ 60 ms",
        "; ".join(
            f"{place}: {each['fps']:.1f} frames/s, worst gap {each['gap_ms']:.0f} ms"
            for place, each in measured.items()
        ),
        met,
        "VP8 640×480@30 one way, recorded, in a real kernel; times of decoded frames",
        measured,
    )


async def _in_thread(cells: list[str]) -> str:
    import asyncio

    return await asyncio.to_thread(run_cells, cells)
