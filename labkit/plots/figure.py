"""A figure that a notebook shows once, and that says in words what it shows.

No pyplot: its list of open figures belongs to one thread, and must be emptied by hand.
"""

from __future__ import annotations

import base64
import html
import io
import os
from typing import Any
from weakref import WeakKeyDictionary

from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from labkit.plots.notebook import show_after_cell, shown

__all__ = ["Drawn", "LabFigure", "alt_text", "describe_axes", "figure_of"]

SIZE_INCHES = (9.6, 5.4)
DPI = 200
"""1920 × 1080 pixels: a projector's whole screen."""

_CSS_DPI = 100
_texts: WeakKeyDictionary[Axes, str] = WeakKeyDictionary()


class LabFigure(Figure):
    """A matplotlib figure with an alt text, in a notebook and in a PNG file's ``Description``."""

    def __init__(self, size_inches: tuple[float, float] = SIZE_INCHES, dpi: float = DPI) -> None:
        super().__init__(figsize=size_inches, dpi=dpi, layout="constrained")
        show_after_cell(self)

    def savefig(self, fname: Any, **kwargs: Any) -> None:
        """Save as matplotlib does; a PNG file gets the alt text as its ``Description``."""
        if _file_format(fname, kwargs) == "png":
            metadata = kwargs.get("metadata") or {}
            kwargs["metadata"] = {"Description": alt_text(self), **metadata}
        super().savefig(fname, **kwargs)

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        shown(self)
        return picture(self)


class Drawn(tuple[Figure, Any]):
    """What a plot function returns: ``(fig, ax)``, which a notebook shows as the picture."""

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None
    ) -> tuple[dict[str, str], dict[str, Any]]:
        figure = self[0]
        if figure.canvas.manager is not None:  # pyplot shows its own figures
            return {"text/plain": alt_text(figure)}, {}
        shown(figure)
        return picture(figure)


def picture(figure: Figure) -> tuple[dict[str, str], dict[str, Any]]:
    """Return a figure as a notebook's output: data and metadata by MIME type.

    HTML too, because JupyterLab leaves the alt text of a plain image out.
    """
    file = io.BytesIO()
    figure.savefig(file, format="png")
    png = base64.b64encode(file.getvalue()).decode()
    text = alt_text(figure)
    width = round(figure.get_size_inches()[0] * _CSS_DPI)
    image = (
        f'<img alt="{html.escape(text)}" width="{width}" style="max-width: 100%; height: auto"'
        f' src="data:image/png;base64,{png}">'
    )
    data = {"text/plain": text, "image/png": png, "text/html": image}
    return data, {"image/png": {"alt": text, "width": width}}


def figure_of(ax: Axes) -> Figure:
    """Return the figure that the axes are in, also where there are figures within it."""
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("these axes were removed from their figure")
    return figure


def describe_axes(ax: Axes, text: str) -> None:
    """Keep a sentence about what the axes show, with its measured numbers."""
    before = _texts.get(ax)
    _texts[ax] = f"{before} {text}" if before else text


def alt_text(figure: Figure) -> str:
    """Return a figure in words, with its measured numbers: for those who cannot see it.

    Args:
        figure: A figure that functions of ``labkit.plots`` have drawn into.
    """
    every = [part for part in figure.findobj(Axes) if isinstance(part, Axes)]  # insets too
    return " ".join(_texts[ax] for ax in every if ax in _texts)


def _file_format(fname: Any, kwargs: dict[str, Any]) -> str:
    told = kwargs.get("format")
    if told is None and isinstance(fname, str | os.PathLike):
        told = os.path.splitext(fname)[1][1:]  # noqa: PTH122 (any path that matplotlib takes)
    return str(told or rcParams["savefig.format"]).lower()
