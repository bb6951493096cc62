"""A figure of how long a packet of sound should be."""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plots.parts import check_columns
from labkit.plots.style import (
    COLORS,
    HATCHES,
    axes_for,
    drawn,
    label_axes,
    legend,
    say_why,
    small_size,
)
from labkit.words import _

__all__ = ["plot_packet_times"]

COLUMNS = ("packet_ms", "payload_kbps", "sent_kbps", "header_share")


def plot_packet_times(
    table: pd.DataFrame, *, ax: Axes | None = None, title: str | None = None, **kwargs: Any
) -> tuple[Figure, Axes]:
    """Draw what is sent a second, sound and headers, for each length of a packet.

    Args:
        table: From ``labkit.codecs.compare_packet_times``, one row a bar.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        kwargs: For the bars (``width`` ...).

    Raises:
        BadValue: ``table`` is another table.

    Notebook: notebooks/deeper/01-audio.ipynb
    """
    _check(table)
    axes = axes_for(ax)
    own_title = _("Longer packets: fewer headers, more waiting")
    label_axes(axes, title, own_title, _("Sound in one packet (ms)"), _("Sent (kbit/s)"))
    if table.empty:
        why = _("Nothing was encoded.")
        say_why(axes, why)
        return drawn(axes, f"{own_title}. {why}")
    _draw(axes, table, kwargs)
    axes.set_xticks(range(len(table)), [f"{ms:g}" for ms in table["packet_ms"]])
    axes.grid(False, axis="x")
    legend(axes, headroom=False, loc="upper right", columns=2)
    axes.set_ylim(0, float(table["sent_kbps"].max()) * 1.3)
    texts = [
        _("{ms:g} ms: {kbps:.0f} kbit/s, {share:.0%} headers").format(ms=ms, kbps=kbps, share=share)
        for ms, kbps, share in zip(
            table["packet_ms"], table["sent_kbps"], table["header_share"], strict=True
        )
    ]
    return drawn(axes, f"{own_title}. {'; '.join(texts)}.")


def _draw(ax: Axes, table: pd.DataFrame, kwargs: dict[str, Any]) -> None:
    """Draw a column a row: the sound below, its headers above, their share on top."""
    places = list(range(len(table)))
    headers = table["sent_kbps"] - table["payload_kbps"]
    look: dict[str, Any] = {"width": 0.6, "edgecolor": "white", **kwargs}
    ax.bar(places, table["payload_kbps"], color=COLORS[0], label=_("sound"), **look)
    top = ax.bar(
        places,
        headers,
        bottom=table["payload_kbps"],
        color=COLORS[1],
        hatch=HATCHES[1],
        label=_("headers"),
        **look,
    )
    shares = [_("{share:.0%} headers").format(share=share) for share in table["header_share"]]
    ax.bar_label(top, shares, padding=4, fontsize=small_size(ax))


def _check(table: Any) -> None:
    what = _("This is no table of packet times.")
    check_columns(table, COLUMNS, what, _("Use compare_packet_times(sound, header_bytes=…)."))
