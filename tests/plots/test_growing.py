"""A figure that grows while something is measured."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.plots import growing_figure, plot_rate_distortion


class Shown:
    """What was displayed, as IPython's handle takes it."""

    def __init__(self, figure: Any) -> None:
        self.figures = [figure]

    def update(self, figure: Any) -> None:
        """Take the figure's next state."""
        self.figures.append(figure)


@pytest.fixture
def displays(monkeypatch: pytest.MonkeyPatch) -> list[Shown]:
    made: list[Shown] = []

    def display(figure: Any) -> Shown:
        made.append(Shown(figure))
        return made[-1]

    monkeypatch.setattr("labkit.plots.growing._display", display)
    return made


def row(codec: str, kbps: float) -> dict[str, Any]:
    return {"codec": codec, "asked_kbps": kbps, "achieved_kbps": kbps, "psnr_db": 30 + kbps / 100}


def points(figure: Any) -> int:
    return sum(len(line.get_xdata()) for line in figure.axes[0].lines)


def test_the_first_point_is_drawn_at_once_and_the_last_one_always(displays: list[Shown]) -> None:
    watch = growing_figure(plot_rate_distortion)
    rows = [row(codec, kbps) for kbps in (150, 300) for codec in ("h264", "vp8")]
    for done, each in enumerate(rows, 1):
        watch(each, done, len(rows))
    (shown,) = displays
    assert points(shown.figures[0]) < points(shown.figures[-1])
    assert len(shown.figures) == 2
