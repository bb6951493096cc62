"""Stills side by side, for instance the same frame from every codec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.errors import BadValue
from labkit.plots.figure import Drawn, LabFigure, describe_axes
from labkit.plots.style import LABEL_POINTS, TITLE_POINTS
from labkit.words import _

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["plot_pictures"]

COLUMNS = 3
WIDTH_INCHES, TITLE_INCHES = 9.6, 0.32


def plot_pictures(
    images: Mapping[str, Image],
    *,
    part: tuple[int, int, int, int] | None = None,
    title: str | None = None,
) -> tuple[Figure, list[Axes]]:
    """Draw stills of one size side by side, pixel for pixel, each under its name.

    Args:
        images: Stills by name, at least one.
        part: What to cut out of each: left, top, width and height in pixels; all without it.
        title: Over the page.

    Raises:
        BadValue: There is no picture, the sizes differ, or the part lies outside.
    Notebook: notebooks/02-codecs.ipynb
    """
    left, top, width, height = _part(images, part)
    columns = min(COLUMNS, len(images))
    rows = math.ceil(len(images) / columns)
    row_inches = WIDTH_INCHES / columns * height / width + TITLE_INCHES
    figure = LabFigure((WIDTH_INCHES, rows * row_inches + (0.4 if title else 0.05)))
    places = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for axes, (name, image) in zip(places, images.items(), strict=False):
        axes.imshow(np.asarray(image)[top : top + height, left : left + width])
        axes.set_title(name, fontsize=LABEL_POINTS)
    for axes in places:
        axes.set_axis_off()
    if title is not None:
        figure.suptitle(title, fontsize=TITLE_POINTS)
    what = _("Pictures side by side") if title is None else title
    describe_axes(places[0], f"{what}: {'; '.join(images)}.")
    return Drawn((figure, places[: len(images)]))


def _part(
    images: Mapping[str, Image], part: tuple[int, int, int, int] | None
) -> tuple[int, int, int, int]:
    sizes = {image.size for image in images.values()}
    if len(sizes) != 1:
        raise BadValue(
            _("These pictures cannot be drawn side by side."),
            _("They have {count} different sizes.").format(count=len(sizes)),
            _("Give at least one picture, and all of one size."),
        )
    (full,) = sizes
    left, top, width, height = (0, 0, *full) if part is None else part
    if (
        min(left, top) < 0
        or min(width, height) < 1
        or left + width > full[0]
        or top + height > full[1]
    ):
        raise BadValue(
            _("part={part!r} lies outside the picture.").format(part=part),
            next_step=_("Use (left, top, width, height) within {width}x{height}.").format(
                width=full[0], height=full[1]
            ),
        )
    return left, top, width, height
