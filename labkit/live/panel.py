"""The live panel: pictures, two charts, the links' sliders, Start and Stop."""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

import ipywidgets

from labkit.errors import LabError
from labkit.live.chart import LiveChart
from labkit.live.closing import close_with_parts
from labkit.live.outline import CallOutline, Outline, in_words
from labkit.live.series import style_of
from labkit.live.sliders import link_values, slider_specs
from labkit.live.view import CallView
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.calls import Call
    from labkit.experiments.experiment import Experiment

__all__ = ["CallPanel", "NUMBERS_HZ", "PICTURES_A_SECOND", "PICTURES_HZ", "Panel"]

PICTURES_HZ = 12.0
PICTURES_A_SECOND = 24.0
"""Of all that are seen together: the more there are, the slower each."""

NUMBERS_HZ = 4.0
SMOOTHED = 4
"""The numbers in words are over this many updates (1 s); the charts show each."""

KEPT = 300
"""Updates that are kept of what nobody looks at, as many as a chart shows."""

SIGNS = {"new": "○", "starting": "◔", "running": "●", "closed": "■", "broken": "✕"}

_Numbers = dict[str, dict[str, Any]]


class Panel(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A view of one experiment; it may be shown before that starts and after it ends.

    It follows the experiment however that is started, and never carries its media. What is told
    comes on the lab's loop; what a person does comes in any thread of the kernel.

    Args:
        experiment: Its links bend and it starts and stops as a person asks.
        outline: What is shown of it.
    """

    def __init__(self, experiment: Experiment[Any], outline: Outline) -> None:
        self._experiment, self._outline = experiment, outline
        self._lock = threading.RLock()
        self._recent: dict[str, deque[dict[str, Any]]] = defaultdict(lambda: deque(maxlen=SMOOTHED))
        self._history: deque[tuple[float, _Numbers]] = deque(maxlen=KEPT)
        self._note = self._news = ""
        self._seen_by = outline.seen_by
        title = outline.latency_title(self._seen_by)
        self.latency = LiveChart(title, "ms", series=outline.latency_lines)
        self.bitrate = LiveChart(_("Received"), "kbit/s", series=outline.received_lines, top=500)
        self.view = CallView(
            self._directions(),
            slider_specs(),
            self._do,
            choices=self._choices(),
            receivers=outline.receivers,
            words=outline.words(),
            on_near=experiment.prepare_soon,
            layout={"flex": "1 1 560px"},
        )
        charts = ipywidgets.VBox(
            [self.latency.widget, self.bitrate.widget],
            layout={"flex": "1 1 480px", "min_width": "0", "max_width": "900px"},
        )
        row = ipywidgets.HBox([self.view, charts])
        row.add_class("lab-panel")
        super().__init__([row])
        self._entitle()
        self._show_state()
        self._show_links()
        self._end_listening = experiment.listen(self._hear)
        self._watch()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._experiment!r}>"

    def close(self) -> None:
        """Stop watching and take the panel out of the notebook; the experiment goes on."""
        self._end_listening()
        self._experiment.watch(0, 0)
        self._experiment.unprepare_soon()
        self._experiment.forget_panel(self)  # the next show() makes a new one
        close_with_parts(self)

    def see_as(self, receiver: str) -> None:
        """Show what another receiver gets; the chart of latencies has its last minute too."""
        with self._lock:
            if receiver not in self._outline.receivers:
                return
            self._see_as(receiver)
        self._watch()

    def _see_as(self, receiver: str) -> None:
        self._seen_by = receiver
        self._entitle()
        self.latency.clear()
        for at_s, now in self._history:
            self.latency.append(at_s, self._latencies(now), draw=False)
        if self._history:
            self.latency.draw()
        self._show_numbers()

    def _hear(self, name: str, payload: Any) -> None:
        with self._lock:
            if name == "picture":
                self.view.show_picture(
                    self._outline.view_of(payload["track"]),
                    payload["frame"],
                    payload["jpeg"],
                    more=payload["more"],
                )
            elif name == "numbers":
                self._take_numbers(payload["at_s"], payload["tracks"])
            elif name == "state":
                self._take_state(payload)
            elif name in ("lost", "found"):
                self._show_state()

    def _follow(self, outline: Outline) -> None:
        """Show other people; what is seen of those who stay goes on."""
        self._outline = outline
        for gone in self._recent.keys() - {view.name for view in outline.all_views}:
            del self._recent[gone]
        self.latency.begin(outline.latency_lines)
        self.bitrate.begin(outline.received_lines)
        with self.view.hold_sync():  # in one message: they are about each other
            self._show_links()
            self.view.directions, self.view.choices = self._directions(), self._choices()
            self.view.receivers = outline.receivers
            stays = self._seen_by in outline.receivers
            self._see_as(self._seen_by if stays else outline.seen_by)
            self._show_state()
        self._watch()

    def _take_state(self, state: str) -> None:
        self._note = self._news = ""
        if state == "starting":
            self._recent.clear()
            self._history.clear()
            self.latency.clear()
            self.bitrate.clear()
        self._show_state()
        self._show_links()
        self._watch()

    def _watch(self) -> None:
        if self._experiment.state == "running":
            filmed = [view for view in self._outline.shown(self._seen_by) if view.video]
            pictures_hz = min(PICTURES_HZ, PICTURES_A_SECOND / max(1, len(filmed)))
            self._experiment.watch(pictures_hz, NUMBERS_HZ, self._seen_by or None)

    def _take_numbers(self, at_s: float, tracks: _Numbers) -> None:
        now = self._by_view(tracks)
        drawn = self.view.watched
        self._history.append((at_s, now))
        received = {v.received_line: now[v.name].get("received_kbps") for v in self._views(now)}
        self.latency.append(at_s, self._latencies(now), draw=drawn)
        self.bitrate.append(at_s, received, draw=drawn)
        for name, numbers in now.items():
            self._recent[name].append(numbers)
        if drawn:
            self._show_numbers()
            self._show_state()
            self._show_links()

    def _by_view(self, tracks: _Numbers) -> _Numbers:
        now: _Numbers = {self._outline.view_of(name): {} for name in tracks}
        for name, numbers in tracks.items():
            of_view = now[self._outline.view_of(name)]
            of_view["received_kbps"] = numbers["received_kbps"]
            if ":video" in name:
                of_view.update(numbers)
        return now

    def _views(self, now: _Numbers) -> list[Any]:
        return [view for view in self._outline.all_views if view.name in now]

    def _latencies(self, now: _Numbers) -> dict[str, float | None]:
        shown = self._outline.shown(self._seen_by)
        return {v.latency_line: now[v.name].get("latency_ms") for v in shown if v.name in now}

    def _entitle(self) -> None:
        outline = self._outline
        used = {view.latency_line for view in outline.shown(self._seen_by)}
        self.latency.entitle(outline.latency_title(self._seen_by), used)
        self.bitrate.entitle(self.bitrate.title, {v.received_line for v in outline.all_views})
        self.view.seen_by = self._seen_by

    def _show_numbers(self) -> None:
        shown = self._outline.shown(self._seen_by)
        says_received = self._outline.says_received
        self.view.numbers = {
            view.name: in_words(self._recent[view.name], says_received)
            for view in shown
            if view.name in self._recent
        }

    def _show_state(self) -> None:
        state = self._experiment.state
        self.view.state = {
            "state": state,
            "sign": SIGNS.get(state, "○"),
            "text": self._note or self._state_text(state),
            "can_start": state in ("new", "closed", "broken"),
            "can_stop": state in ("starting", "running"),
        }

    def _state_text(self, state: str) -> str:
        if state == "broken" and self._experiment.failure is not None:
            return str(self._experiment.failure)
        if state == "running" and self._experiment.losses:
            return " ".join(self._experiment.losses.values())
        silent = [v for v in self._outline.all_views if v.video and self._is_silent(v.name)]
        if state == "running" and silent:
            return self._outline.silent(silent[0])
        told = (self._outline.texts()[state], self._news, self._experiment.beside())
        return " ".join(part for part in told if part)

    def _is_silent(self, view: str) -> bool:
        numbers = self._recent.get(view, ())
        return len(numbers) == SMOOTHED and all(not n.get("frames_per_s") for n in numbers)

    def _show_links(self) -> None:
        links = self._experiment.spec.links
        now_s = self._history[-1][0] if self._history else 0.0
        now = {name: link_values(link.at(now_s)) for name, link in links.items()}
        self.view.links = {**self.view.links, **now}  # who has left may still be chosen there

    def _do(self, request: dict[str, Any]) -> None:
        try:
            if request["type"] == "start":
                self._experiment.start_soon()
            elif request["type"] == "stop":
                self._experiment.close_soon()
            elif request["type"] == "seen_by":
                self.see_as(request["receiver"])
            else:
                self._bend(request["direction"], request["field"], request["value"])
        except LabError as error:
            with self._lock:
                self._note = str(error)
                self._show_state()

    def _bend(self, direction: str | None, field: str, value: Any) -> None:
        value = value / 100 if field == "loss" else value
        self._experiment.set_link(direction, **{field: value})
        with self._lock:
            self._note = ""
            self._show_state()
            self._show_links()

    def _choices(self) -> list[dict[str, Any]]:
        return [{"name": name, "title": title} for name, title in self._outline.choices]

    def _directions(self) -> list[dict[str, Any]]:
        lines = self._outline.latency_lines
        return [
            {
                "name": view.name,
                "receiver": view.receiver,
                "legend": style_of(lines.index(view.latency_line)).legend(view.title)
                if view.latency_line in lines
                else "",
                "alt": view.alt,
                "picture": view.video,
            }
            for view in self._outline.all_views
        ]


class CallPanel(Panel):
    """A view of one call: both directions at once.

    Args:
        call: The call.

    Notebook: notebooks/00-start.ipynb
    """

    def __init__(self, call: Call) -> None:
        super().__init__(call, CallOutline(call.spec))
