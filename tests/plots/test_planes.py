"""The planes of a picture are drawn as they lie in memory."""

from __future__ import annotations

import numpy as np
import pytest

import labkit as lab
from labkit import plots
from labkit.errors import BadValue
from labkit.media.stamp import planes


def test_the_planes_are_drawn_as_they_are() -> None:
    with lab.TestPattern(320, 240).open() as reader:
        frame = reader.picture(7)
    figure, places = plots.plot_planes(frame)
    figure.draw_without_rendering()
    for axes, plane in zip(places, planes(frame), strict=True):
        (image,) = axes.get_images()
        assert (np.asarray(image.get_array()) == plane).all()
        assert image.get_clim() == (0, 255)
    text = plots.alt_text(figure)
    assert "115,200 bytes" in text and "160 × 120" in text


@pytest.mark.parametrize("wrong", [None, np.zeros((3, 3), np.uint8)])
def test_what_is_no_i420_picture_is_refused(wrong: object) -> None:
    with pytest.raises(BadValue, match="no picture in I420"):
        plots.plot_planes(wrong)  # type: ignore[arg-type]
    with lab.TestPattern(320, 240).open() as reader:
        grey = reader.picture(0).reformat(format="gray")
    with pytest.raises(BadValue, match="reformat"):
        plots.plot_planes(grey)
