"""The panel of a room on a real LiveKit server, and of a mesh."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.panel import Panel
from tests.browser.peer import only_the_next
from tests.browser.test_panel import FOCUSED, FONT_SIZES, keep, open_panel

pytestmark = pytest.mark.browser

BOB_SEES, ALICE_SEES = "alice->bob", "bob->alice"

ROOM = """import labkit as lab
pattern = lab.TestPattern(320, 240, fps=30)
alice = lab.participant("alice", video=pattern)
bob = lab.participant("bob", engine="livekit", video=pattern, options={"simulcast": False})
room = lab.room(alice, bob)
room.show()"""

MESH = """import labkit as lab
mesh = lab.mesh(6, video=lab.TestPattern(160, 120, fps=5))
mesh.show()"""


def choose(panel: Panel, name: str, option: str) -> None:
    panel.node.get_by_role("combobox", name=name).select_option(option)


def points_of_bob(panel: Panel) -> int:
    """How many points the second line of the first chart is drawn of."""
    path = panel.node.locator(".bqplot path.line").nth(1).get_attribute("d") or ""
    return len(re.findall(r"[ML]", path))


def moves(panel: Panel, view: str) -> None:
    """Wait until a picture has changed."""
    panel.until(lambda: panel.frame(view) > 0)
    before, frame = panel.pixels(view), panel.frame(view)
    panel.until(lambda: panel.frame(view) > frame + 10)
    assert panel.pixels(view) != before


def test_a_room_from_start_to_stop(notebook: NotebookPage, livekit_binary: Path) -> None:
    panel = open_panel(notebook, make=ROOM)
    assert panel.state == "Not started. Start lets alice, bob join the room."
    panel.press("Start")
    panel.until(lambda: panel.state == "Running: alice, bob are in the room.", 40)
    moves(panel, BOB_SEES)
    assert not panel.picture(ALICE_SEES).is_visible()
    points = panel.points()
    panel.until(lambda: panel.points() > points + 4)
    panel.until(lambda: 0 < panel.latency_ms(BOB_SEES) < 490)
    keep(notebook, "room-1-seen-by-bob")

    choose(panel, "Bend", "alice → server")
    panel.move("Delay", "End")
    panel.until(lambda: panel.latency_ms(BOB_SEES) > 500)
    choose(panel, "Bend", "server → bob")
    panel.until(lambda: panel.slider("Delay").get_attribute("aria-valuetext") == "0 ms")
    choose(panel, "Bend", "all links")
    panel.press("Clean link")
    panel.until(lambda: 0 < panel.latency_ms(BOB_SEES) < 490)

    choose(panel, "Seen by", "alice")
    moves(panel, ALICE_SEES)
    assert not panel.picture(BOB_SEES).is_visible()
    panel.until(lambda: 0 < panel.latency_ms(ALICE_SEES) < 490)
    assert "seen by alice" in panel.node.inner_text()
    keep(notebook, "room-2-seen-by-alice")
    assert points_of_bob(panel) > points  # the last minute is still there

    panel.press("Stop")
    panel.until(lambda: panel.state == "Ended. Start opens the room again.")
    panel.until(lambda: only_the_next(notebook.lab))


def test_every_control_of_a_room_is_reached_by_keyboard(notebook: NotebookPage) -> None:
    panel = open_panel(notebook, make=ROOM)
    panel.button("Start").focus()
    seen = []
    for _step in range(9):
        seen.append(panel.page.evaluate(FOCUSED).split("alice")[0].split("all links")[0])
        panel.page.keyboard.press("Tab")
    assert seen == [
        "Start", "Stop", "Seen by", "Bend", "Clean link",
        "delay_ms", "jitter_ms", "loss", "rate_kbps",
    ]  # fmt: skip
    panel.node.get_by_role("combobox", name="Seen by").focus()
    panel.page.keyboard.press("ArrowUp")
    panel.until(lambda: "seen by alice" in panel.node.inner_text())
    assert min(panel.node.evaluate(FONT_SIZES)) >= 16


def test_a_mesh_of_six_is_seen_by_one_at_a_time(notebook: NotebookPage) -> None:
    panel = open_panel(notebook, make=MESH)
    panel.press("Start")
    panel.until(lambda: panel.state.startswith("Running"), 40)
    views = [f"{sender}->bob" for sender in ("alice", "carol", "dave", "erin", "frank")]
    panel.until(lambda: all(panel.frame(view) > 0 for view in views), 40)
    panel.until(lambda: panel.latency_ms("frank->bob") > 0)
    assert len(set(panel.dashes()[:6])) == 6
    keep(notebook, "mesh-1-seen-by-bob")
    panel.press("Stop")
    panel.until(lambda: panel.state.startswith("Ended"))
