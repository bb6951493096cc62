"""Simulcast over time: which sizes a sender makes, and which one a receiver gets."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plots.figure import Drawn, LabFigure, describe_axes
from labkit.plots.parts import page, within
from labkit.plots.runs import one_run
from labkit.plots.style import (
    COLORS,
    LINE_STYLES,
    cycle,
    label_axes,
    legend,
    line_style,
    say_why,
    small_size,
)
from labkit.run import Run
from labkit.run.statistics import direction, window
from labkit.words import _

__all__ = ["plot_layers"]

PARTS = {"sent_kbps": (0.0, 0.55, 1.0, 0.45), "width": (0.0, 0.0, 1.0, 0.42)}
"""Where the parts lie within axes that the caller gave: left, bottom, width, height."""

SIZE_INCHES = (9.6, 7.2)
DPI = 150
SENT = "sent_kbps:"
ORDER = ("f", "h", "q")
MARKED = ("layer_chosen", "link_changed", "subscription_changed")


def plot_layers(
    run: Run,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    sender: str | None = None,
    receiver: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, dict[str, Axes]]:
    """Draw what a sender spends on each simulcast layer, and the width that a receiver sees.

    Dotted lines are what was done meanwhile: a layer was asked for, a link was bent.

    Args:
        run: A room in which the sender uses simulcast.
        ax: Axes within which the parts are drawn; a new figure without it.
        title: Over the page.
        sender: Whose video; by default as the run says, else alice.
        receiver: Seen where; by default as the run says, else bob.
        kwargs: For the lines (``lw`` ...).

    Returns:
        The figure, and the axes of each part by name: sent_kbps, width.

    Raises:
        BadValue: ``run`` is no Run.
    Notebook: notebooks/10-mesh-and-sfu.ipynb
    """
    one = one_run(run)
    sender, receiver = direction(one, sender, receiver)
    own_title = _("Layers of {sender}, seen by {receiver}").format(sender=sender, receiver=receiver)
    over = title or own_title
    made = page(over, _lay_out, SIZE_INCHES, DPI) if ax is None else within(ax, over, PARTS)
    figure, parts = made
    _draw_layers(parts["sent_kbps"], one, sender, kwargs)
    _draw_width(parts["width"], one, sender, receiver, kwargs)
    for part in parts.values():
        if one.meta.get("recorded_to_s") is not None:
            part.set_xlim(*window(one))
        _mark_events(part, one)
    return Drawn((figure, parts))


def _draw_layers(ax: Axes, run: Run, sender: str, kwargs: dict[str, Any]) -> None:
    label_axes(ax, None, "", "", _("Sent (kbit/s)"))
    samples = run.samples[(run.samples["peer"] == sender) & run.samples["at_s"].notna()]
    samples = samples[samples["name"].astype(str).str.startswith(SENT)]
    said = []
    for i, layer in enumerate(ORDER):
        own = samples[samples["name"] == SENT + layer].sort_values("at_s")
        if own.empty:
            continue
        style = {"color": cycle(COLORS, i), "linestyle": cycle(LINE_STYLES, i), "label": layer}
        ax.plot(own["at_s"], own["value"], **line_style(i, kwargs, **style))
        told = _("{layer}: {least:.0f} to {most:.0f} kbit/s")
        values = own["value"]
        said.append(told.format(layer=layer, least=values.min(), most=values.max()))
    if not said:
        said = [_("The run knows no layers.")]
        say_why(ax, said[0])
    else:
        legend(ax)
    describe_axes(ax, _("Bitrate of each layer over time. {what}.").format(what="; ".join(said)))


def _draw_width(ax: Axes, run: Run, sender: str, receiver: str, kwargs: dict[str, Any]) -> None:
    label_axes(ax, None, "", _("Time in the call (s)"), _("Width that arrives (px)"))
    seen = _seen(run, sender, receiver)
    if seen.empty:
        why = _("No frame was seen.")
        say_why(ax, why)
        describe_axes(ax, why)
        return
    style = {"color": cycle(COLORS, 3), "drawstyle": "steps-post"}
    ax.plot(seen["decoded_s"], seen["width"], **line_style(0, kwargs, **style))
    ax.set_ylim(0, float(seen["width"].max()) * 1.15)
    changes = seen[seen["width"] != seen["width"].shift()]
    said = [
        _("{width:.0f} from {at:.1f} s on").format(width=one.width, at=one.decoded_s)
        for one in changes.itertuples()
    ]
    describe_axes(ax, _("Width over time: {what}.").format(what=", ".join(said)))


def _seen(run: Run, sender: str, receiver: str) -> pd.DataFrame:
    frames = run.frames
    mine = (frames["track"] == f"{sender}:video") & (frames["receiver"] == receiver)
    seen = frames[mine & frames["decoded_s"].notna() & frames["width"].notna()]
    return seen.sort_values("decoded_s")[["decoded_s", "width"]].astype(float)


def _mark_events(ax: Axes, run: Run) -> None:
    events = run.events[run.events["name"].isin(MARKED)]
    events = events[events["at_s"].between(*window(run))]
    for at_s in events["at_s"].astype(float).tolist():
        ax.axvline(at_s, color="0.4", linestyle=":", linewidth=1.5, gid="event")
    if len(events) and ax.get_xlabel():
        ax.annotate(
            _("dotted: asked for a layer, or bent a link"),
            (0.99, 0.04), xycoords="axes fraction", ha="right", size=small_size(ax),
        )  # fmt: skip


def _lay_out(figure: LabFigure) -> dict[str, Axes]:
    return dict(zip(PARTS, figure.subplots(2, 1, sharex=True), strict=True))
