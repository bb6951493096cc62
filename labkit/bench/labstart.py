"""Row: how long ``make lab`` takes once everything is installed."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from labkit.bench.row import Row

__all__ = ["lab_start"]

LIMIT_S = 60.0
ROUNDS = 3


async def lab_start(_seconds: float) -> Row:
    """Measure the time from the command to JupyterLab's first answer."""
    taken = [await asyncio.to_thread(_start_once) for _round in range(ROUNDS)]
    worst = max(taken)
    return Row(
        "lab",
        "installed `make lab` → JupyterLab answers",
        "≤ 8 s",
        f"{sorted(taken)[ROUNDS // 2]:.1f} s, at most {worst:.1f} s",
        worst <= 8,
        f"“labkit lab --no-browser”, which “make lab” runs when nothing has to be installed, "
        f"{ROUNDS} times",
        {"seconds": taken},
    )


def _start_once() -> float:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = time.perf_counter()
    command = [sys.executable, "-m", "labkit", "lab", "--no-browser", "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() < started + LIMIT_S:
            if _answers(port):
                return time.perf_counter() - started
            time.sleep(0.05)
        raise TimeoutError(f"JupyterLab did not answer within {LIMIT_S:g} s")
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api", timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
