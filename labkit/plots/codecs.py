"""Figures of the codec bench: quality over rate, the size of each frame, the time it takes.

They take the tables of ``labkit.codecs.compare_video``: the one part of the lab without a Run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, ScalarFormatter

from labkit.codecs.bdrate import bd_rate, overlap_share, why_no_bd_rate
from labkit.codecs.summary import curve
from labkit.errors import BadValue
from labkit.plots.figure import Drawn
from labkit.plots.parts import check_columns
from labkit.plots.style import (
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

__all__ = ["plot_encode_time", "plot_frame_sizes", "plot_rate_distortion"]


def plot_rate_distortion(
    summary: pd.DataFrame,
    *,
    ax: Axes | None = None,
    title: str | None = None,
    quality: str = "psnr_db",
    anchor: str = "h264",
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw each codec's quality over the rate that it achieved, with BD-rate in the legend.

    BD-rate is piecewise cubic (PCHIP), in percent of the anchor's rate; “over 60 %” says which
    part of all the quality the two codecs have in common, where that is less than 90 %.

    Args:
        summary: ``compare_video(…).summary``, or some of its rows.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        quality: psnr_db, xpsnr_db or ssim.
        anchor: The codec that the others are compared with.
        kwargs: For the lines (``color``, ``lw`` ...).

    Raises:
        BadValue: ``summary`` is another table, or there is no such quality.
    Source: G. Bjøntegaard, VCEG-M33 (2001).
    """
    _check(summary, ["codec", "asked_kbps", "achieved_kbps", quality], "summary")
    axes = axes_for(ax)
    names = {"psnr_db": _("PSNR of luma (dB)"), "xpsnr_db": _("XPSNR of luma (dB)")}
    label_axes(
        axes,
        title,
        _("Quality over rate"),
        _("Achieved rate (kbit/s)"),
        names.get(quality, _("SSIM of luma")),
    )
    if summary.empty:
        return _nothing(axes, _("Quality over rate."))
    texts = []
    for i, (codec, rows) in enumerate(_by_codec(summary)):
        texts.append(f"{codec}: {_bd_text(summary, codec, anchor, quality)}")
        rows = rows.sort_values("achieved_kbps")
        style = line_style(i, kwargs, label=texts[-1], marker=cycle(MARKERS, i), markersize=9)
        axes.plot(rows["achieved_kbps"], rows[quality], **style)
    _rate_axis(axes, summary)
    named = _("BD-rate against {anchor}, PCHIP").format(anchor=anchor)
    legend(axes, headroom=False, loc="lower right", title=named, title_fontsize=small_size(axes))
    return drawn(axes, _("Quality over rate. {codecs}.").format(codecs="; ".join(texts)))


def _bd_text(summary: pd.DataFrame, codec: str, anchor: str, quality: str) -> str:
    reference, own = (curve(summary, name, quality) for name in (anchor, codec))
    if codec == anchor:
        return _("the reference")
    if not reference[0]:
        return _("{anchor} is missing").format(anchor=anchor)
    if why_no_bd_rate(reference, own) is not None:
        return _("not defined")
    percent, share = bd_rate(reference, own), overlap_share(reference, own)
    if share >= 0.9:
        return f"{percent:+.1f} %"
    return _("{percent:+.1f} % (over {share:.0%} of the quality)").format(
        percent=percent, share=share
    )


def _rate_axis(ax: Axes, summary: pd.DataFrame) -> None:
    """Rates double from point to point, and BD-rate is taken over their logarithm."""
    ax.set_xscale("log")
    ax.set_xticks(sorted(summary["asked_kbps"].unique()))
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.xaxis.set_minor_locator(NullLocator())


