from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.experiments.calls import Call
from labkit.experiments.loop import lab_loop
from labkit.experiments.spare import spare
from labkit.live.panel import CallPanel
from tests.live.comms import Wire, fake_wire
from tests.timing import SECOND

SMALL = {
    "video": lab.TestPattern(160, 120, fps=15),
    "back_video": lab.TestPattern(160, 120, fps=15),
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    with fake_wire() as fake:
        yield fake


def press(panel: CallPanel, **request: Any) -> None:
    """What the page sends when a person does something."""
    panel.view._take(panel.view, {"id": "1", **request}, [])


def look(panel: CallPanel) -> None:
    press(panel, type="here")


def tell(call: Call, name: str, payload: Any) -> None:
    """What the call tells its listeners, from a thread as the lab's loop is one."""
    if name == "state":
        call.state = payload
    thread = threading.Thread(target=call._tell_listeners, args=(name, payload))
    thread.start()
    thread.join()


def tell_numbers(call: Call, at_s: float, latency_ms: float | None, rate: float = 30.0) -> None:
    numbers = {"latency_ms": latency_ms, "frames_per_s": rate, "received_kbps": 500.0}
    tell(call, "numbers", {"at_s": at_s, "tracks": {"alice:video": numbers, "bob:video": numbers}})


def pictures(panel: CallPanel, wire: Wire) -> list[tuple[dict[str, Any], list[Any]]]:
    sent = wire.custom(panel.view.comm.comm_id)
    return [(content, buffers) for content, buffers in sent if content["type"] == "pictures"]


def tell_picture(call: Call, frame: int | None = 7) -> None:
    tell(call, "picture", {"track": "bob:video", "frame": frame, "jpeg": b"jpeg", "more": False})


def until(what: Callable[[], bool], within_s: float = 20.0) -> None:
    end = time.monotonic() + within_s * SECOND
    while not what():
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.02)


def test_a_panel_before_the_start_says_what_will_happen(wire: Wire) -> None:
    panel = lab.call(**SMALL).show()
    assert panel.view.state["text"].startswith("Not started. Start opens a call")
    assert panel.view.state["can_start"] and not panel.view.state["can_stop"]
    assert not lab_loop.running


