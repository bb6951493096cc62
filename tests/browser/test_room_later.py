"""Who comes into a room while a panel or a page shows it, and who leaves; in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.panel import Panel
from tests.browser.peer import TEST, Widget, shown
from tests.browser.test_panel import keep, open_panel
from tests.browser.test_room_page import pictures
from tests.browser.test_room_panel import choose, moves

pytestmark = pytest.mark.browser

ROOM = """import json
import labkit as lab
pattern = lab.TestPattern(320, 240, fps=30)
room = lab.room(lab.participant("alice", video=pattern), "bob")
room.show()"""

CAROL = """await room.join(lab.participant("carol", video=pattern))
print("carol is in")"""

CAROL_LEAVES = """await room.leave("carol")
print("carol is out")"""

PAGE = """import json
import labkit as lab
pattern = lab.TestPattern(320, 240)
me = lab.participant("me", engine="browser", video=True)
room = lab.room(lab.participant("alice", video=pattern), me)
room.page("me")"""

RECORDED = """run = await room.record(5, progress=False)
shown = run.frames[run.frames["fate"] == "shown"]
pairs = run.events[(run.events["peer"] == "me") & (run.events["name"] == "nominated_pair")]
print(json.dumps({
    "shown": {f"{track} at {who}": len(own) for (track, who), own in
              shown.groupby(["track", "receiver"])},
    "subscribed": run.meta["subscribed"]["me"],
    "latency_ms": run.summary("carol", "me")["latency_ms"]["p50"],
    "pairs": [json.loads(one) for one in pairs["detail"]],
    "rtt": int(((run.samples["peer"] == "me") & (run.samples["name"] == "rtt_ms")).sum()),
    "server": room.server.udp_port,
}))"""


def plays(widget: Widget, who: str) -> None:
    """Wait until somebody's picture has gone on for a while."""
    figure = pictures(widget).filter(has_text=who)

    def frame() -> int:
        return int(figure.get_attribute("data-frame") or -1)

    widget.until(lambda: figure.count() == 1 and frame() > 0, 40)
    before = frame()
    widget.until(lambda: frame() > before)


def options(panel: Panel, name: str) -> list[str]:
    return list(panel.node.get_by_role("combobox", name=name).locator("option").all_inner_texts())


def test_the_panel_shows_who_comes_and_drops_who_leaves(
    notebook: NotebookPage, livekit_binary: Path
) -> None:
    panel = open_panel(notebook, CAROL, CAROL_LEAVES, "await room.close()", make=ROOM)
    panel.press("Start")
    panel.until(lambda: panel.state == "Running: alice, bob are in the room.", 40)
    moves(panel, "alice->bob")
    choose(panel, "Bend", "server → bob")
    panel.move("Delay", "ArrowRight", 3)
    notebook.run_cell(1)
    come = "Running: alice, bob, carol are in the room. carol has come."
    panel.until(lambda: panel.state == come, 40)
    moves(panel, "carol->bob")
    moves(panel, "alice->bob")
    panel.until(lambda: panel.latency_ms("carol->bob") > 10)
    assert options(panel, "Seen by") == ["alice", "bob", "carol"]
    assert options(panel, "Bend")[-2:] == ["carol → server", "server → carol"]
    chosen = panel.node.get_by_role("combobox", name="Bend")
    assert chosen.evaluate("select => select.selectedOptions[0].text") == "server → bob"
    assert len(set(panel.dashes())) == 3
    keep(notebook, "room-3-carol-has-come")

    choose(panel, "Bend", "carol → server")
    panel.move("Delay", "End")
    panel.until(lambda: panel.latency_ms("carol->bob") > 500)
    choose(panel, "Seen by", "carol")
    moves(panel, "alice->carol")

    notebook.run_cell(2)
    left = "Running: alice, bob are in the room. carol has left."
    panel.until(lambda: panel.state == left, 40)
    assert panel.picture("carol->bob").count() == panel.picture("alice->carol").count() == 0
    assert options(panel, "Bend")[-1] == "server → bob"
    assert "seen by bob" in panel.node.inner_text()
    moves(panel, "alice->bob")
    keep(notebook, "room-4-carol-has-left")
    notebook.run_cell(3)
    panel.until(lambda: panel.state == "Ended. Start opens the room again.")


def test_a_page_shows_who_comes_later_and_drops_who_leaves(
    notebook: NotebookPage, livekit_binary: Path
) -> None:
    leave = CAROL_LEAVES + '\nawait room.leave("alice")'
    back = 'await room.join(lab.participant("alice", video=pattern))'
    widget = shown(notebook, CAROL, RECORDED, leave, back, "await room.close()", make=PAGE)
    widget.press(TEST)
    widget.until(lambda: widget.state == "This page is “me” in the room.", 40)
    plays(widget, "alice")
    notebook.run_cell(1)
    plays(widget, "carol")
    plays(widget, "alice")  # hers goes on
    assert pictures(widget).count() == 2
    keep(notebook, "room-page-3-carol-has-come")

    found = widget.printed(2, 60)
    assert found["subscribed"] == ["alice:video", "carol:video"]
    for who in ("alice:video at me", "carol:video at me", "me:video at carol", "me:video at alice"):
        assert found["shown"].get(who, 0) > 2, found  # a busy machine shows few
    assert 0 < found["latency_ms"] < 2000
    remote = [one["remote"] for one in found["pairs"]]
    assert len(set(remote)) == 2  # each connection has links of its own
    assert not any(f":{found['server']} " in one for one in remote)
    assert 1 <= found["rtt"] <= 7  # of the first connection alone, once a second

    notebook.run_cell(3)
    widget.until(lambda: pictures(widget).get_by_text("What the room sends").is_visible())
    assert pictures(widget).count() == 1
    keep(notebook, "room-page-4-all-have-left")
    notebook.run_cell(4)
    plays(widget, "alice")
    notebook.run_cell(5)
    widget.until(lambda: widget.state.startswith("“me” has left"))
