"""The page as a peer, in a real JupyterLab and a real Chromium with a fake camera."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.bench.jupyter import JupyterLab, NotebookPage
from tests.browser.panel import helpers
from tests.browser.peer import (
    CAMERA,
    FAKE_CAMERA,
    NOBODY_ASKED,
    TEST,
    end_kernels,
    only_the_next,
    shown,
    without,
)
from tests.browser.test_panel import FONT_SIZES, keep
from tests.timing import SECOND

pytestmark = pytest.mark.browser

RECORD = """run = await cam.record(3, progress=False)
ways = [run.summary("browser", "lab"), run.summary("lab", "browser")]
error_ms = float(run.peers.set_index("peer").loc["browser", "clock_error_s"]) * 1000
screen = run.frames[run.frames["receiver"] == "browser"]
camera = run.frames[run.frames["track"] == "browser:video"]
print(json.dumps({
    "frames": [way["frames"] for way in ways],
    "latency_ms": [way["latency_ms"]["p50"] for way in ways],
    "screen_ms": float((screen["shown_s"] - screen["captured_s"]).median() * 1000),
    "error_ms": error_ms,
    "camera": [len(camera), int((camera["fate"] == "shown").sum()),
               int(camera["captured_s"].notna().sum())],
    "audio": len(run.audio),
    "samples": sorted(set(run.samples[run.samples["peer"] == "browser"]["name"])),
    "events": sorted(set(run.events["name"])),
    "strangers": sum(way["strangers"] for way in (await cam.counts()).values()),
}))"""

COUNT = """run = await cam.record(4, progress=False)
begin, end = run.meta["recorded_from_s"], run.meta["recorded_to_s"]
frames = run.frames[(run.frames["receiver"] == "browser") & run.frames["fate"].notna()]
frames = frames[frames["captured_s"].between(begin, end)].sort_values("captured_s")
told = run.samples[run.samples["track"] == "lab:video"]
told = told[told["at_s"].between(begin, end)].set_index("at_s")
def growth(name):
    values = told.loc[told["name"] == name, "value"].sort_index()
    return float(values.iloc[-1] - values.iloc[0]) / float(values.index[-1] - values.index[0])
