"""The call panel: both pictures, two charts, the link's sliders, Start and Stop."""

from __future__ import annotations

import statistics
import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

import ipywidgets

from labkit.errors import LabError
from labkit.live.chart import LiveChart
from labkit.live.closing import close_with_parts
from labkit.live.series import style_of
from labkit.live.sliders import link_values, slider_specs
from labkit.live.view import CallView
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.calls import Call

__all__ = ["CallPanel", "NUMBERS_HZ", "PICTURES_HZ"]

PICTURES_HZ = 12.0
NUMBERS_HZ = 4.0
SMOOTHED = 4
"""The numbers in words are over this many updates (1 s); the charts show each."""

SIGNS = {"new": "○", "starting": "◔", "running": "●", "closed": "■", "broken": "✕"}


class CallPanel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A view of one call; it may be shown before the call starts and after it ends.

    It follows the call however that is started, and never carries its media. What the call
    tells comes on the lab's loop; what a person does comes in any thread of the kernel.

    Args:
        call: The call; its links bend and it starts and stops as a person asks.

    Notebook: notebooks/00-start.ipynb
    """

    def __init__(self, call: Call) -> None:
        self._call = call
        self._lock = threading.RLock()
        self._recent: dict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=SMOOTHED))
        self._note = ""
        self._titles = {name: _title(name) for name in call.spec.directions}
        titles = [self._titles[name] for name in self._used_directions()]
        self.latency = LiveChart(_("Latency"), "ms", series=titles)
        self.bitrate = LiveChart(_("Received"), "kbit/s", series=titles, top=500)
        self.view = CallView(
            self._directions(),
            slider_specs(),
            self._do,
            on_near=call.prepare_soon,
            layout={"flex": "1 1 560px"},
        )
        charts = ipywidgets.VBox(
            [self.latency.widget, self.bitrate.widget],
            layout={"flex": "1 1 480px", "min_width": "0", "max_width": "900px"},
        )
        row = ipywidgets.HBox([self.view, charts])
        row.add_class("lab-panel")
        super().__init__([row])
        self._show_state()
        self._show_links()
        self._end_listening = call.listen(self._hear)
        self._watch()

    def __repr__(self) -> str:
        return f"<CallPanel of {self._call!r}>"

    def close(self) -> None:
        """Stop watching and take the panel out of the notebook; the call goes on."""
        self._end_listening()
        self._call.watch(0, 0)
        self._call.unprepare_soon()
        if self._call._panel is self:
            self._call._panel = None  # the next call.show() makes a new one
        close_with_parts(self)

    def _hear(self, name: str, payload: Any) -> None:
        with self._lock:
            if name == "picture":
                self.view.show_picture(
                    self._direction_of(payload["track"]),
                    payload["frame"],
                    payload["jpeg"],
                    more=payload["more"],
                )
            elif name == "numbers":
                self._take_numbers(payload["at_s"], payload["tracks"])
            elif name == "state":
                self._take_state(payload)

    def _take_state(self, state: str) -> None:
        self._note = ""
        if state == "starting":
            self._recent.clear()
            self.latency.clear()
            self.bitrate.clear()
        self._show_state()
        self._show_links()
        self._watch()

    def _watch(self) -> None:
        if self._call.state == "running":
            self._call.watch(PICTURES_HZ, NUMBERS_HZ)

    def _take_numbers(self, at_s: float, tracks: dict[str, dict[str, Any]]) -> None:
        now: dict[str, dict[str, Any]] = {self._direction_of(name): {} for name in tracks}
        for name, numbers in tracks.items():
            of_direction = now[self._direction_of(name)]
            of_direction["received_kbps"] = numbers["received_kbps"]
            if name.endswith(":video"):
                of_direction.update(numbers)
        drawn = self.view.watched
        for chart, key in ((self.latency, "latency_ms"), (self.bitrate, "received_kbps")):
            values = {self._titles[name]: numbers.get(key) for name, numbers in now.items()}
            chart.append(at_s, values, draw=drawn)
        for name, numbers in now.items():
            self._recent[name].append(numbers)
        if drawn:
            self.view.numbers = {name: _in_words(self._recent[name]) for name in now}
            self._show_state()
            self._show_links()

    def _show_state(self) -> None:
        state = self._call.state
        self.view.state = {
            "state": state,
            "sign": SIGNS.get(state, "○"),
            "text": self._note or self._state_text(state),
            "can_start": state in ("new", "closed", "broken"),
            "can_stop": state in ("starting", "running"),
        }

    def _state_text(self, state: str) -> str:
        first, second = self._call.spec.names
        if state == "broken" and self._call.failure is not None:
            return str(self._call.failure)
        if state == "running" and self._is_silent():
            return _("Running, but for a second no frame has arrived.")
        return {
            "new": _("Not started. Start opens a call between {first} and {second} here."),
            "starting": _("Starting: {first} and {second} are connecting."),
            "running": _("Running: {first} and {second} are connected."),
            "closed": _("Ended. Start opens a new call."),
            "broken": _("The call broke. Start opens a new one."),
        }[state].format(first=first, second=second)

    def _is_silent(self) -> bool:
        filmed = [numbers for name, numbers in self._recent.items() if self._has_video(name)]
        full = [numbers for numbers in filmed if len(numbers) == SMOOTHED]
        return any(all(not n.get("frames_per_s") for n in numbers) for numbers in full)

    def _show_links(self) -> None:
        spec = self._call.spec
        links = (spec.forward, spec.back)
        pairs = zip(spec.directions, links, strict=True)
        self.view.links = {name: link_values(link) for name, link in pairs}

    def _do(self, request: dict[str, Any]) -> None:
        try:
            if request["type"] == "start":
                self._call.start_soon()
            elif request["type"] == "stop":
                self._call.close_soon()
            else:
                self._bend(request["direction"], request["field"], request["value"])
        except LabError as error:
            with self._lock:
                self._note = str(error)
                self._show_state()

    def _bend(self, direction: str | None, field: str, value: Any) -> None:
        value = value / 100 if field == "loss" else value
        self._call.set_link(direction, **{field: value})
        with self._lock:
            self._note = ""
            self._show_state()
            self._show_links()

    def _directions(self) -> list[dict[str, Any]]:
        used = self._used_directions()
        return [
            {
                "name": name,
                "title": self._titles[name],
                "legend": style_of(used.index(name)).legend(self._titles[name])
                if name in used
                else "",
                "alt": _("What {receiver} sees of {sender}").format(**_ends(name)),
                "picture": self._has_video(name),
            }
            for name in self._call.spec.directions
        ]

    def _used_directions(self) -> list[str]:
        """The directions along which something is sent."""
        spec = self._call.spec
        sends = (spec.video or spec.audio, spec.back_video or spec.back_audio)
        return [name for name, sent in zip(spec.directions, sends, strict=True) if sent]

    def _has_video(self, direction: str) -> bool:
        spec = self._call.spec
        videos = dict(zip(spec.directions, (spec.video, spec.back_video), strict=True))
        return videos[direction] is not None

    def _direction_of(self, track: str) -> str:
        sender = track.split(":")[0]
        forward, back = self._call.spec.directions
        return forward if sender == self._call.spec.names[0] else back


def _ends(direction: str) -> dict[str, str]:
    sender, receiver = direction.split("->")
    return {"sender": sender, "receiver": receiver}


def _title(direction: str) -> str:
    return "{sender} → {receiver}".format(**_ends(direction))


def _in_words(recent: deque[dict[str, Any]]) -> str:
    latencies = [n["latency_ms"] for n in recent if n.get("latency_ms") is not None]
    parts = [_("latency {ms:.1f} ms").format(ms=statistics.median(latencies))] if latencies else []
    rates = [n["frames_per_s"] for n in recent if n.get("frames_per_s") is not None]
    if rates:
        parts.append(_("{rate:.0f} frames/s").format(rate=statistics.fmean(rates)))
    received = [n["received_kbps"] for n in recent if n.get("received_kbps") is not None]
    if received:
        parts.append(_("{rate:.0f} kbit/s").format(rate=statistics.fmean(received)))
    return " · ".join(parts)
