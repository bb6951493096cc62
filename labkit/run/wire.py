"""Figures of one direction of the wire, and the window that every figure is about."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from labkit.run.run import Run

__all__ = [
    "HEADER_BYTES",
    "bitrate_kbps",
    "bitrate_over_time",
    "datagrams",
    "direction",
    "hops",
    "jitter_ms",
    "link_error_ms",
    "link_errors_ms",
    "loss_achieved",
    "loss_asked",
    "queue_drops",
    "recorded_packets",
    "settle_s",
    "tracks_of",
    "window",
    "wire_packets",
]

HEADER_BYTES = 28
"""IPv4 (20) and UDP (8) headers that every datagram has on the wire."""

VIDEO_CLOCK_HZ = 90_000


def direction(run: Run, sender: str | None, receiver: str | None) -> tuple[str, str]:
    """Return who sends and who receives: as asked, else as the run says, else alice → bob."""
    return (
        sender or run.meta.get("sender") or "alice",
        receiver or run.meta.get("receiver") or "bob",
    )


def hops(run: Run, sender: str | None = None, receiver: str | None = None) -> list[tuple[str, str]]:
    """Return the directions of the wire that media pass: one, or two where a server is between."""
    sender, receiver = direction(run, sender, receiver)
    wire = run.packets[run.packets["layer"] == "wire"]
    ways = set(zip(wire["sender"], wire["receiver"], strict=True))
    if (sender, receiver) in ways:
        return [(sender, receiver)]
    between = sorted(b for a, b in ways if a == sender and (b, receiver) in ways)
    return [(sender, between[0]), (between[0], receiver)] if between else [(sender, receiver)]


def window(run: Run) -> tuple[float, float]:
    """Return the seconds that the recording is about; without them in ``meta``, all there is."""
    times = pd.concat([run.frames["captured_s"], run.packets["sent_s"], run.samples["at_s"]])
    from_s, to_s = run.meta.get("recorded_from_s"), run.meta.get("recorded_to_s")
    return (
        float(times.min() if from_s is None else from_s),
        float(times.max() if to_s is None else to_s),
    )


def settle_s(run: Run) -> float:
    """Return how long a call settles before its latency counts: 2 s, or half of a short run."""
    told = run.meta.get("settle_s")
    from_s, to_s = window(run)
    return float(told) if told is not None else min(2.0, (to_s - from_s) / 2)


def tracks_of(run: Run, peer: str) -> list[str]:
    """Return the names of the tracks that a peer sends."""
    owners = dict(zip(run.tracks["track"], run.tracks["peer"], strict=True))
    names = [*run.tracks["track"], *run.frames["track"].unique(), *run.audio["track"].unique()]
    names = [name for name in dict.fromkeys(names) if isinstance(name, str)]
    return [name for name in names if owners.get(name, name.partition(":")[0]) == peer]


def wire_packets(run: Run, sender: str | None = None, receiver: str | None = None) -> pd.DataFrame:
    """Return the datagrams of one direction, as the relay saw them."""
    sender, receiver = direction(run, sender, receiver)
    packets = run.packets
    mine = (packets["sender"] == sender) & (packets["receiver"] == receiver)
    return packets[mine & (packets["layer"] == "wire")]


def recorded_packets(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> pd.DataFrame:
    """Return the datagrams of one direction that the recording is about.

    Where the recording opened the call, that is all, the set-up included. A call that ran before
    brings rows of its beginning too (for pcapng); they met the link of that time, and are left
    out here.
    """
    packets, events = wire_packets(run, sender, receiver), run.events
    began_s = events.loc[events["name"] == "recording_started", "at_s"].max()  # of the last one
    return packets if pd.isna(began_s) else packets[packets["sent_s"] >= began_s]


def _left(run: Run, sender: str | None, receiver: str | None) -> pd.DataFrame:
    """Return the datagrams that left the relay within the window, duplicates included."""
    packets = wire_packets(run, sender, receiver)
    in_time = packets["arrived_s"].between(*window(run))
    return packets[in_time & (packets["fate"] == "delivered")]


def bitrate_kbps(run: Run, sender: str | None = None, receiver: str | None = None) -> float:
    """Return the mean bitrate of all that left the relay in the window, headers included."""
    if wire_packets(run, sender, receiver).empty:
        return math.nan
    from_s, to_s = window(run)
    packets = _left(run, sender, receiver)
    bits = 8 * (packets["size_bytes"].sum() + HEADER_BYTES * len(packets))
    return float(bits / (to_s - from_s) / 1000) if to_s > from_s else math.nan


def bitrate_over_time(
    run: Run, sender: str | None = None, receiver: str | None = None, bin_s: float = 0.5
) -> pd.DataFrame:
    """Return at_s (middle of each bin) and kbps of what left the relay, headers included.

    Args:
        run: The run.
        sender: Who sends.
        receiver: Who receives.
        bin_s: Width of a bin in seconds, about: the window is cut into equal bins.
    """
    from_s, to_s = window(run)
    if wire_packets(run, sender, receiver).empty or not to_s > from_s:
        return pd.DataFrame({"at_s": [], "kbps": []}, dtype=float)
    packets = _left(run, sender, receiver)
    edges = np.linspace(from_s, to_s, max(1, round((to_s - from_s) / bin_s)) + 1)
    sizes = packets["size_bytes"].to_numpy(dtype=float, na_value=0.0) + HEADER_BYTES
    total, _edges = np.histogram(packets["arrived_s"], bins=edges, weights=sizes)
    width_s = edges[1] - edges[0]
    return pd.DataFrame({"at_s": edges[:-1] + width_s / 2, "kbps": total * 8 / width_s / 1000})


def datagrams(run: Run, sender: str | None = None, receiver: str | None = None) -> dict[str, int]:
    """Return how many datagrams went in while it was recorded, and what became of them.

    ``sent`` = ``delivered`` + ``lost`` + ``queue_full``; ``duplicates`` are on top.
    """
    packets = recorded_packets(run, sender, receiver)
    again = packets["copy"].fillna(0) > 0
    fates = packets.loc[~again, "fate"]
    counts = {f: int((fates == f).sum()) for f in ("delivered", "lost", "queue_full")}
    return {"sent": len(fates), **counts, "duplicates": int(again.sum())}


def loss_achieved(run: Run, sender: str | None = None, receiver: str | None = None) -> float:
    """Return the share (0 to 1) of a direction's datagrams that the loss model took."""
    counts = datagrams(run, sender, receiver)
    return counts["lost"] / counts["sent"] if counts["sent"] else math.nan


