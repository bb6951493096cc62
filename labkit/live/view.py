"""The part of the panel that the lab draws itself: state, buttons, pictures, link sliders.

The browser's side is ``view.js``, made of ``parts.js``. What the page shows are traits that only
the kernel sets; what a person does comes back as custom messages, because trait sync from the
browser wedges while a cell runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labkit.live.pacer import Pacer
from labkit.words import _

__all__ = ["CallView"]

_HERE = Path(__file__).parent

Handler = Callable[[dict[str, Any]], None]


class CallView(anywidget.AnyWidget):
    """Shows what it is told and passes on what a person does; knows nothing of calls.

    Args:
        directions: One dict a view: name, receiver, legend (HTML), alt, picture (bool).
        sliders: One dict a slider: field, label, unit, values, clean.
        on_request: Takes what a person asks for: ``{"type": "start"}``, ``{"type": "stop"}``
            ``{"type": "seen_by", "receiver"}`` or
            ``{"type": "link", "direction", "field", "value"}``; called in any thread.
        choices: What the sliders may bend, one dict each: name (None: all links), title.
        receivers: Whose views can be chosen; with none, all views are shown.
        words: What is called otherwise than in a call.
        on_near: Called when somebody may press Start soon: the view has appeared, the pointer or
            the keyboard has come to it, or Stop was pressed; in any thread.
    """

    _esm = "\n".join((_HERE / part).read_text(encoding="utf-8") for part in ("parts.js", "view.js"))
    _css = (_HERE / "view.css").read_text(encoding="utf-8")

    words = traitlets.Dict().tag(sync=True)
    directions: Any = traitlets.List().tag(sync=True)
    sliders: Any = traitlets.List().tag(sync=True)
    choices: Any = traitlets.List().tag(sync=True)
    receivers: Any = traitlets.List().tag(sync=True)
    seen_by = traitlets.Unicode().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    links = traitlets.Dict().tag(sync=True)
    numbers = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        directions: list[dict[str, Any]],
        sliders: list[dict[str, Any]],
        on_request: Handler,
        *,
        choices: list[dict[str, Any]],
        receivers: list[str],
        words: dict[str, str],
        on_near: Callable[[], None] = lambda: None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            words={**_words(), **words},
            directions=directions,
            sliders=sliders,
            choices=choices,
            receivers=receivers,
            **kwargs,
        )
        self._on_request, self._on_near = on_request, on_near
        self._pacer = Pacer()
        self._drawn = 0
        self._held: dict[str, tuple[dict[str, Any], bytes]] = {}
        self.on_msg(self._take)
        answer_beside_cells(self)

    @property
    def watched(self) -> bool:
        """Whether a page has been heard lately; without one nothing needs to be drawn."""
        return self._pacer.present(time.monotonic())

    @property
    def pictures_drawn(self) -> int:
        """How many pictures the page says it has drawn, of all directions."""
        return self._drawn

    def show_picture(
        self, direction: str, frame: int | None, jpeg: bytes, *, more: bool = False
    ) -> None:
        """Show a picture, or drop it when the browser has enough to do.

        Args:
            direction: Name of the direction that it came along.
            frame: Its number, None where the stamp could not be read.
            jpeg: The picture.
            more: Wait for another direction's picture and send both in one message: messages
                are what costs.
        """
        text = _("frame {number}").format(number=frame) if frame is not None else _("no number")
        picture = {"direction": direction, "frame": frame, "frame_text": text}
        if any(each["name"] == direction for each in self.directions):
            self._held[direction] = picture, jpeg  # who came later has no place here
        if more:
            return
        held, self._held = self._held.values(), {}
        now = time.monotonic()
        if held and self._pacer.may_send(now):
            pictures = [each for each, _jpeg in held]
            content = {"type": "pictures", "pictures": pictures, "number": self._pacer.send(now)}
            self.send(content, [each for _picture, each in held])

    def _take(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        now = time.monotonic()
        if content["type"] == "ack":
            self._pacer.acknowledge(content["number"], now)
            self._drawn = content["drawn"]
        elif content["type"] == "here":
            self._pacer.here(now)
            self.send({"type": "here"})
        elif content["type"] == "near":
            self._on_near()
        else:
            self._on_request(content)
            self.send({"type": "heard", "id": content["id"]})


def answer_beside_cells(widget: Any) -> None:
    """Let the widget's messages be handled while a cell computes.

    JupyterLab sends them to a thread of the kernel of their own (a subshell). ipykernel sends
    them back to the cells' thread when a thread of ours has spoken last; its hook for that is
    given the page's own choice here. Where the hook is missing, a click waits for the cell.
    """
    if hasattr(widget.comm, "_reply_subshell_for"):
        widget.comm._reply_subshell_for = lambda data, default: default


def _words() -> dict[str, str]:
    return {
        "call": _("Live call"),
        "start": _("Start"),
        "stop": _("Stop"),
        "link": _("The link between the peers"),
        "direction": _("Bend the link"),
        "seen_by": _("Seen by"),
        "clean": _("Clean link"),
        "unlimited": _("unlimited"),
        "no_picture": _("No picture yet"),
        "no_new_picture": _("no new picture"),
        "kernel_gone": _(
            "The notebook’s kernel does not answer. If it was restarted, run the cells again."
        ),
        "busy": _("The notebook is busy with a cell; this happens as soon as it can."),
    }
