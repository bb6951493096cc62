"""The planes of a picture, as they lie in memory."""

from __future__ import annotations

from typing import Any

import av
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.errors import BadValue
from labkit.media.stamp import planes
from labkit.plots.figure import Drawn, LabFigure, describe_axes
from labkit.plots.style import LABEL_POINTS, TITLE_POINTS
from labkit.words import _

__all__ = ["plot_planes"]

WIDTH_INCHES, TITLES_INCHES = 9.6, 1.3


def plot_planes(frame: av.VideoFrame, *, title: str | None = None) -> tuple[Figure, list[Axes]]:
    """Draw the planes Y, U and V of an I420 picture, each pixel as large as in the others.

    Y is the brightness of every pixel. U and V say how blue and how red, once for every square
    of four pixels; middle grey (128) is no colour.

    Args:
        frame: A frame of the pixel format ``yuv420p``, which is I420.
        title: Over the page.

    Raises:
        BadValue: It is no frame, or has another pixel format.
    Source: ITU-R BT.601 (what Y, U and V are); RFC 6386, section 2 (as VP8 takes them).

    Notebook: notebooks/01-media.ipynb
    """
    _check(frame)
    height_inches = WIDTH_INCHES * 2 / 3 * frame.height / frame.width
    figure = LabFigure((WIDTH_INCHES, height_inches + TITLES_INCHES))
    places = figure.subplot_mosaic([["y", "y", "u"], ["y", "y", "v"]])
    about = {
        "y": _("Y, brightness: {size}"),
        "u": _("U, blue: {size}"),
        "v": _("V, red: {size}"),
    }
    for name, plane in zip("yuv", planes(frame), strict=True):
        axes = places[name]
        axes.imshow(plane, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        size = f"{plane.shape[1]} × {plane.shape[0]}"
        axes.set_title(about[name].format(size=size), fontsize=LABEL_POINTS)
        axes.set_axis_off()
    own = _("One picture is three planes, {count:,} bytes").format(count=_bytes(frame))
    figure.suptitle(own if title is None else title, fontsize=TITLE_POINTS)
    names = [places[name].get_title() for name in "yuv"]
    describe_axes(places["y"], f"{own}. {'; '.join(names)}.")
    return Drawn((figure, [places[name] for name in "yuv"]))


def _bytes(frame: av.VideoFrame) -> int:
    return sum(plane.size for plane in planes(frame))


def _check(frame: Any) -> None:
    if not isinstance(frame, av.VideoFrame) or frame.format.name != "yuv420p":
        raise BadValue(
            _("This is no picture in I420."),
            _("Its planes are drawn as they lie in memory."),
            _("Take a frame of a source, or frame.reformat(format='yuv420p')."),
        )