def queue_drops(run: Run, sender: str | None = None, receiver: str | None = None) -> int | None:
    """Return how many datagrams a full queue dropped, None without a relay."""
    counts = datagrams(run, sender, receiver)
    return counts["queue_full"] if counts["sent"] else None


def loss_asked(run: Run, sender: str | None = None, receiver: str | None = None) -> Any:
    """Return the loss that the link was asked for at the start, None where nobody said."""
    sender, receiver = direction(run, sender, receiver)
    links = (run.meta.get("asked") or {}).get("link") or {}
    return (links.get(f"{sender}->{receiver}") or {}).get("loss")


def link_errors_ms(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> NDArray[np.float64]:
    """Return arrived − due of each delivered datagram in ms: how late the relay itself was."""
    packets = recorded_packets(run, sender, receiver)
    packets = packets[packets["fate"] == "delivered"]
    errors = (packets["arrived_s"] - packets["due_s"]).dropna() * 1000
    return errors.to_numpy(dtype=float)


def link_error_ms(
    run: Run, sender: str | None = None, receiver: str | None = None
) -> dict[str, float]:
    """Return n, p50 and p99 of |arrived − due| in ms; NaN without a relay."""
    errors = np.abs(link_errors_ms(run, sender, receiver))
    p50, p99 = np.percentile(errors, [50, 99]) if errors.size else (math.nan, math.nan)
    return {"n": int(errors.size), "p50": float(p50), "p99": float(p99)}


def jitter_ms(run: Run, sender: str | None = None, receiver: str | None = None) -> float:
    """Return the mean interarrival jitter of the sender's video after settling, in ms.

    From the wire's RTP packets; where there are none, from each frame's first packet.
    Source: RFC 3550, section 6.4.1 and appendix A.8.
    """
    from_s, to_s = window(run)
    arrivals = _arrivals(run, sender, receiver)
    arrivals = arrivals[arrivals["arrived_s"].between(from_s, to_s)].dropna()
    arrivals = arrivals.sort_values("arrived_s", kind="stable")
    jitters = _interarrival_jitter_s(
        arrivals["arrived_s"].to_numpy(dtype=float),
        arrivals["rtp_timestamp"].to_numpy(dtype=np.int64),
    )
    settled = arrivals["arrived_s"].to_numpy(dtype=float)[1:] >= from_s + settle_s(run)
    return float(jitters[settled].mean() * 1000) if settled.any() else math.nan


def _arrivals(run: Run, sender: str | None, receiver: str | None) -> pd.DataFrame:
    packets = wire_packets(run, sender, receiver)
    packets = packets[(packets["kind"] == "rtp") & (packets["fate"] == "delivered")]
    sender, receiver = direction(run, sender, receiver)
    tracks, streams = run.tracks, run.streams
    video = tracks.loc[(tracks["peer"] == sender) & (tracks["kind"] == "video"), "track"]
    ssrcs = streams.loc[streams["track"].isin(video) & (streams["role"] == "media"), "ssrc"]
    packets = packets[packets["ssrc"].isin(ssrcs) & (packets["copy"].fillna(0) == 0)]
    if not packets.empty:
        return packets[["arrived_s", "rtp_timestamp"]]
    frames = run.frames
    mine = frames["track"].isin(tracks_of(run, sender)) & (frames["receiver"] == receiver)
    columns = {"first_arrived_s": "arrived_s"}
    return frames.loc[mine, ["first_arrived_s", "rtp_timestamp"]].rename(columns=columns)


def _interarrival_jitter_s(
    arrived_s: NDArray[np.float64], rtp_timestamp: NDArray[np.int64]
) -> NDArray[np.float64]:
    ticks = (np.diff(rtp_timestamp) + 2**31) % 2**32 - 2**31  # signed, modulo 2³²
    transit_change_s = np.abs(np.diff(arrived_s) - ticks / VIDEO_CLOCK_HZ)
    jitter, jitters = 0.0, []
    for change in transit_change_s:
        jitter += (change - jitter) / 16
        jitters.append(jitter)
    return np.asarray(jitters, dtype=float)
