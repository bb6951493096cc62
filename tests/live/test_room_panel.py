"""The panel of many: one receiver's pictures at a time, everybody's links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import labkit as lab
from labkit.experiments.experiment import Experiment
from labkit.live.panel import PICTURES_A_SECOND, Panel
from tests.live.comms import Wire, fake_wire
from tests.live.test_panel import look, pictures, press, tell

SMALL = lab.TestPattern(160, 120, fps=15)


@pytest.fixture
def wire() -> Iterator[Wire]:
    with fake_wire() as fake:
        yield fake


def room(*senders: str, others: tuple[str, ...] = ("bob",)) -> Any:
    return lab.room(*(lab.participant(name, video=SMALL) for name in senders), *others)


def tell_numbers(of: Experiment[Any], at_s: float, **latencies: float | None) -> None:
    """Tell what several views are like; ``alice_bob=12.0`` is what bob sees of alice."""
    tracks = {
        f"{name.replace('_', ':video->')}": {
            "latency_ms": ms,
            "frames_per_s": 0.0 if ms is None else 15.0,
            "received_kbps": 100.0 * len(name),
        }
        for name, ms in latencies.items()
    }
    tell(of, "numbers", {"at_s": at_s, "tracks": tracks})  # type: ignore[arg-type]


def figures(panel: Panel) -> dict[str, str]:
    return {each["name"]: each["receiver"] for each in panel.view.directions if each["picture"]}


def test_a_room_shows_who_sees_whom(wire: Wire) -> None:
    panel = room("alice", "carol").show()
    assert figures(panel) == {
        "carol->alice": "alice",
        "alice->carol": "carol",
        "alice->bob": "bob",
        "carol->bob": "bob",
    }
    assert panel.view.receivers == ["alice", "carol", "bob"]
    assert panel.view.seen_by == "bob"
    assert panel.latency.title == "Latency, seen by bob"
    assert panel.view.state["text"] == "Not started. Start lets alice, carol, bob join the room."


def test_who_does_not_subscribe_sees_nobody(wire: Wire) -> None:
    deaf = lab.participant("carol", subscribe=False)
    panel = lab.room(lab.participant("alice", video=SMALL), "bob", deaf).show()
    assert panel.view.receivers == ["bob"]


def test_who_is_lost_while_others_go_on_is_said_in_words(wire: Wire) -> None:
    one = room("alice")
    panel = one.show()
    tell(one, "state", "running")
    connected = panel.view.state["text"]
    tell(one, "lost", {"who": "alice", "why": "alice has lost the connection."})
    assert panel.view.state["text"] == "alice has lost the connection."
    assert panel.view.state["can_stop"]
    tell(one, "found", {"who": "alice", "why": "alice has lost the connection."})
    assert panel.view.state["text"] == connected


def test_every_link_of_a_room_can_be_bent(wire: Wire) -> None:
    one = room("alice")
    panel = one.show()
    assert [(choice["name"], choice["title"]) for choice in panel.view.choices] == [
        (None, "all links"),
        ("alice->sfu", "alice → server"),
        ("sfu->alice", "server → alice"),
        ("bob->sfu", "bob → server"),
        ("sfu->bob", "server → bob"),
    ]
    press(panel, type="link", direction="alice->sfu", field="delay_ms", value=80)
    press(panel, type="link", direction=None, field="loss", value=2)
    assert one.spec.links["alice->sfu"] == lab.Link(delay_ms=80, loss=0.02)
    assert one.spec.links["sfu->bob"] == lab.Link(loss=0.02)
    assert panel.view.links["alice->sfu"]["delay_ms"] == 80


def test_another_receiver_has_the_last_minute_at_once(wire: Wire) -> None:
    one = room("alice", "carol")
    panel = one.show()
    look(panel)
    tell(one, "state", "running")
    for k in range(4):
        tell_numbers(one, k / 4, alice_bob=10.0 + k, carol_bob=20.0, alice_carol=30.0 + k)
    assert panel.latency.data[1]["alice"] == [10, 11, 12, 13]
    assert panel.view.numbers == {
        "alice->bob": "latency 11.5 ms · 15 frames/s",
        "carol->bob": "latency 20.0 ms · 15 frames/s",
    }
    press(panel, type="seen_by", receiver="carol")
    assert panel.view.seen_by == "carol" and panel.latency.title == "Latency, seen by carol"
    assert panel.latency.data[1]["alice"] == [30, 31, 32, 33]
    assert list(panel.view.numbers) == ["alice->carol"]
    assert panel.bitrate.data[1]["bob"][-1] == 900.0  # of everybody, whoever is looked at
    press(panel, type="seen_by", receiver="nobody")
    assert panel.view.seen_by == "carol"


def test_a_line_is_one_person_in_both_charts(wire: Wire) -> None:
    panel = room("alice", "carol").show()
    assert list(panel.latency.data[1]) == list(panel.bitrate.data[1]) == ["alice", "carol", "bob"]
    assert "bob</span>" not in panel.latency._head.value  # nobody sees bob
    assert "bob</span>" in panel.bitrate._head.value


def test_many_pictures_share_the_rate(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    one = room("alice", "carol", "dave", "erin", "frank")
    monkeypatch.setattr(one, "watch", lambda *wanted: asked.append(wanted))
    panel = one.show()
    tell(one, "state", "running")
    press(panel, type="seen_by", receiver="alice")
    assert asked == [(PICTURES_A_SECOND / 5, 4.0, "bob"), (PICTURES_A_SECOND / 4, 4.0, "alice")]


def test_a_view_without_frames_is_named(wire: Wire) -> None:
    one = room("alice", "carol")
    panel = one.show()
    look(panel)
    tell(one, "state", "running")
    for k in range(4):
        tell_numbers(one, k / 4, alice_bob=10.0, alice_carol=None)
    text = panel.view.state["text"]
    assert text == "Running, but for a second carol has got no frame of alice."


def comes(one: Any, name: str) -> None:
    one.spec = one.spec.with_participant(lab.participant(name, video=SMALL))
    tell(one, "people", {"name": name, "there": True})


def leaves(one: Any, name: str) -> None:
    one.spec = one.spec.without(name)
    tell(one, "people", {"name": name, "there": False})


def test_who_comes_later_is_shown(wire: Wire) -> None:
    one = room("alice", "carol")
    panel = one.show()
    look(panel)
    tell(one, "state", "running")
    tell_numbers(one, 0.0, alice_bob=10.0, carol_bob=10.0)
    comes(one, "dave")
    text = panel.view.state["text"]
    assert text == "Running: alice, carol, bob, dave are in the room. dave has come."
    assert figures(panel)["dave->bob"] == "bob" and figures(panel)["alice->dave"] == "dave"
    assert panel.view.receivers == ["alice", "carol", "bob", "dave"]
    assert panel.view.choices[-2:] == [
        {"name": "dave->sfu", "title": "dave → server"},
        {"name": "sfu->dave", "title": "server → dave"},
    ]
    for k in range(1, 5):
        tell_numbers(one, k / 4, alice_bob=10.0, carol_bob=10.0, dave_bob=20.0, alice_dave=5.0)
    assert panel.view.numbers["dave->bob"] == "latency 20.0 ms · 15 frames/s"
    assert panel.latency.data[1]["dave"][-1] == 20.0 and panel.latency.data[1]["alice"][0] == 10.0
    assert list(panel.latency.data[1]) == list(panel.bitrate.data[1])
    track = {"track": "dave:video->bob", "frame": 7, "jpeg": b"jpeg", "more": False}
    tell(one, "picture", track)
    ((content, _jpegs),) = pictures(panel, wire)
    assert [each["direction"] for each in content["pictures"]] == ["dave->bob"]
    press(panel, type="link", direction="dave->sfu", field="delay_ms", value=80)
    assert one.spec.links["dave->sfu"].delay_ms == panel.view.links["dave->sfu"]["delay_ms"] == 80
    press(panel, type="seen_by", receiver="dave")
    assert panel.view.seen_by == "dave" and panel.latency.data[1]["alice"][-1] == 5.0


def test_who_has_left_is_dropped_in_words(wire: Wire) -> None:
    one = room("alice", "carol")
    panel = one.show()
    look(panel)
    tell(one, "state", "running")
    for k in range(4):
        tell_numbers(one, k / 4, alice_bob=10.0, carol_bob=None)
    leaves(one, "carol")
    assert panel.view.state["text"] == "Running: alice, bob are in the room. carol has left."
    assert set(figures(panel)) == {"alice->bob"}
    assert panel.view.receivers == ["bob"]
    assert "carol->sfu" not in {choice["name"] for choice in panel.view.choices}
    assert set(panel.view.numbers) == {"alice->bob"}
    assert "carol</span>" not in panel.bitrate._head.value
    track = {"track": "carol:video->bob", "frame": 7, "jpeg": b"jpeg", "more": False}
    tell(one, "picture", track)
    assert pictures(panel, wire) == []
    press(panel, type="link", direction="carol->sfu", field="delay_ms", value=80)
    assert "no direction" in panel.view.state["text"]


def test_lines_keep_their_looks_and_who_comes_back_has_the_old_one(wire: Wire) -> None:
    one = room("alice", "carol")
    panel = one.show()
    tell(one, "state", "running")
    legends = {each["name"]: each["legend"] for each in panel.view.directions}
    leaves(one, "carol")
    comes(one, "dave")
    comes(one, "carol")
    now = {each["name"]: each["legend"] for each in panel.view.directions}
    assert now["carol->bob"] == legends["carol->bob"] and now["alice->bob"] == legends["alice->bob"]
    lines = ["alice", "carol", "bob", "dave"]
    assert list(panel.latency.data[1]) == list(panel.bitrate.data[1]) == lines


def test_the_receiver_who_is_looked_at_leaves(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    one = room("alice", "carol")
    monkeypatch.setattr(one, "watch", lambda *wanted: asked.append(wanted))
    panel = one.show()
    tell(one, "state", "running")
    tell_numbers(one, 0.0, alice_bob=10.0, carol_bob=20.0, alice_carol=30.0)
    leaves(one, "bob")
    assert panel.view.seen_by == "carol" and panel.latency.title == "Latency, seen by carol"
    assert panel.latency.data[1]["alice"] == [30.0]
    assert asked[-1] == (12.0, 4.0, "carol")


def test_the_newcomer_and_what_belongs_to_it_are_one_message(wire: Wire) -> None:
    one = room("alice")
    panel = one.show()
    tell(one, "state", "running")
    before = len(wire.updates(panel.view.comm.comm_id))
    comes(one, "dave")
    (update,) = wire.updates(panel.view.comm.comm_id)[before:]
    assert {"directions", "choices", "receivers", "links", "state"} <= set(update)


def test_visitors_are_forgotten_when_the_room_is_closed(wire: Wire) -> None:
    one = room("alice")
    panel = one.show()
    at_start = one.spec
    tell(one, "state", "running")
    comes(one, "dave")
    one.spec = at_start
    tell(one, "state", "closed")
    assert set(figures(panel)) == {"alice->bob"}
    assert panel.view.state["text"] == "Ended. Start opens the room again."


def test_a_mesh_and_a_mixer_have_a_panel_too(wire: Wire) -> None:
    mesh = lab.mesh(3).show()
    assert len(figures(mesh)) == 6 and mesh.view.seen_by == "bob"
    mixer = lab.mcu(3).show()
    assert figures(mixer)["mcu->bob"] == "bob"
    assert "mcu" in mixer.view.receivers and "mcu → bob" in [c["title"] for c in mixer.view.choices]


def test_closing_leaves_no_widget_and_no_listener(wire: Wire) -> None:
    from ipywidgets.widgets.widget import _instances

    one, before = room("alice"), set(_instances)
    listeners = list(one._listeners)
    panel = one.show()
    assert one.show() is panel
    panel.close()
    assert set(_instances) == before and one._listeners == listeners
    assert one.show() is not panel