def test_a_picture_goes_to_its_direction_with_its_number(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    look(panel)
    tell_picture(call)
    tell_picture(call, None)
    (first, buffers), (second, _) = pictures(panel, wire)
    assert first["pictures"] == [{"direction": "bob->alice", "frame": 7, "frame_text": "frame 7"}]
    assert bytes(buffers[0]) == b"jpeg"
    assert second["pictures"][0]["frame_text"] == "no number"


def test_pictures_of_one_moment_are_one_message(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    look(panel)
    there = {"track": "alice:video", "frame": 1, "jpeg": b"there", "more": True}
    tell(call, "picture", there)
    assert pictures(panel, wire) == []
    tell(call, "picture", {"track": "bob:video", "frame": 2, "jpeg": b"back", "more": False})
    ((content, buffers),) = pictures(panel, wire)
    assert [each["direction"] for each in content["pictures"]] == ["alice->bob", "bob->alice"]
    assert [bytes(buffer) for buffer in buffers] == [b"there", b"back"]
    press(panel, type="ack", number=content["number"], drawn=2)
    assert panel.view.pictures_drawn == 2


def test_pictures_are_dropped_for_a_slow_page_and_never_queued(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    tell_picture(call)
    assert pictures(panel, wire) == []  # nobody looks
    look(panel)
    for _picture in range(100):
        tell_picture(call)
    before = len(pictures(panel, wire))
    assert before <= 13
    press(panel, type="ack", number=before, drawn=before)
    tell_picture(call)
    assert len(pictures(panel, wire)) == before + 1


def test_numbers_come_in_words_and_in_the_charts(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    look(panel)
    tell(call, "state", "running")
    for k in range(4):
        tell_numbers(call, k / 4, 12.0 + k)
    assert panel.view.numbers["alice->bob"] == "latency 13.5 ms · 30 frames/s · 500 kbit/s"
    times, values = panel.latency.data
    assert times == [0, 0.25, 0.5, 0.75] and values["bob → alice"] == [12, 13, 14, 15]
    assert panel.bitrate.data[1]["alice → bob"] == [500.0] * 4


def test_no_frames_is_said_in_words_and_is_no_latency(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    look(panel)
    tell(call, "state", "running")
    for k in range(4):
        tell_numbers(call, k / 4, None, rate=0.0)
    assert panel.view.state["text"] == "Running, but for a second no frame has arrived."
    assert "latency" not in panel.view.numbers["alice->bob"]
    assert all(value != value for value in panel.latency.data[1]["alice → bob"])


def test_while_nobody_looks_nothing_is_drawn_and_no_number_is_lost(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    tell(call, "state", "running")
    before = len(wire.sent)
    for k in range(4):
        tell_numbers(call, k / 4, 12.0)
    assert len(wire.sent) == before
    assert len(panel.latency.data[0]) == 4


def test_sliders_bend_the_link_of_a_direction(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    press(panel, type="link", direction=None, field="delay_ms", value=80)
    press(panel, type="link", direction="alice->bob", field="loss", value=2)
    press(panel, type="link", direction="bob->alice", field="rate_kbps", value=700)
    assert call.spec.forward == lab.Link(delay_ms=80, loss=0.02)
    assert call.spec.back == lab.Link(delay_ms=80, rate_kbps=700)
    assert panel.view.links["alice->bob"]["loss"] == 2
    press(panel, type="link", direction=None, field="rate_kbps", value=None)
    assert call.spec.back.rate_kbps is None


def test_a_wrong_value_is_one_sentence_and_changes_nothing(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    press(panel, type="link", direction=None, field="loss", value=150)
    assert "loss=1.5 is not possible." in panel.view.state["text"]
    assert call.spec.forward == lab.Link()
    press(panel, type="link", direction=None, field="loss", value=5)
    assert "Not started" in panel.view.state["text"]


def test_sliders_follow_a_link_that_a_cell_has_bent(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    look(panel)
    call.set_link(delay_ms=77)
    tell(call, "state", "running")
    assert panel.view.links["bob->alice"]["delay_ms"] == 77


def test_one_way_and_sound_alone_show_what_there_is(wire: Wire) -> None:
    one_way = lab.call(video=lab.TestPattern()).show()
    assert [d["picture"] for d in one_way.view.directions] == [True, False]
    assert list(one_way.latency.data[1]) == ["alice → bob"]
    sound = lab.call(audio=lab.Tone()).show()
    assert not any(direction["picture"] for direction in sound.view.directions)


def test_closing_leaves_no_widget_and_no_listener(wire: Wire) -> None:
    from ipywidgets.widgets.widget import _instances

    call = lab.call(**SMALL)
    before = set(_instances)
    panel = call.show()
    assert call.show() is panel
    panel.close()
    assert set(_instances) == before
    assert call._listeners == []
    assert call.show() is not panel


def test_start_and_stop(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = call.show()
    look(panel)
    for _round in range(2):
        press(panel, type="start")
        press(panel, type="start")  # the second click is refused in words
        assert "running already" in panel.view.state["text"]
        until(lambda: call.state == "running")
        look(panel)  # a page says so every few seconds
        before = len(pictures(panel, wire))
        until(lambda before=before: len(pictures(panel, wire)) > before + 2)
        press(panel, type="stop")
        until(lambda: call.state == "closed")
        until(lambda: not lab_loop.running)
    assert panel.view.state["text"].startswith("Ended")
    panel.close()


def test_stop_while_it_starts(wire: Wire) -> None:
    others = set(threading.enumerate())
    call = lab.call(**SMALL)
    panel = call.show()
    press(panel, type="start")
    press(panel, type="stop")
    until(lambda: call.state == "closed" and not lab_loop.running)
    left = set(threading.enumerate()) - others
    assert [thread.name for thread in left if "labkit" in thread.name] == []


class Unmakeable:
    """A jitter buffer that cannot be made."""

    def add(self, packet: Any) -> tuple[bool, Any]:
        """Take a packet."""
        return False, None


def test_what_goes_wrong_is_said_in_the_panel(wire: Wire) -> None:
    call = lab.call(**SMALL, link=lab.Link(), jitter_buffer=Unmakeable)
    panel = call.show()
    press(panel, type="start")
    until(lambda: call.state == "broken" and not lab_loop.running)
    assert "Unmakeable" in panel.view.state["text"]
    assert panel.view.state["can_start"]
    with pytest.raises(CallError, match="Unmakeable"):
        asyncio.run(call.counts())


def test_who_comes_near_gets_a_worker_that_is_ready(wire: Wire) -> None:
    call = lab.call(**SMALL)
    panel = CallPanel(call)
    look(panel)
    assert not spare.wanted_by(call)
    press(panel, type="near")
    assert spare.wanted_by(call)
    panel.close()
    deadline = time.monotonic() + 5 * SECOND
    while lab_loop.running and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lab_loop.running and not spare.ready
