"""Figures of what can be chosen in an encoder: how far it looks ahead, size and frame rate.

They take the tables of ``labkit.codecs``, as the figures of ``labkit.plots.codecs`` do.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from labkit.plots.figure import Drawn
from labkit.plots.parts import check_columns
from labkit.plots.style import (
    COLORS,
    MARKERS,
    axes_for,
    cycle,
    drawn,
    label_axes,
    legend,
    line_style,
    say_why,
    small_size,
)
from labkit.words import _

__all__ = ["plot_encoder_delay", "plot_shapes"]


def plot_encoder_delay(
    summary: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw how much later a frame can be shown because the encoder looks at others first.

    That is the largest ``delay_frames`` of an encoding, in time; computing comes on top.

    Args:
        summary: ``compare_video(…).summary``, one row a bar.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        kwargs: For the bars (``color`` ...).

    Raises:
        BadValue: ``summary`` is another table.
    Notebook: notebooks/02-codecs.ipynb
    """
    _check(summary, ["codec", "achieved_kbps", "psnr_db", "delay_frames", "fps"])
    axes = axes_for(ax)
    own_title = _("Wait for later frames")
    label_axes(axes, title, own_title, _("Wait (ms)"))
    if summary.empty:
        return _nothing(axes, own_title)
    waits_ms = summary["delay_frames"] / summary["fps"].astype(float) * 1000
    bars = axes.barh(range(len(summary)), waits_ms, **{"color": COLORS[0], **kwargs})
    axes.set_yticks(range(len(summary)), summary["codec"].tolist())
    axes.invert_yaxis()
    texts = [_bar_text(row, wait) for row, wait in zip(_rows(summary), waits_ms, strict=True)]
    axes.bar_label(bars, texts, padding=6, fontsize=small_size(axes))
    axes.set_xlim(0, max(1.0, float(waits_ms.max())) * 1.7)
    axes.grid(False, axis="y")
    said = "; ".join(
        f"{row['codec']}: {text}" for row, text in zip(_rows(summary), texts, strict=True)
    ).replace("\n", ", ")
    return drawn(axes, f"{own_title}. {said}.")


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _bar_text(row: dict[str, Any], wait_ms: float) -> str:
    return _("{wait:.0f} ms ({frames:.0f} frames)\n{psnr:.1f} dB at {rate:.0f} kbit/s").format(
        wait=wait_ms, frames=row["delay_frames"], psnr=row["psnr_db"], rate=row["achieved_kbps"]
    )


def plot_shapes(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw what a viewer sees of each size and frame rate, over the rate that was achieved.

    Args:
        table: From ``compare_shapes``.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        kwargs: For the lines (``color``, ``lw`` ...).

    Raises:
        BadValue: ``table`` is another table.
    Notebook: notebooks/02-codecs.ipynb
    """
    _check(table, ["shape", "asked_kbps", "achieved_kbps", "psnr_db"])
    axes = axes_for(ax)
    own_title = _("Size, frame rate and bitrate")
    label_axes(axes, title, own_title, _("Achieved rate (kbit/s)"), _("PSNR on the screen (dB)"))
    if table.empty:
        return _nothing(axes, own_title)
    for i, (shape, rows) in enumerate(table.groupby("shape", sort=False)):
        rows = rows.sort_values("achieved_kbps")
        style = line_style(i, kwargs, label=str(shape), marker=cycle(MARKERS, i), markersize=9)
        axes.plot(rows["achieved_kbps"], rows["psnr_db"], **style)
    axes.set_xscale("log")
    axes.set_xticks(sorted(table["asked_kbps"].unique()))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    legend(axes, headroom=False, loc="lower right")
    return drawn(axes, f"{own_title}. {_best(table)}.")


def _best(table: pd.DataFrame) -> str:
    best = table.loc[table.groupby("asked_kbps")["psnr_db"].idxmax()]
    return "; ".join(
        _("Best when asked for {rate:g} kbit/s: {shape}, {psnr:.1f} dB").format(
            rate=row["asked_kbps"], shape=row["shape"], psnr=row["psnr_db"]
        )
        for row in _rows(best)
    )


def _check(table: pd.DataFrame, columns: list[str]) -> None:
    what = _("This is no table of the codec bench.")
    next_step = _("Use compare_video(clip, …).summary or compare_shapes(clip, …).")
    check_columns(table, columns, what, next_step)


def _nothing(ax: Axes, what: str) -> Drawn:
    why = _("Nothing was encoded.")
    say_why(ax, why)
    return drawn(ax, f"{what}. {why}")
