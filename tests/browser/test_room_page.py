"""The notebook's own page as a participant of a room on the real LiveKit server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.peer import CAMERA, Widget, only_the_next, shown
from tests.browser.test_panel import keep

pytestmark = pytest.mark.browser

LOOKS_ON = """import json
import labkit as lab
alice = lab.participant("alice", video=lab.TestPattern(320, 240))
room = lab.room(alice, lab.participant("me", engine="browser"))
room.page()"""

FIGURES = """def figures(run):
    names, at = run.samples["name"], run.samples["peer"] == "me"
    frames = run.frames[run.frames["receiver"] == "me"]
    wire = run.packets[(run.packets["layer"] == "wire") & (run.packets["receiver"] == "me")]
    wire = wire[wire["sent_s"] > run.meta["recorded_from_s"]]
    return {
        "shown": run.summary()["frames"]["shown"],
        "latency_ms": frames["latency_ms"].quantile(0.05),
        "link_ms": round(((wire["due_s"] - wire["sent_s"]) * 1000).median(), 1),
        "rtt_ms": run.samples[at & (names == "rtt_ms")].sort_values("at_s")["value"].iloc[-1],
        "buffer": int((at & (names == "jitter_buffer_ms")).sum()),
        "subscribed": run.meta["subscribed"],
        "places": run.peers.set_index("peer")["place"].to_dict(),
        "clock_error_ms": run.peers.set_index("peer")["clock_error_s"]["me"] * 1000,
    }
clean = await room.record(3, progress=False)
room.set_link("me", downlink=lab.Link(delay_ms=50))
bent = await room.record(5, progress=False)
def told(name):
    own = clean.events[(clean.events["peer"] == "me") & (clean.events["name"] == name)]
    return [json.loads(one) for one in own["detail"]]
print(json.dumps({"clean": figures(clean), "bent": figures(bent),
    "pairs": told("nominated_pair"), "relay": told("relay_address"),
    "server": room.server.udp_port, "agent": clean.meta["browsers"]["me"]}))"""

SHOWS = """import json
import labkit as lab
pattern = lab.TestPattern(320, 240)
me = lab.participant("me", engine="browser", video=True, audio=True)
sue = lab.participant("sue", engine="livekit", video=pattern, options={"simulcast": False})
room = lab.room(me, lab.participant("alice", video=pattern), sue, "bob")
room.page("me")"""

RECEIVED = """run = await room.record(3, progress=False)
seen = run.frames[run.frames["fate"] == "shown"]
print(json.dumps({
    "shown": {f"{track} at {who}": len(own) for (track, who), own in
              seen.groupby(["track", "receiver"])},
    "sound": sorted(run.audio.loc[run.audio["decoded_s"].notna(), "receiver"].unique()),
    "broken": int((run.frames["fate"] == "unreadable").sum()),
    "settings": [json.loads(one)["kind"] for one in
                 run.events.loc[run.events["name"] == "media_settings", "detail"]],
}))"""


def pictures(widget: Widget) -> Any:
    return widget.node.locator("figure[data-side='theirs']")


def test_a_page_joins_sees_and_its_link_is_bent(
    notebook: NotebookPage, livekit_binary: Path
) -> None:
    widget = shown(notebook, FIGURES, "await room.close()", make=LOOKS_ON)
    assert widget.state.startswith("“me” is not in the room")
    assert not widget.button(CAMERA).is_visible()
    widget.press("Join")
    widget.until(lambda: widget.state == "This page is “me” in the room.", 40)
    widget.running_picture()
    assert pictures(widget).get_by_text("alice", exact=True).is_visible()
    keep(notebook, "room-page-1-looks-on")

    found = widget.printed(1, 60)
    clean, bent = found["clean"], found["bent"]
    assert clean["subscribed"]["me"] == ["alice:video"]
    assert clean["places"]["me"] == "browser"
    assert min(clean["shown"], bent["shown"]) > 20
    assert clean["buffer"] > 0
    assert clean["clock_error_ms"] > 0
    assert (clean["link_ms"], bent["link_ms"]) == (0, 50)
    assert bent["rtt_ms"] >= 49  # a busy machine makes it longer, nothing makes it shorter
    assert bent["latency_ms"] > clean["latency_ms"] + 5  # its own buffer may shrink meanwhile
    (relay,) = {one["is"] for one in found["relay"] if one["to"] == "me"}
    assert found["pairs"][-1]["remote"].startswith(f"{relay} ")
    assert str(found["server"]) not in relay
    assert "Chrom" in found["agent"]

    widget.press("Stop")
    widget.until(lambda: widget.state.startswith("“me” has left"))
    widget.press("Join")  # the room has gone on
    widget.until(lambda: widget.state == "This page is “me” in the room.", 40)
    widget.running_picture()
    notebook.run_cell(2)
    notebook.wait_for_prompt(2)
    widget.until(lambda: only_the_next(notebook.lab))
    assert pictures(widget).count() == 1


def test_a_camera_is_received_by_every_engine(notebook: NotebookPage, livekit_binary: Path) -> None:
    widget = shown(notebook, RECEIVED, make=SHOWS)
    widget.press(CAMERA)
    widget.until(lambda: widget.state.startswith("This page is"), 40)
    widget.until(lambda: pictures(widget).count() == 2)
    for name in ("alice", "sue"):
        widget.until(lambda name=name: pictures(widget).get_by_text(name).is_visible())  # type: ignore[misc]
    widget.until(lambda: widget.played("own") > 0)
    keep(notebook, "room-page-2-camera")
    found = widget.printed(1, 60)
    assert sorted(found["settings"]) == ["audio", "video"]
    for receiver in ("alice", "bob", "sue"):
        assert found["shown"][f"me:video at {receiver}"] > 10, found
        assert found["shown"].get(f"alice:video at {receiver}", 99) > 10, found
    for publisher in ("alice", "sue"):
        assert found["shown"][f"{publisher}:video at me"] > 10, found
    assert {"alice", "bob"} <= set(found["sound"])