read = frames["decoded_s"].notna()
print(json.dumps({
    "frames": run.summary("lab", "browser")["frames"],
    "read": int(read.sum()),
    "rates": {name: growth(name) for name in
              ("frames_presented", "frames_read", "inbound-rtp.framesDecoded")},
    "untimed": int((frames["fate"].eq("shown") & ~read).sum()),
    "seconds": end - begin,
}))"""

KEEP_BUSY = """() => { setInterval(() => {
  const end = performance.now() + 80;
  while (performance.now() < end);
}, 100); }"""

BUSY = "end = time.monotonic() + 20\nwhile time.monotonic() < end: pass"


def test_the_test_picture_goes_to_the_lab_and_its_picture_comes_back(
    notebook: NotebookPage,
) -> None:
    widget = shown(notebook, RECORD)
    assert widget.state == "Not started. Nothing is opened before you press a button."
    assert widget.button("Stop").get_attribute("aria-disabled") == "true"
    keep(notebook, "peer-1-new")
    widget.press(TEST)
    widget.running()
    assert widget.played("own") > 0
    found = widget.printed(1)
    for frames in found["frames"]:
        assert frames["shown"] > 10
    for latency_ms in (*found["latency_ms"], found["screen_ms"]):
        assert 0 < latency_ms + found["error_ms"] < 1000 * SECOND
    assert 0 < found["error_ms"] < 200 * SECOND
    assert "inbound-rtp.jitterBufferDelay" in found["samples"]
    assert {"media_settings", "first_frame", "ice_connected"} <= set(found["events"])
    assert found["audio"] > 50  # the tone
    keep(notebook, "peer-2-test-picture")

    widget.press("Stop")
    widget.until(lambda: widget.state.startswith("Ended"))
    widget.until(lambda: only_the_next(notebook.lab))
    assert widget.video("own").evaluate("video => video.srcObject === null")
    keep(notebook, "peer-3-ended")
    widget.press(TEST)
    widget.running()


def test_the_camera_is_counted_without_a_latency(notebook: NotebookPage) -> None:
    widget = shown(notebook, RECORD)
    widget.press(CAMERA)
    widget.running()
    found = widget.printed(1)
    rows, seen, captured = found["camera"]
    assert rows >= seen > 10
    assert captured == 0
    assert found["audio"] > 50
    assert found["frames"][1]["shown"] > 10
    keep(notebook, "peer-4-camera")


def test_a_busy_page_loses_no_frame_that_it_presents(notebook: NotebookPage) -> None:
    widget = shown(notebook, COUNT)
    widget.press(TEST)
    widget.running()
    widget.page.evaluate(KEEP_BUSY)
    found = widget.printed(1)
    rates, frames = found["rates"], found["frames"]
    assert rates["frames_read"] < 0.8 * rates["frames_presented"]
    assert found["untimed"] > 0
    assert frames["sent"] == frames["shown"] + frames["unreadable"] + frames["lost"]
    seen = frames["shown"] + frames["unreadable"]
    assert seen > found["read"]
    # What nobody knows: up to the first frame that was read, and since the last batch.
    presented = rates["frames_presented"] * found["seconds"]
    assert seen == pytest.approx(presented, rel=0.1, abs=12)


def test_a_click_while_a_cell_computes(notebook: NotebookPage) -> None:
    widget = shown(notebook, BUSY)
    notebook.run_cell(1)
    widget.page.wait_for_timeout(500)
    widget.press(TEST)
    widget.running()
    frame = widget.frame()
    widget.until(lambda: widget.frame() > frame + 20)
    widget.press("Stop")
    widget.until(lambda: widget.state.startswith("Ended"))
    prompt = widget.page.locator(".jp-CodeCell").nth(1).locator(".jp-InputPrompt").inner_text()
    assert prompt == "[*]:"


def test_after_a_reload_a_button_works_again(notebook: NotebookPage) -> None:
    widget = shown(notebook)
    widget.press(TEST)
    widget.running()
    widget.page.keyboard.press("Escape")
    widget.page.keyboard.press("Control+s")
    widget.page.wait_for_timeout(1000 * SECOND)
    widget.page.reload()
    widget.button(TEST).wait_for()
    widget.until(lambda: not widget.state.startswith("Running"))
    assert "has left the call" in widget.state or widget.state.startswith("Ended")
    widget.press(TEST)
    widget.running()


def test_a_cell_starts_and_closes_it(notebook: NotebookPage) -> None:
    widget = shown(notebook, "await cam.start()", "await cam.close()")
    notebook.run_cell(1)
    widget.running()
    notebook.run_cell(2)
    widget.until(lambda: widget.state.startswith("Ended"))
    widget.until(lambda: widget.video("own").evaluate("video => video.srcObject === null"))


def test_a_widget_that_is_taken_away_ends_its_call(notebook: NotebookPage) -> None:
    widget = shown(notebook, "print(json.dumps({'state': cam.state}))")
    widget.press(TEST)
    widget.running()
    notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(0).locator(".cm-content").click()
    widget.page.keyboard.press("Control+a")
    widget.page.keyboard.type("cam.state")
    widget.page.keyboard.press("Control+Enter")
    widget.until(lambda: helpers(notebook.lab) == [])
    assert widget.printed(1)["state"] == "closed"


def test_a_denied_permission_is_told_in_words(lab: JupyterLab, browser: Any) -> None:
    bare = without(browser, NOBODY_ASKED)
    context = bare.new_context(viewport={"width": 1600, "height": 1000})
    context.grant_permissions(["clipboard-read"])  # all others are denied by that
    notebook = NotebookPage(lab, context.new_page(), second_s=SECOND)
    try:
        widget = shown(notebook)
        widget.press(CAMERA)
        widget.until(lambda: "does not let this page use the camera" in widget.state)
        assert "Use a test picture" in widget.state
        keep(notebook, "peer-5-denied")
        widget.press(TEST)
        widget.running()
    finally:
        bare.close()
        end_kernels(lab)


def test_no_camera_at_all(lab: JupyterLab, browser: Any) -> None:
    bare = without(browser, FAKE_CAMERA)
    notebook = NotebookPage(lab, bare.new_page(), second_s=SECOND)
    try:
        widget = shown(notebook)
        widget.press(CAMERA)
        widget.until(lambda: "no camera or microphone" in widget.state)
        keep(notebook, "peer-6-no-camera")
        widget.press(TEST)
        widget.running()
    finally:
        bare.close()
        end_kernels(lab)


def test_keyboard_and_no_small_text(notebook: NotebookPage) -> None:
    widget = shown(notebook)
    widget.button(CAMERA).focus()
    seen = []
    for _step in range(3):
        seen.append(widget.page.evaluate("() => document.activeElement.textContent"))
        widget.page.keyboard.press("Tab")
    assert seen == [CAMERA, TEST, "Stop"]
    sizes = widget.node.evaluate(FONT_SIZES)
    assert len(sizes) > 5
    assert min(sizes) >= 16
