"""Close a widget with all that it is made of: ipywidgets' own ``close`` leaves the parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ipywidgets import Widget

__all__ = ["close_with_parts"]


def close_with_parts(widget: Widget) -> None:
    """Close a widget, its layout, its style, its children, marks, axes and scales."""
    found: dict[int, Widget] = {}
    _collect(widget, found)
    for part in found.values():
        Widget.close(part)


def _collect(widget: Widget, found: dict[int, Widget]) -> None:
    if id(widget) in found:
        return
    found[id(widget)] = widget
    for name in widget.keys:
        for part in _widgets_in(getattr(widget, name)):
            _collect(part, found)


def _widgets_in(value: Any) -> Iterator[Widget]:
    if isinstance(value, Widget):
        yield value
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _widgets_in(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from _widgets_in(each)
