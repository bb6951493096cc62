"""The browser as a peer: the widget whose page holds an ``RTCPeerConnection``.

The page's side is ``labkit/peers/page.js`` (its connections and what they measure) and
``browser.js`` (what a person sees, made of ``parts.js``); ``pictures.js`` is for a page that no
media path reaches. What the page says comes as custom messages, in any thread of the kernel.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from labkit.live.view import answer_beside_cells
from labkit.words import _

__all__ = ["BrowserView"]

_HERE = Path(__file__).parent
_PARTS = ("media/stamp.mjs", "peers/pagemedia.js", "peers/pageconnection.js", "peers/page.js",
          "live/pictures.js", "live/parts.js", "live/browser.js")  # fmt: skip

SIGNS = {"new": "○", "starting": "◔", "running": "●", "closed": "■", "broken": "✕"}


class BrowserView(anywidget.AnyWidget):
    """Shows buttons, both pictures and the state, and carries messages; knows nothing of calls.

    Args:
        wanted: What the page should open: audio and video (constraints, True or None), back
            (kinds that come from the lab) and codec.
        on_message: Takes what a page says, with ``type`` and ``page``.
        words: What is called otherwise than in a call.
        states: A sentence for each state, where it is not a call's.
    """

    _esm = "\n".join((_HERE.parent / part).read_text(encoding="utf-8") for part in _PARTS)
    _css = "\n".join(
        (_HERE / part).read_text(encoding="utf-8") for part in ("view.css", "browser.css")
    )

    words = traitlets.Dict().tag(sync=True)
    wanted = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        wanted: dict[str, Any],
        on_message: Callable[[dict[str, Any]], None],
        *,
        words: dict[str, str] | None = None,
        states: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(words=_words() | (words or {}), wanted=wanted, **kwargs)
        self._on_message = on_message
        self._states = _state_texts() | (states or {})
        self.on_msg(self._take)
        answer_beside_cells(self)

    def ask(self, page: str, media: str, question: dict[str, Any]) -> None:
        """Pass a question of the call to one page.

        Args:
            page: The page.
            media: ``camera`` or ``test picture``, for a page that has not been told by a click.
            question: What ``RemoteSide`` asks.
        """
        self.send({"type": "describe", "page": page, "media": media, **question})

    def end(self, page: str) -> None:
        """Let a page close its connection and stop its camera."""
        self.send({"type": "end", "page": page})

    def show_pictures(self, page: str, port: int, path: str) -> None:
        """Let a page show the pictures of a ``PictureServer``, in place of a connection."""
        self.send({"type": "view", "page": page, "port": port, "path": path})

    def show_state(
        self, state: str, failure: str | None, page: str, *, view_only: bool = False
    ) -> None:
        """Show the state of the call, in words.

        Args:
            state: One of new, starting, running, closed, broken.
            failure: Why it broke.
            page: The page that is in the call.
            view_only: Whether the page gets pictures over a WebSocket, and is no peer.
        """
        texts = _view_only_texts() if view_only else self._states
        self.state = {
            "state": state,
            "sign": SIGNS[state],
            "text": failure if state == "broken" and failure else texts[state],
            "can_start": state in ("new", "closed", "broken"),
            "page": page,
        }

    def _take(self, _widget: Any, content: dict[str, Any], _buffers: Any) -> None:
        if content["type"] == "ping":  # answered here: every step more makes the clock worse
            at_s = time.perf_counter()
            self.send({"type": "pong", "page": content["page"], "sent_ms": content["sent_ms"],
                       "at_s": at_s})  # fmt: skip
            return
        self._on_message(content)
        if "id" in content:
            self.send({"type": "heard", "page": content["page"], "id": content["id"]})


def _state_texts() -> dict[str, str]:
    return {
        "new": _("Not started. Nothing is opened before you press a button."),
        "starting": _("Starting: if the browser asks for the camera, allow it."),
        "running": _("Running: this page and the lab are connected."),
        "closed": _("Ended. The camera is off. A button starts a new call."),
        "broken": _("The call broke. A button starts a new one."),
    }


def _view_only_texts() -> dict[str, str]:
    return _state_texts() | {
        "starting": _("No media reaches this browser: trying to show pictures alone."),
        "running": _(
            "View only, not measured: no media reaches this browser, so it is no peer. The lab "
            "sends single pictures over a WebSocket; nothing is taken from the camera."
        ),
        "closed": _("Ended. A button starts a new call."),
    }


def _words() -> dict[str, str]:
    return {
        "call": _("This browser as a peer"),
        "camera": _("Use camera and microphone"),
        "test": _("Use a test picture"),
        "connect": _("Start"),
        "stop": _("Stop"),
        "own": _("What this page sends"),
        "theirs": _("What the lab sends"),
        "no_picture": _("No picture"),
        "frame": _("frame"),
        "no_number": _("no number"),
        "per_second": _("frames/s"),
        "firefox": _(
            "In Firefox this is usual: it does not send media to 127.0.0.1, where the lab listens. "
            "For a call of this page, open the notebook in Chromium, Chrome or Edge."
        ),
        "busy": _("The notebook is busy with a cell; this happens as soon as it can."),
        "lost": _("The notebook’s kernel does not answer. The camera is off."),
    }