def plot_frame_sizes(
    frames: pd.DataFrame,
    *,
    asked_kbps: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw the size of every frame over time, key frames marked by a star.

    The dashed line is what each frame would have if all had the same.

    Args:
        frames: ``compare_video(…).frames``, or some of its rows.
        asked_kbps: Which of the asked rates; the middle one without it.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        kwargs: For the lines (``color``, ``lw`` ...).

    Raises:
        BadValue: ``frames`` is another table, or has no such rate.
    """
    _check(frames, ["codec", "asked_kbps", "fps", "frame", "size_bytes", "key_frame"], "frames")
    axes = axes_for(ax)
    if frames.empty:
        return _nothing(axes, _("Size of each frame."))
    rate = _chosen_rate(frames, asked_kbps)
    own_title = _("Size of each frame at {rate:g} kbit/s").format(rate=rate)
    label_axes(axes, title, own_title, _("Time in the clip (s)"), _("Size (kB)"))
    chosen = frames[frames["asked_kbps"] == rate]
    texts = [
        _draw_sizes(axes, i, codec, rows, kwargs)
        for i, (codec, rows) in enumerate(_by_codec(chosen))
    ]
    even_kb = rate / 8 / int(frames["fps"].iloc[0])
    even = _("every frame the same: {size:.1f} kB").format(size=even_kb)
    axes.axhline(even_kb, color="black", linestyle="--", linewidth=1.5, label=even)
    axes.plot([], [], label=_("key frame"), **_STAR, color="white")
    axes.set_ylim(bottom=0)
    legend(axes, headroom=False, loc="best")
    return drawn(axes, f"{own_title}. {'; '.join(texts)}.")


_STAR: dict[str, Any] = {
    "marker": "*",
    "markersize": 17,
    "linestyle": "none",
    "markeredgecolor": "black",
}


def _draw_sizes(ax: Axes, i: int, codec: str, rows: pd.DataFrame, kwargs: dict[str, Any]) -> str:
    """Draw a codec's frames and return what the legend says about them."""
    sizes_kb, at_s = rows["size_bytes"] / 1000, rows["frame"] / rows["fps"]
    text = _("{codec}: mean {mean:.1f} kB, largest {largest:.1f} kB").format(
        codec=codec, mean=sizes_kb.mean(), largest=sizes_kb.max()
    )
    style = line_style(i, kwargs, label=text, linewidth=1.8)
    (line,) = ax.plot(at_s, sizes_kb, **style)
    keys = rows["key_frame"].fillna(False).astype(bool)
    ax.plot(at_s[keys], sizes_kb[keys], **_STAR, color=line.get_color(), gid="key frames")
    return text


def plot_encode_time(
    frames: pd.DataFrame,
    *,
    asked_kbps: float | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    **kwargs: Any,
) -> tuple[Figure, Axes]:
    """Draw how long each frame took to encode, against the time until the next one comes.

    Args:
        frames: ``compare_video(…).frames``, or some of its rows.
        asked_kbps: Which of the asked rates; the middle one without it.
        ax: Where to draw; a new figure without it.
        title: Over the axes.
        kwargs: For the lines (``color``, ``lw`` ...).

    Raises:
        BadValue: ``frames`` is another table, or has no such rate.
    """
    _check(frames, ["codec", "asked_kbps", "fps", "frame", "encode_ms"], "frames")
    axes = axes_for(ax)
    if frames.empty:
        return _nothing(axes, _("Time to encode each frame."))
    rate = _chosen_rate(frames, asked_kbps)
    own_title = _("Time to encode each frame at {rate:g} kbit/s").format(rate=rate)
    label_axes(axes, title, own_title, _("Time in the clip (s)"), _("Encode time (ms)"))
    budget_ms = 1000 / int(frames["fps"].iloc[0])
    texts = [
        _draw_times(axes, i, codec, rows, budget_ms, kwargs)
        for i, (codec, rows) in enumerate(_by_codec(frames[frames["asked_kbps"] == rate]))
    ]
    budget = _("budget: {budget:.1f} ms until the next frame").format(budget=budget_ms)
    ends = [0, float((frames["frame"] / frames["fps"]).max())]
    # A line with two points, so that the legend's room is made above it.
    limit: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 2.5}
    axes.plot(ends, [budget_ms] * 2, label=budget, gid="budget", **limit)
    legend(axes, columns=2)
    return drawn(axes, f"{own_title}. {'; '.join(texts)}; {budget}.")


def _draw_times(
    ax: Axes, i: int, codec: str, rows: pd.DataFrame, budget_ms: float, kwargs: dict[str, Any]
) -> str:
    """Draw a codec's frames and return what the legend says about them."""
    text = _("{codec}: mean {mean:.1f} ms, {over} of {n} too late").format(
        codec=codec,
        mean=rows["encode_ms"].mean(),
        over=int((rows["encode_ms"] > budget_ms).sum()),
        n=len(rows),
    )
    # There are more codecs than kinds of lines.
    marks: dict[str, Any] = {"marker": cycle(MARKERS, i), "markersize": 8, "markevery": (i, 6)}
    style = line_style(i, kwargs, label=text, linewidth=1.8, **marks)
    ax.plot(rows["frame"] / rows["fps"], rows["encode_ms"], **style)
    return text


def _check(table: pd.DataFrame, columns: list[str], name: str) -> None:
    what = _("This is no table of the codec bench.")
    next_step = _("Use compare_video(clip).{name}.").format(name=name)
    check_columns(table, columns, what, next_step)


def _by_codec(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for codec, rows in table.groupby("codec", sort=False):
        yield str(codec), rows


def _chosen_rate(frames: pd.DataFrame, asked_kbps: float | None) -> float:
    rates = sorted(float(rate) for rate in frames["asked_kbps"].unique())
    if asked_kbps is None:
        return rates[len(rates) // 2]
    if asked_kbps not in rates:
        raise BadValue(
            _("Nothing was encoded at {rate:g} kbit/s.").format(rate=asked_kbps),
            next_step=_("Use one of: {rates}.").format(
                rates=", ".join(f"{rate:g}" for rate in rates)
            ),
        )
    return float(asked_kbps)


def _nothing(ax: Axes, what: str) -> Drawn:
    why = _("Nothing was encoded.")
    say_why(ax, why)
    return drawn(ax, f"{what} {why}")
