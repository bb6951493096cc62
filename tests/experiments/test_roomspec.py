"""What a room can be made of; nothing is started here."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import labkit as lab
from labkit.errors import BadValue, CallError
from labkit.experiments.roomspec import RoomAccess
from labkit.run.join import join_tables
from labkit.run.schema import row
from tests.experiments.helpers import SMALL


def sue(**options: Any) -> Any:
    return lab.participant("sue", engine="livekit", options=options)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (lambda: lab.room(), "needs a participant"),
        (lambda: lab.room("bob", "bob"), "Two participants"),
        (lambda: lab.room("sfu"), "server's own name"),
        (lambda: lab.room("alice->bob"), "no name"),
        (lambda: lab.room("alice", place="moon"), "place"),
        (lambda: lab.room("alice", seed="x"), "seed"),
        (lambda: lab.room("alice", max_participants=0), "no limit"),
        (lambda: lab.participant("alice", engine="twilio"), "engine"),
        (lambda: lab.participant("alice", uplink=50), "not a Link"),
        (lambda: lab.participant("alice", video=5), "video"),
        (lambda: lab.participant("alice", options={"simulcast": False}), "for the SDK"),
        (lambda: lab.participant("alice", codec="vp7"), "codec='vp7' is not known"),
        (lambda: lab.participant("alice", codec="av1"), "vp8, h264"),
        (lambda: lab.participant("sue", engine="livekit", codec="vp7"), "av1, h265"),
        (lambda: sue(simulcast="no"), "simulcast='no' cannot be used.*True or False"),
        (lambda: sue(bitrate=100), "no option 'bitrate'"),
        (lambda: sue(encryption_key=5), "a text"),
        (lambda: lab.participant("alice", grants={"can_fly": True}), "no right 'can_fly'"),
        (lambda: lab.participant("alice", grants={"can_publish": "no"}), "cannot be 'no'"),
        (lambda: lab.room("alice", server="ws://127.0.0.1:7880"), "is not a LiveKit server"),
        (
            lambda: lab.room(lab.participant("alice", engine="livekit"), place="kernel"),
            "needs place",
        ),
    ],
)
def test_what_is_refused(wrong: Any, says: str) -> None:
    with pytest.raises(BadValue, match=says):
        wrong()


def test_the_first_who_is_just_a_name_publishes() -> None:
    assert [one.sends for one in lab.room("a", "b").spec.participants] == [("video",), ()]
    quiet = lab.participant("a")
    assert [one.sends for one in lab.room(quiet, "b", "c").spec.participants] == [
        (),
        ("video",),
        (),
    ]
    loud = lab.participant("z", audio=lab.Tone())
    assert [one.sends for one in lab.room("a", loud).spec.participants] == [(), ("audio",)]


def test_links_have_the_names_of_their_ways() -> None:
    room = lab.room(lab.participant("a", downlink=lab.Link(delay_ms=7)), "b")
    assert room.spec.directions == ("a->sfu", "sfu->a", "b->sfu", "sfu->b")
    room.set_link(delay_ms=1)
    assert {link.delay_ms for link in room.spec.links.values()} == {1}
    room.set_link("b", delay_ms=2)
    room.set_link("sfu->a", delay_ms=3)
    room.set_link("a", uplink=lab.Link(delay_ms=4))
    delays = {name: link.delay_ms for name, link in room.spec.links.items()}
    assert delays == {"a->sfu": 4, "sfu->a": 3, "b->sfu": 2, "sfu->b": 2}
    with pytest.raises(BadValue, match="no direction"):
        room.set_link("c", delay_ms=1)
    with pytest.raises(BadValue, match="not both"):
        room.set_link("a", uplink=lab.Link(), delay_ms=1)
    with pytest.raises(BadValue, match="not a Link"):
        room.set_link("a", downlink=5)
    assert {n: link.delay_ms for n, link in room.spec.links.items()} == delays


def test_who_is_measured() -> None:
    both = [lab.participant(name, video=SMALL) for name in ("a", "b")]
    assert lab.room(*both).spec.measured == ("a", "b")
    assert lab.room("c", *both, "d").spec.measured == ("a", "c")
    assert lab.room(both[0]).spec.measured == ("a", "sfu")


def test_a_spec_travels_and_shows_no_token() -> None:
    access = RoomAccess(url="ws://127.0.0.1:7880", tokens={"a": "t0ken"}, watcher="w4tcher")
    spec = lab.room("a", "b", name="r").spec.with_access(access)
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec and again.access.http_url == "http://127.0.0.1:7880"
    assert "t0ken" not in repr(spec) and "w4tcher" not in repr(spec)
    assert spec.asked()["participants"]["a"]["video"].startswith("test pattern")


def test_a_room_that_has_no_server_yet() -> None:
    room = lab.room("alice", "bob")
    assert "alice, bob" in repr(room) and room.name in repr(room)
    with pytest.raises(lab.CallError, match="room is not running"):
        assert room.server


def test_a_server_is_nobody_who_misses_a_frame() -> None:
    tables = {
        "peers": [
            row("peers", peer="a", engine="labkit"),
            row("peers", peer="sfu", engine="livekit-server"),
            row("peers", peer="b", engine="labkit"),
        ],
        "frames": [row("frames", track="a:video", frame=1, captured_s=1.0)],
    }
    frames = join_tables(tables)["frames"]
    assert [(line[2], line[-1]) for line in frames] == [("b", "lost")]


def test_a_key_for_encryption_is_not_written_down() -> None:
    alice = lab.participant("alice", engine="livekit", options={"encryption_key": "open sesame"})
    assert "sesame" not in str(alice.describe())


def test_who_is_not_there_is_named() -> None:
    spec = lab.room("alice", "bob").spec
    assert spec.participant("bob").name == "bob"
    with pytest.raises(CallError, match="carol is not in the room"):
        spec.participant("carol")
