"""How far a recording is: a bar in a notebook, a function elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from labkit.words import _

__all__ = ["Shower", "progress_shower"]


class Shower(Protocol):
    """Shows the share that is done (0…1) until it is closed."""

    def __call__(self, share: float) -> None:
        """Show how much is done."""
        ...

    def close(self) -> None:
        """Show no more."""
        ...


def progress_shower(progress: bool | Callable[[float], None], seconds: float) -> Shower:
    """Return what shows a recording's progress.

    Args:
        progress: True for a bar where there is a notebook, False for none, or a function.
        seconds: Length of the recording.
    """
    if callable(progress):
        return _Function(progress)
    if progress and _in_notebook():
        return _Bar(seconds)
    return _Function(lambda share: None)


class _Function:
    def __init__(self, function: Callable[[float], None]) -> None:
        self._function = function

    def __call__(self, share: float) -> None:
        self._function(share)

    def close(self) -> None:
        pass


class _Bar:
    def __init__(self, seconds: float) -> None:
        import ipywidgets
        from IPython.display import display

        self._bar: Any = ipywidgets.FloatProgress(
            0.0, max=1.0, description=_("Recording"), layout={"width": "24em"}
        )
        self._text: Any = ipywidgets.Label(_("{seconds:g} s").format(seconds=seconds))
        self._seconds = seconds
        display(ipywidgets.HBox([self._bar, self._text]))

    def __call__(self, share: float) -> None:
        self._bar.value = share
        self._text.value = _("{passed:.0f} of {seconds:g} s").format(
            passed=share * self._seconds, seconds=self._seconds
        )

    def close(self) -> None:
        self._bar.bar_style = "success" if self._bar.value >= 1.0 else "warning"


def _in_notebook() -> bool:
    try:
        from IPython import get_ipython
    except ImportError:
        return False
    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")
