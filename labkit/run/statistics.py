"""What the numbers of a Run mean: each figure of the lab is computed here and nowhere else.

Every function takes a Run and a direction; without one it is the direction that the run names
(``meta`` sender and receiver), else alice → bob. A figure that cannot be computed is missing:
NaN, None or an empty table, never zero.

A page presents more frames than it can read when it is busy. A frame that it presented but did
not read is shown, without a time: it counts among the frames, not among the latencies, and the
intervals on both sides of it are unknown. Its picture nobody looked at, so it may be broken.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labkit.run.run import Run
from labkit.run.wire import (
    bitrate_kbps,
    bitrate_over_time,
    datagrams,
    direction,
    hops,
    jitter_ms,
    link_error_ms,
    link_errors_ms,
    loss_achieved,
    loss_asked,
    queue_drops,
    settle_s,
    tracks_of,
    window,
    wire_packets,
)

__all__ = [
    "BUDGET",
    "bitrate_kbps",
    "bitrate_over_time",
    "budget_frames",
    "budget_ms",
    "counted_frames",
    "datagrams",
    "direction",
    "displayed_intervals_ms",
    "frame_counts",
    "freezes",
    "hops",
    "jitter_ms",
    "latency_frames",
    "latency_ms",
    "latency_over_time",
    "link_error_ms",
    "link_errors_ms",
    "loss_achieved",
    "loss_asked",
    "percentiles",
    "queue_drops",
    "settle_s",
    "setup_ms",
    "setup_steps",
    "tracks_of",
    "unreadable_share",
    "window",
    "wire_packets",
]

BUDGET = {
    "encode": ("captured_s", "encoded_s"),
    "send": ("encoded_s", "first_sent_s"),
    "network": ("first_sent_s", "last_arrived_s"),
    "buffer": ("last_arrived_s", "released_s"),
    "decode": ("released_s", "decoded_s"),
}
"""The steps of a frame's way: from which stamp to which. What is left over is ``other``."""

SETUP_EVENTS = (
    "call_started",
    "offer_created",
    "gathering_complete",
    "remote_offer_set",
    "answer_created",
    "remote_answer_set",
    "ice_checking",
    "ice_connected",
    "dtls_connecting",
    "dtls_connected",
    "first_packet",
    "first_frame",
)
"""Events that are steps of setting up a call."""


def percentiles(values: Iterable[float]) -> dict[str, float]:
    """Return n, mean, p5, p50, p95 and p99 of the values that are not missing.

    Percentiles are interpolated linearly between the two nearest values.
    """
    known = np.asarray(list(values), dtype=float)
    known = known[~np.isnan(known)]
    points = np.percentile(known, [5, 50, 95, 99]) if known.size else [math.nan] * 4
    names = ("p5", "p50", "p95", "p99")
    return {
        "n": int(known.size),
        "mean": float(known.mean()) if known.size else math.nan,
        **{name: float(point) for name, point in zip(names, points, strict=True)},
    }


