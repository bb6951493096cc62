"""Figures of a notebook cell are shown once, when the cell ends, as pyplot's are.

So ``fig, ax = plot_latency(run)`` shows its figure with all that the cell has changed on it,
and ``plot_latency(run)`` in the last line shows no second one.
"""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["show_after_cell", "shown"]

_waiting: list[Any] = []


def show_after_cell(figure: Any) -> None:
    """Show a figure when the notebook's cell ends; elsewhere do nothing."""
    shell = _notebook()
    if shell is None:
        return
    shell.events.register("post_execute", _show_waiting)  # once, however often it is asked
    _waiting.append(figure)


def shown(figure: Any) -> None:
    """Take note that a figure is on the screen already."""
    _waiting[:] = [other for other in _waiting if other is not figure]


def _show_waiting() -> None:
    from IPython.display import display

    figures, _waiting[:] = list(_waiting), []
    for figure in figures:
        display(figure)


def _notebook() -> Any:
    """Return the shell of a notebook's kernel, None in a terminal or a script."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell if hasattr(shell, "kernel") else None
