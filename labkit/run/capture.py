"""What was captured, and what it costs raw and sent: figures of the sender's side of a Run.

Without a sender it is the one that the run names, else alice. What cannot be computed is
missing: NaN or an empty table.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from labkit.run.run import Run
from labkit.run.wire import HEADER_BYTES, direction, tracks_of, window, wire_packets

__all__ = ["capture_intervals", "media_cost", "tick_ms"]

NUMBERS = 2**24
"""Frame numbers of the stamp begin again after this many."""

I420_BYTES = 1.5
"""Bytes a pixel: one of brightness, and two of colour for every four pixels."""

SOUND_BLOCK_BYTES = 960 * 2
"""A row of ``audio`` is 20 ms: 960 samples of 16 bits, one channel."""


def capture_intervals(run: Run, sender: str | None = None) -> pd.DataFrame:
    """Return at_s, interval_ms and skipped for every video frame but the first.

    An interval is the time since the frame before it was captured; skipped is how many ticks
    of the source lay in between, without a frame.

    Args:
        run: The run.
        sender: Whose video.

    Notebook: notebooks/01-media.ipynb
    """
    frames = _captured(run.frames, run, sender)
    numbers = frames["frame"].astype("float64")
    intervals = {
        "at_s": frames["captured_s"],
        "interval_ms": frames["captured_s"].diff() * 1000,
        "skipped": (numbers.diff() % NUMBERS) - 1,
    }
    return pd.DataFrame(intervals).iloc[1:].reset_index(drop=True)


def tick_ms(run: Run, sender: str | None = None) -> float:
    """Return the time between two ticks of the video source, with and without a frame, in ms."""
    intervals = capture_intervals(run, sender)
    # Not the mean: a busy computer is late at the last frame, too.
    return float((intervals["interval_ms"] / (intervals["skipped"] + 1)).median())


def media_cost(run: Run, sender: str | None = None) -> pd.DataFrame:
    """Return what each track would cost raw and what was sent, one row a track.

    Columns: track, kind, frames_per_s (captured), raw_bytes and coded_bytes (mean of a frame),
    raw_kbps, coded_kbps (without headers) and sent_kbps (all datagrams of the track's streams
    that left the relay in the window, 28 header bytes each included; NaN without a relay).

    Args:
        run: The run.
        sender: Whose tracks.

    Notebook: notebooks/01-media.ipynb
    """
    sender, _receiver = direction(run, sender, None)
    kinds = dict(zip(run.tracks["track"], run.tracks["kind"], strict=True))
    names = [name for name in tracks_of(run, sender) if name in kinds]
    rows = [_cost(run, sender, name, str(kinds[name])) for name in names]
    columns = ["track", "kind", "frames_per_s", "raw_bytes", "coded_bytes"]
    return pd.DataFrame(rows, columns=[*columns, "raw_kbps", "coded_kbps", "sent_kbps"])


def _cost(run: Run, sender: str, track: str, kind: str) -> dict[str, Any]:
    frames = _captured(run.frames if kind == "video" else run.audio, run, sender)
    frames = frames[frames["track"] == track]
    per_s = _per_second(frames["captured_s"])
    raw_bytes = float(SOUND_BLOCK_BYTES)
    if kind == "video":
        raw_bytes = float((frames["width"] * frames["height"]).mean()) * I420_BYTES
    coded_bytes = float(frames["size_bytes"].astype("float64").mean())
    return {
        "track": track,
        "kind": kind,
        "frames_per_s": per_s,
        "raw_bytes": raw_bytes,
        "coded_bytes": coded_bytes,
        "raw_kbps": raw_bytes * 8 * per_s / 1000,
        "coded_kbps": coded_bytes * 8 * per_s / 1000,
        "sent_kbps": _sent_kbps(run, sender, track),
    }


def _captured(frames: pd.DataFrame, run: Run, sender: str | None) -> pd.DataFrame:
    """Return each frame captured in the window once, in order, however many received it."""
    sender, _receiver = direction(run, sender, None)
    mine = frames["track"].isin(tracks_of(run, sender)) & frames["frame"].notna()
    frames = frames[mine & frames["captured_s"].between(*window(run))]
    return frames.drop_duplicates(["track", "captured_s"]).sort_values("captured_s")


def _per_second(times_s: pd.Series[float]) -> float:
    if len(times_s) < 2:
        return math.nan
    return float((len(times_s) - 1) / (times_s.max() - times_s.min()))


def _sent_kbps(run: Run, sender: str, track: str) -> float:
    ssrcs = run.streams.loc[run.streams["track"] == track, "ssrc"]
    packets = wire_packets(run, sender)
    from_s, to_s = window(run)
    if packets.empty or not to_s > from_s:
        return math.nan
    left = packets["arrived_s"].between(from_s, to_s) & (packets["fate"] == "delivered")
    mine = packets[left & packets["ssrc"].isin(ssrcs) & packets["kind"].isin(["rtp", "rtx"])]
    bits = 8 * (float(mine["size_bytes"].sum()) + HEADER_BYTES * len(mine))
    return bits / (to_s - from_s) / 1000