def counted_frames(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> pd.DataFrame:
    """Return the frames that count: captured in the recording, from the first shown one on.

    Where nothing was ever shown, every frame captured in the recording counts. Frames whose
    fate is unknown (the recording was cut short) do not.
    """
    sender, receiver = direction(run, sender, receiver)
    frames = run.frames
    mine = frames["track"].isin(tracks_of(run, sender)) & (frames["receiver"] == receiver)
    frames = frames[mine & frames["fate"].notna()]
    first_shown_s = frames.loc[frames["fate"] == "shown", "captured_s"].min()
    from_s, to_s = window(run)
    start_s = from_s if math.isnan(first_shown_s) else max(from_s, first_shown_s)
    return frames[frames["captured_s"].between(start_s, to_s)]


def frame_counts(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> dict[str, int]:
    """Return how many frames were sent, shown, unreadable and lost; sent is their sum.

    In a page lost means never presented: it did not arrive, or a newer one took its place.
    """
    fates = counted_frames(run, sender, receiver)["fate"]
    counts = {fate: int((fates == fate).sum()) for fate in ("shown", "unreadable", "lost")}
    return {"sent": sum(counts.values()), **counts}


def unreadable_share(run: Run, sender: str | None = None, receiver: str | None = None) -> float:
    """Return the share (0 to 1) of sent frames whose picture came out broken."""
    counts = frame_counts(run, sender, receiver)
    return counts["unreadable"] / counts["sent"] if counts["sent"] else math.nan


def latency_frames(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> pd.DataFrame:
    """Return the frames of the latency figure: shown at a known time, captured after settling."""
    frames = _timed_frames(run, sender, receiver)
    return frames[frames["captured_s"] >= window(run)[0] + settle_s(run)]


def _timed_frames(run: Run, sender: str | None, receiver: str | None) -> pd.DataFrame:
    frames = counted_frames(run, sender, receiver)
    return frames[(frames["fate"] == "shown") & frames["latency_ms"].notna()]


def latency_ms(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> dict[str, float]:
    """Return percentiles of captured_s → decoded_s over ``latency_frames``, in ms.

    Notebook: notebooks/06-latency.ipynb
    """
    return percentiles(latency_frames(run, sender, receiver)["latency_ms"])


def latency_over_time(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> pd.DataFrame:
    """Return at_s (when captured) and latency_ms of every counted frame shown at a known time."""
    frames = _timed_frames(run, sender, receiver).sort_values("captured_s")
    return frames[["captured_s", "latency_ms"]].rename(columns={"captured_s": "at_s"})


def budget_frames(run: Run, sender: str | None = None, receiver: str | None = None) -> pd.DataFrame:
    """Return the latency frames that have every stamp which this run's engine gives at all."""
    frames = latency_frames(run, sender, receiver)
    stamps = [s for s in dict.fromkeys(sum(BUDGET.values(), ())) if frames[s].notna().any()]
    return frames.dropna(subset=stamps)


def budget_ms(run: Run, sender: str | None = None, receiver: str | None = None) -> dict[str, float]:
    """Return the mean of each step of a frame's way, in ms; they add up to the mean latency.

    encode = encoded − captured, send = first sent − encoded, network = last arrived − first
    sent, buffer = released − last arrived, decode = decoded − released; other is the rest. A
    step that this engine does not tell is NaN, and its time is in other.
    Notebook: notebooks/06-latency.ipynb
    """
    frames = budget_frames(run, sender, receiver)
    steps = {
        name: float((frames[end] - frames[start]).mean() * 1000)
        for name, (start, end) in BUDGET.items()
    }
    known = sum(value for value in steps.values() if not math.isnan(value))
    return {**steps, "other": float(frames["latency_ms"].mean()) - known}


def displayed_intervals_ms(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> NDArray[np.float64]:
    """Return the times between one picture and the next at the receiver, in ms.

    Broken pictures are seen too, so they count. What is next to a picture of unknown time is
    left out.
    """
    frames = counted_frames(run, sender, receiver)
    frames = frames[frames["fate"] != "lost"].sort_values("captured_s", kind="stable")
    seen_s = np.array(frames["shown_s"].fillna(frames["decoded_s"]), dtype=float)
    known = ~np.isnan(seen_s)
    seen_s[known] = np.sort(seen_s[known])
    intervals_ms: NDArray[np.float64] = np.diff(seen_s) * 1000
    return intervals_ms[~np.isnan(intervals_ms)]


def freezes(run: Run, sender: str | None = None, receiver: str | None = None) -> int | None:
    """Return how often the picture froze, None where too few pictures were seen to tell.

    A freeze is an interval of at least max(3 × mean, mean + 150 ms), the mean taken over the
    last 30 intervals before it. Intervals that are unknown (a page that did not read every
    picture) cannot be judged; the page's own count is the sample ``inbound-rtp.freezeCount``.
    Source: W3C webrtc-stats, RTCInboundRtpStreamStats.freezeCount; as in libwebrtc the mean
    needs at least 5 intervals.
    """
    intervals = displayed_intervals_ms(run, sender, receiver)
    if len(intervals) <= 5:
        return None
    count = 0
    for i in range(5, len(intervals)):
        mean = intervals[max(0, i - 30) : i].mean()
        count += bool(intervals[i] >= max(3 * mean, mean + 150))
    return count


def setup_ms(run: Run, sender: str | None = None, receiver: str | None = None) -> float:
    """Return the time from the start of the call to the receiver's first decoded frame, in ms."""
    _sender, receiver = direction(run, sender, receiver)
    at_s = run.events.loc[
        (run.events["name"] == "first_frame") & (run.events["peer"] == receiver), "at_s"
    ].min()
    started_s = run.events.loc[run.events["name"] == "call_started", "at_s"].min()
    return float(at_s - (0.0 if math.isnan(started_s) else started_s)) * 1000


def setup_steps(run: Run) -> pd.DataFrame:
    """Return the steps of setting up: peer, step, start_ms, end_ms.

    A step ends with the event it is named after, and starts with the peer's event before it
    (the first one: with the start of the call). Only the first event of a name counts.
    """
    events = run.events[run.events["name"].isin(SETUP_EVENTS) & run.events["at_s"].notna()]
    started_s = events.loc[events["name"] == "call_started", "at_s"].min()
    steps: list[dict[str, Any]] = []
    for peer, own in events.sort_values("at_s", kind="stable").groupby("peer", sort=False):
        before_s = 0.0 if math.isnan(started_s) else float(started_s)
        for event in own.drop_duplicates("name").to_dict("records"):
            if event["name"] != "call_started":
                times = {"start_ms": before_s * 1000, "end_ms": event["at_s"] * 1000}
                steps.append({"peer": peer, "step": event["name"], **times})
            before_s = event["at_s"]
    return pd.DataFrame(steps, columns=["peer", "step", "start_ms", "end_ms"])
