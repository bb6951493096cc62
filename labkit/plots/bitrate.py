"""Bitrate over time: what went over the wire, what the encoder aimed at, what the link took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plots.runs import as_runs, asked_over_time, link_history, run_names
from labkit.plots.style import (
    COLORS,
    LINE_STYLES,
    MARKERS,
    axes_for,
    cycle,
    drawn,
    label_axes,
    legend,
    line_style,
    say_why,
)
from labkit.run import Run
from labkit.run import statistics as stats
from labkit.words import _

__all__ = ["plot_bitrate"]

BIN_S = 0.5
TARGET: dict[str, Any] = {"linestyle": ":", "linewidth": 2, "marker": "."}
LIMIT_STYLES = ("-.", (0, (6, 2, 1, 2, 1, 2)))


def plot_bitrate(
    run: Run | Iterable[Run],
    *,
    ax: Axes | None = None,
    title: str | None = None,
    names: Iterable[str] | None = None,
    bin_s: float = BIN_S,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw the bitrate of the wire in both directions, the encoder's target and the link's limit.

    What left the relay counts: RTP, RTX, RTCP, STUN and DTLS, with 28 header bytes a datagram.
    The legend has the means over the recording, ``statistics.bitrate_kbps``.

    Args:
        run: One run or several.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        names: What to call the runs; by default what tells them apart.
        bin_s: Seconds over which a value is taken, about: the recording is cut evenly.
        kwargs: For the lines of the wire (``color``, ``lw`` ...).

    Raises:
        BadValue: ``run`` is no Run, or there are not as many names as runs.
    Notebook: notebooks/00-start.ipynb
    """
    runs = as_runs(run)
    axes = axes_for(ax)
    texts: list[str] = []
    for i, (one, name) in enumerate(zip(runs, run_names(runs, names), strict=True)):
        series = _Series(one, name if len(runs) > 1 else "", i)
        texts += _draw_wire(axes, series, bin_s, kwargs)
        _draw_target(axes, series)
    for one in runs:
        texts += _draw_limits(axes, one, stats.window(one)[0] if len(runs) > 1 else 0.0)
    over = _("Time in the recording (s)") if len(runs) > 1 else _("Time in the call (s)")
    label_axes(axes, title, _("Bitrate on the wire"), over, _("Bitrate (kbit/s)"))
    if not texts:
        texts = [_why(runs)]
        say_why(axes, texts[0])
    else:
        if len(runs) > 1:
            _explain_lines(axes, runs[0])
        legend(axes, columns=2)
    return drawn(axes, _("Bitrate over time. {runs}.").format(runs="; ".join(texts).rstrip(".")))


@dataclass(frozen=True)
class _Series:
    """A run in the figure; one alone has no name, and colours for its directions."""

    run: Run
    name: str
    number: int

    @property
    def start_s(self) -> float:
        return stats.window(self.run)[0] if self.name else 0.0

    def color(self, line: int) -> str:
        return cycle(COLORS, self.number if self.name else line)

    @property
    def mark(self) -> dict[str, Any]:
        """What tells this run from others beside its colour: dashes tell directions apart."""
        return {"marker": cycle(MARKERS, self.number), "markersize": 8} if self.name else {}


def _why(runs: list[Run]) -> str:
    if not runs:
        return _("No run was given. Record one: run = await call.record(5).")
    return _(
        "No datagram was recorded: this run was made without the relay. "
        "Record one with lab.call(...)."
    )


def _ways(run: Run) -> tuple[tuple[str, str], tuple[str, str]]:
    sender, receiver = stats.direction(run, None, None)
    return (sender, receiver), (receiver, sender)


def _draw_wire(ax: Axes, series: _Series, bin_s: float, kwargs: dict[str, Any]) -> list[str]:
    """Draw both directions and return what the legend says about them."""
    run = series.run
    ways = [way for way in _ways(run) if not stats.bitrate_over_time(run, *way).empty]
    texts = [_mean_text(run, *way) for way in ways]
    labels: list[str | None] = [*texts]
    if series.name and texts:
        labels = [f"{series.name}: {', '.join(texts)}", None]
    for back, (way, label) in enumerate(zip(ways, labels, strict=False)):
        bins = stats.bitrate_over_time(run, *way, bin_s=bin_s)
        own: dict[str, Any] = {"color": series.color(back), "linestyle": LINE_STYLES[back]}
        own |= series.mark
        style = line_style(0, kwargs, label=label, drawstyle="steps-post", **own)
        edges = np.linspace(*stats.window(run), len(bins) + 1) - series.start_s
        ax.plot(edges, [*bins["kbps"], bins["kbps"].iloc[-1]], gid="wire", **style)
    return [f"{series.name}: {', '.join(texts)}"] if series.name and texts else texts


def _mean_text(run: Run, sender: str, receiver: str) -> str:
    mean = stats.bitrate_kbps(run, sender, receiver)
    return _("{way} mean {mean:.0f} kbit/s").format(way=f"{sender} → {receiver}", mean=mean)


def _explain_lines(ax: Axes, run: Run) -> None:
    """Say in the legend what the kinds of lines are, where colour tells the runs apart."""
    way = " → ".join(_ways(run)[1])
    ax.plot([], [], color="0.3", linestyle=LINE_STYLES[1], linewidth=2.5, label=way)
    if any(line.get_gid() == "target" for line in ax.get_lines()):
        ax.plot([], [], color="0.3", label=_("encoder’s target"), **TARGET)


def _draw_target(ax: Axes, series: _Series) -> None:
    run = series.run
    samples = run.samples[run.samples["name"] == "target_kbps"]
    samples = samples[samples["at_s"].between(*stats.window(run))]
    kinds = dict(zip(run.tracks["track"], run.tracks["kind"], strict=True))
    for line, (track, values) in enumerate(samples.groupby("track", sort=False), start=2):
        if kinds.get(track) == "audio":
            continue
        label = None if series.name else _("encoder’s target, {track}").format(track=track)
        at_s = values["at_s"] - series.start_s
        style: dict[str, Any] = {"color": series.color(line), "label": label, **TARGET}
        ax.plot(at_s, values["value"], gid="target", **style)


def _draw_limits(ax: Axes, run: Run, start_s: float) -> list[str]:
    """Draw what the links were asked to carry; one line where both directions are the same."""
    from_s, to_s = stats.window(run)
    histories = [link_history(run, *way) for way in _ways(run)]
    names = [" → ".join(way) for way in _ways(run)]
    if histories[0] == histories[1]:
        histories, names = histories[:1], [_("each way")]
    texts = []
    for back, (history, name) in enumerate(zip(histories, names, strict=True)):
        times, rates = asked_over_time(history, "rate_kbps", from_s, to_s)
        if np.isnan(rates).all():  # no limit, or nothing known
            continue
        asked = dict.fromkeys(f"{rate:g}" for rate in rates if not np.isnan(rate))
        text = _("limit {way}: {rates} kbit/s").format(way=name, rates=" → ".join(asked))
        texts.append(text)
        same = text in ax.get_legend_handles_labels()[1]
        style: dict[str, Any] = {"color": "black", "linestyle": LIMIT_STYLES[back], "linewidth": 2}
        at_s = np.asarray(times) - start_s
        ax.step(at_s, rates, where="post", label=None if same else text, gid="limit", **style)
    return texts
