"""How far something long is: a bar in a notebook, a function elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from labkit.words import _

__all__ = ["Shower", "in_notebook", "progress_shower"]


class Shower(Protocol):
    """Shows the share that is done (0…1) until it is closed."""

    def __call__(self, share: float) -> None:
        """Show how much is done."""
        ...

    def close(self) -> None:
        """Show no more."""
        ...


def progress_shower(
    progress: bool | Callable[[float], None],
    total: float,
    *,
    title: str | None = None,
    unit: str = "s",
) -> Shower:
    """Return what shows progress.

    Args:
        progress: True for a bar where there is a notebook, False for none, or a function that
            takes the share that is done, 0 to 1.
        total: How much there is to do, for instance the length of a recording.
        title: What is being done; “Recording” without it.
        unit: Of the total.
    """
    if callable(progress):
        return _Function(progress)
    if progress and in_notebook():
        return _Bar(total, title or _("Recording"), unit)
    return _Function(lambda share: None)


class _Function:
    def __init__(self, function: Callable[[float], None]) -> None:
        self._function = function

    def __call__(self, share: float) -> None:
        self._function(share)

    def close(self) -> None:
        pass


class _Bar:
    def __init__(self, total: float, title: str, unit: str) -> None:
        import ipywidgets
        from IPython.display import display

        self._bar: Any = ipywidgets.FloatProgress(
            0.0, max=1.0, description=title, layout={"width": "24em"}
        )
        self._text: Any = ipywidgets.Label(f"{total:g} {unit}")
        self._total, self._unit = total, unit
        display(ipywidgets.HBox([self._bar, self._text]))

    def __call__(self, share: float) -> None:
        self._bar.value = share
        self._text.value = _("{done:.0f} of {total:g} {unit}").format(
            done=share * self._total, total=self._total, unit=self._unit
        )

    def close(self) -> None:
        self._bar.bar_style = "success" if self._bar.value >= 1.0 else "warning"


def in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
