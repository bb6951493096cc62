"""Stills side by side."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from labkit import plots
from labkit.errors import BadValue


def images(count: int = 4) -> dict[str, Image.Image]:
    return {
        f"codec {k}": Image.fromarray(np.full((60, 80, 3), 40 * k, np.uint8)) for k in range(count)
    }


def test_each_picture_stands_under_its_name_pixel_for_pixel() -> None:
    figure, places = plots.plot_pictures(images(), title="The same frame")
    figure.draw_without_rendering()
    assert [axes.get_title() for axes in places] == list(images())
    (drawn,) = places[2].get_images()
    assert np.asarray(drawn.get_array()).shape == (60, 80, 3)
    assert (np.asarray(drawn.get_array()) == 80).all()
    assert plots.alt_text(figure) == "The same frame: codec 0; codec 1; codec 2; codec 3."


def test_a_part_can_be_cut_out() -> None:
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[10:30, 20:50] = 200
    _figure, (axes,) = plots.plot_pictures({"a": Image.fromarray(picture)}, part=(20, 10, 30, 20))
    values = np.asarray(axes.get_images()[0].get_array())
    assert values.shape == (20, 30, 3)
    assert (values == 200).all()


@pytest.mark.parametrize("part", [(-1, 0, 10, 10), (0, 0, 0, 10), (70, 0, 20, 10), (0, 50, 9, 11)])
def test_a_part_outside_is_refused(part: tuple[int, int, int, int]) -> None:
    with pytest.raises(BadValue, match="outside"):
        plots.plot_pictures(images(), part=part)


def test_different_sizes_and_none_are_refused() -> None:
    with pytest.raises(BadValue, match="2 different sizes"):
        plots.plot_pictures({**images(1), "small": Image.new("RGB", (8, 8))})
    with pytest.raises(BadValue, match="0 different sizes"):
        plots.plot_pictures({})
