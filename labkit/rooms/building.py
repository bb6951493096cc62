"""The LiveKit server built while a notebook goes on, with a line that says how far it is."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from labkit.rooms.build import BuildProgress, build_server

__all__ = ["build_in_thread", "progress_line"]


async def build_in_thread(progress: BuildProgress | None) -> Path:
    """Build the server and return its program; cancelling stops the build.

    Args:
        progress: Told how far it is; None writes a line.
    """
    stop = threading.Event()
    work = asyncio.ensure_future(
        asyncio.to_thread(build_server, progress or progress_line(), stop=stop)
    )
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([work], timeout=3.0)
        if work.done():
            work.exception()  # that it was stopped is no news
        raise


def progress_line() -> BuildProgress:
    """Return what shows one line that is renewed, in a notebook as in a terminal."""
    last = ""

    def show(words: str, share: float) -> None:
        nonlocal last
        line = f"{words} {share:4.0%}"
        if line != last:
            last = line
            sys.stdout.write(f"\r{line:<72}" + ("\n" if share >= 1 else ""))
            sys.stdout.flush()

    return show
