"""A figure that grows while something long is measured: the first points come early."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pandas as pd

__all__ = ["growing_figure"]

EVERY_S = 1.0
"""Drawing takes about 0.1 s; more often it would slow down what is measured."""


def growing_figure(
    plot: Callable[[pd.DataFrame], Any],
) -> Callable[[dict[str, Any], int, int], None]:
    """Return a function for ``on_result`` that draws what is there, again and again.

    Args:
        plot: A function of ``labkit.plots`` that takes a table, for instance
            ``plot_rate_distortion``.

    Notebook: notebooks/02-codecs.ipynb
    """
    rows: list[dict[str, Any]] = []
    shown: Any = None
    drawn_s = -EVERY_S

    def on_result(row: dict[str, Any], done: int, total: int) -> None:
        nonlocal shown, drawn_s
        rows.append(row)
        if done < total and time.monotonic() - drawn_s < EVERY_S:
            return
        figure = plot(pd.DataFrame(rows))[0]
        if shown is None:
            shown = _display(figure)
        else:
            shown.update(figure)
        drawn_s = time.monotonic()

    return on_result


def _display(figure: Any) -> Any:
    from IPython.display import display

    return display(figure, display_id=True)
