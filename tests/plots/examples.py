"""Runs for the figures' tests, and what reads a figure back."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from labkit.run import Run
from tests.run.examples import example_run

__all__ = ["bent_run", "clean_run", "empty_run", "lines_of", "phased_run", "unseen_run"]


@lru_cache
def clean_run() -> Run:
    """Return a two-way run over a link of 20 ms."""
    return example_run(5, with_data=False)


@lru_cache
def bent_run() -> Run:
    """Return a run over a worse link, with the stock jitter buffer."""
    return example_run(
        5, delay_ms=60, loss=0.05, jitter_buffer="stock", seed=2, two_way=False, with_data=False
    )


def empty_run() -> Run:
    """Return a run of which nothing is known."""
    return Run.from_tables({})


def unseen_run() -> Run:
    """Return a run whose frames were all lost."""
    frames = clean_run().frames.assign(fate="lost", latency_ms=float("nan"), decoded_s=float("nan"))
    return Run.from_tables(clean_run().meta, frames=frames, tracks=clean_run().tracks)


def phased_run() -> Run:
    """Return a run whose link was told 800 kbit/s, 500 from second 2 on, and 300 by hand at 4 s."""
    link: dict[str, Any] = {"delay_ms": 20.0, "loss": 0.0, "rate_kbps": 800.0}
    link["phases"] = [{"at_s": 2.0, "rate_kbps": 500.0}]
    run = clean_run()
    asked = {**run.meta["asked"], "link": {"alice->bob": link, "bob->alice": link}}
    changed = {"direction": "alice->bob", **link, "rate_kbps": 300.0, "phases": []}
    event = {"at_s": 4.0, "peer": "alice", "name": "link_changed", "detail": json.dumps(changed)}
    events = [*run.events.to_dict("records"), event]
    kept = {name: run.table(name) for name in ("packets", "frames", "tracks", "peers")}
    return Run.from_tables({**run.meta, "asked": asked}, events=events, **kept)


def lines_of(ax: Axes, gid: str) -> list[Line2D]:
    """Return the lines that a figure drew under a name."""
    return [line for line in ax.get_lines() if line.get_gid() == gid]
