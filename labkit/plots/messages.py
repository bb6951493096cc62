"""What was said over the signaling connection, as a ladder: who, to whom, what, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cbook import normalize_kwargs
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from labkit.errors import BadValue
from labkit.plots.runs import as_runs
from labkit.plots.style import COLORS, axes_for, drawn, label_axes, room_points, say_why, text_size
from labkit.run import Run
from labkit.words import _

__all__ = ["plot_messages", "said_in_order"]

QUIET = ("ping", "ping_req", "pong", "pong_resp", "refresh_token", "closed")
"""Messages that go by the clock, or say nothing of a room."""

MOST_ROWS = 30
_ROOM = 0.72
"""Share of a row's height that its letters take."""


@dataclass(frozen=True)
class _Said:
    at_ms: float
    sender: str
    receiver: str
    name: str
    count: int
    size_bytes: int


def plot_messages(
    run: Run,
    peer: str | None = None,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw one participant's messages as a ladder, time going down.

    A row is a message, or several equal ones in a row. On the left stands when it was sent, in
    ms after the first one; an arrow shows which way it went.

    Args:
        run: One run of a room.
        peer: Whose messages; by default of the one who spoke first.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        kwargs: For the arrows (``lw``, ``color`` ...).

    Raises:
        BadValue: ``run`` is not one Run.

    Notebook: notebooks/09-rooms.ipynb
    """
    runs = as_runs(run)
    if len(runs) > 1:
        raise BadValue(_("A ladder shows one run."), next_step=_("Give one of them."))
    axes = axes_for(ax)
    said, peer = said_in_order(runs[0], peer) if runs else ([], peer)
    own_title = _("What {peer} and the server say").format(peer=peer or "?")
    label_axes(axes, title, own_title)
    axes.set_axis_off()
    if not said:
        why = _("This run has no messages. Record a room with a participant of the LiveKit SDK.")
        say_why(axes, why)
        return drawn(axes, _("Messages. {why}").format(why=why))
    _draw(axes, said[:MOST_ROWS], str(peer), kwargs)
    return drawn(axes, _in_words(said, str(peer)))


def said_in_order(run: Run, peer: str | None = None) -> tuple[list[_Said], str | None]:
    """Return the messages of one participant, equal ones in a row together, and who it is.

    Args:
        run: A run of a room.
        peer: Whose messages; None for the one who spoke first.
    """
    table = run.messages[~run.messages["name"].isin(QUIET)].sort_values("at_s", kind="stable")
    # What participants send each other has a channel of its own.
    table = table[table["channel"].astype(str).str.startswith("signaling")]
    if table.empty:
        return [], peer
    peer = peer or str(table["sender"].iloc[0])
    own = table[(table["sender"] == peer) | (table["receiver"] == peer)]
    said: list[_Said] = []
    began_s = own["at_s"].min()
    for row in own.itertuples():
        said = _with(said, row, (row.at_s - began_s) * 1000)
    return said, peer


def _with(said: list[_Said], row: Any, at_ms: float) -> list[_Said]:
    size = 0 if pd.isna(row.size_bytes) else int(row.size_bytes)
    last = said[-1] if said else None
    if last is not None and (last.sender, last.name) == (row.sender, row.name):
        count, size = last.count + 1, last.size_bytes + size
        return [*said[:-1], _Said(last.at_ms, row.sender, row.receiver, row.name, count, size)]
    return [*said, _Said(at_ms, row.sender, row.receiver, row.name, 1, size)]


def _draw(ax: Axes, said: list[_Said], peer: str, kwargs: dict[str, Any]) -> None:
    other = next(s for one in said for s in (one.sender, one.receiver) if s != peer)
    ax.set_xlim(-0.36, 1.12)
    ax.set_ylim(len(said) + 0.4, -1.4)
    size = min(text_size(ax), _ROOM * room_points(ax)[1] / (len(said) + 2))
    for place, name in ((0.0, peer), (1.0, other)):
        ax.plot([place, place], [-0.6, len(said)], color="0.6", linewidth=1.5)
        ax.text(place, -1.0, name, ha="center", va="center", size=text_size(ax), weight="bold")
    for row, one in enumerate(said):
        _draw_row(ax, row, one, one.sender == peer, size, kwargs)


def _draw_row(
    ax: Axes, row: int, one: _Said, up: bool, size: float, kwargs: dict[str, Any]
) -> None:
    color = COLORS[0 if up else 1]
    style: dict[str, Any] = {"color": color, "linewidth": 1.8}
    style |= normalize_kwargs(kwargs, Line2D)
    ends = (0.02, 0.98) if up else (0.98, 0.02)
    arrow = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 0, **style}
    ax.annotate("", xy=(ends[1], row), xytext=(ends[0], row), arrowprops=arrow)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    ax.text(0.5, row, _words(one), ha="center", va="center", size=size, bbox=box, color=color,
            gid=f"message {row}")  # fmt: skip
    at = _("{ms:,.0f} ms").format(ms=one.at_ms)
    ax.text(-0.04, row, at, ha="right", va="center", size=size)


def _words(one: _Said) -> str:
    times = f" × {one.count}" if one.count > 1 else ""
    return _("{name}{times}  ({size:,} B)").format(name=one.name, times=times, size=one.size_bytes)


def _in_words(said: list[_Said], peer: str) -> str:
    told = [
        _("{ms:.0f} ms {sender}: {words}").format(
            ms=one.at_ms, sender=one.sender, words=_words(one)
        )
        for one in said[:MOST_ROWS]
    ]
    left = len(said) - MOST_ROWS
    more = " " + _("{count} more are not drawn.").format(count=left) if left > 0 else ""
    return (
        _("Messages of {peer} and the server. {all}.").format(peer=peer, all="; ".join(told)) + more
    )
