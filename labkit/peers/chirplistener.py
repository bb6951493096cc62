"""Listens for chirps in decoded sound, so that each can be followed from end to end."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from labkit.media.chirps import CHIRP_S, find_chirps

__all__ = ["ChirpListener", "mono"]

LISTEN_S = 0.5
"""New sound between two searches."""

OVERLAP_S = CHIRP_S + 0.05
"""Sound that is searched twice, so that no chirp is cut in two."""


class ChirpListener:
    """Gathers decoded blocks and tells in which block each chirp begins.

    The search runs in the loop's executor: it takes a few milliseconds, which no frame should
    wait for.

    Args:
        on_chirp: Called with the RTP timestamp of the block and the chirp's number modulo 4.
    """

    def __init__(self, on_chirp: Callable[[int | None, int], None]) -> None:
        self._on_chirp = on_chirp
        self._blocks: deque[tuple[int | None, NDArray[np.float64]]] = deque()
        self._new = 0
        self._told: deque[int | None] = deque(maxlen=8)
        self._searches: set[asyncio.Task[None]] = set()

    def hear(self, timestamp: int | None, frame: Any) -> None:
        """Take one decoded audio frame."""
        block = mono(frame)
        self._blocks.append((timestamp, block))
        self._new += len(block)
        if self._new >= LISTEN_S * frame.sample_rate:
            self._new = 0
            self._search(frame.sample_rate)

    def _search(self, rate: int) -> None:
        blocks = list(self._blocks)
        task = asyncio.ensure_future(self._find(blocks, rate))
        self._searches.add(task)
        task.add_done_callback(self._searches.discard)
        kept = 0
        overlap: deque[tuple[int | None, NDArray[np.float64]]] = deque()
        while self._blocks and kept < OVERLAP_S * rate:
            overlap.appendleft(self._blocks.pop())
            kept += len(overlap[0][1])
        self._blocks = overlap

    async def _find(self, blocks: list[tuple[int | None, Any]], rate: int) -> None:
        samples = np.concatenate([block for _timestamp, block in blocks])
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(None, find_chirps, samples, rate)
        ends = np.cumsum([len(block) for _timestamp, block in blocks])
        for chirp in found:
            place = int(np.searchsorted(ends, chirp.time_s * rate, side="right"))
            timestamp = blocks[min(place, len(blocks) - 1)][0]
            if timestamp not in self._told:
                self._told.append(timestamp)
                self._on_chirp(timestamp, chirp.number)


def mono(frame: Any) -> NDArray[np.float64]:
    """Return a decoded audio frame as one channel of samples between -1 and 1."""
    samples = frame.to_ndarray().astype(np.float64) / 32768
    channels = frame.layout.nb_channels
    if frame.format.is_planar:
        mixed: NDArray[np.float64] = samples.mean(axis=0)
    else:
        mixed = samples.reshape(-1, channels).mean(axis=1)
    return mixed
