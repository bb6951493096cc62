"""Engines beside each other: how late a frame is with each, and places for those to come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.errors import BadValue
from labkit.plots.runs import as_runs
from labkit.plots.style import (
    COLORS,
    axes_for,
    cycle,
    drawn,
    label_axes,
    line_style,
    say_why,
    small_size,
)
from labkit.run import Run
from labkit.run.statistics import latency_ms, settle_s, window
from labkit.words import _

__all__ = ["plot_engines"]

Runs = Mapping[str, "Run | list[Run] | None"]


def plot_engines(
    runs: Runs,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    sender: str | None = None,
    receiver: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw the latency of each engine: a line from p5 to p95, with p50 marked.

    Several runs of one engine are drawn below each other: what differs between them is chance.
    Where an engine tells how long frames waited in its jitter buffer, the mark of that share is
    a ring.

    Args:
        runs: By the engine's name: a run, a list of runs, or None for a place that is left open.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        sender: Whose frames; by default as each run says, else alice.
        receiver: Measured where; by default as each run says, else bob.
        kwargs: For the lines (``lw`` ...).

    Raises:
        BadValue: ``runs`` is no mapping, or has something else in it than runs.
    Notebook: notebooks/10-mesh-and-sfu.ipynb
    """
    rows = _rows(runs)
    axes = axes_for(ax)
    own_title = _("One source, several engines")
    marks = _("line: p5 to p95, dot: p50, ring: the jitter buffer’s part")
    label_axes(axes, title, own_title, _("Capture to decoded frame (ms)") + f"\n{marks}")
    if not rows:
        why = _("No engine was named.")
        say_why(axes, why)
        return drawn(axes, f"{own_title}. {why}")
    said = [_draw(axes, at, name, run, (sender, receiver), kwargs) for at, name, run in rows]
    axes.set_yticks([at for at, _name, _run in rows], [name for _at, name, _run in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.grid(False, axis="y")
    return drawn(axes, f"{own_title}. {'; '.join(said)}.")


def _rows(runs: Runs) -> list[tuple[int, str, Run | None]]:
    if not isinstance(runs, Mapping):
        raise BadValue(
            _("The engines have no names."),
            next_step=_('Use for instance plot_engines({"P2P": run, "SFU": other}).'),
        )
    rows: list[tuple[int, str, Run | None]] = []
    for name, given in runs.items():
        for number, run in enumerate([None] if given is None else as_runs(given)):
            rows.append((len(rows), name if number == 0 else "", run))
    return rows


def _draw(
    ax: Axes,
    at: int,
    name: str,
    run: Run | None,
    way: tuple[str | None, str | None],
    kwargs: dict[str, Any],
) -> str:
    figures = None if run is None else latency_ms(run, *way)
    if run is None or figures is None or not figures["n"]:
        text = _("not measured here") if run is None else _("no frame was shown")
        ax.text(0.02, at, text, transform=ax.get_yaxis_transform(), va="center", style="italic")
        return f"{name}: {text}"
    color = cycle(COLORS, at)
    style = line_style(0, kwargs, color=color, linestyle="-", gid="p5 to p95")
    ax.plot([figures["p5"], figures["p95"]], [at, at], **style)
    ax.plot(figures["p50"], at, "o", color=color, markersize=11, gid="p50")
    text = _("{p50:.1f} ms").format(**figures)
    buffer = buffer_ms(run, way[1])
    if buffer is not None:
        ax.plot(buffer, at, "o", color=color, markersize=11, fillstyle="none", gid="buffer")
        text = _("{text}, buffer {buffer:.1f} ms").format(text=text, buffer=buffer)
    beside: dict[str, Any] = {
        "xycoords": ax.get_yaxis_transform(),
        "va": "center",
        "size": small_size(ax),
    }
    ax.annotate(text, (1.02, at), **beside)  # at the data, a long text would leave the figure
    return f"{name}: {text}" if name else text


def buffer_ms(run: Run, receiver: str | None = None) -> float | None:
    """Return how long frames waited in the SDK's jitter buffer after settling; None if untold.

    Args:
        run: The run.
        receiver: Whose buffer; by default as the run says, else bob.
    """
    who = receiver or run.meta.get("receiver") or "bob"
    samples = run.samples[
        (run.samples["peer"] == who) & (run.samples["name"] == "jitter_buffer_ms")
    ]
    settled = samples[samples["at_s"] >= window(run)[0] + settle_s(run)]["value"]
    return float(settled.median()) if len(settled) else None
