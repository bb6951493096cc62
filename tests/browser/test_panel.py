from __future__ import annotations

import os
from pathlib import Path

import pytest

from labkit.bench.jupyter import NotebookPage, write_notebook
from tests.browser.panel import Panel, helpers, kernel_of
from tests.browser.peer import only_the_next
from tests.timing import SECOND

pytestmark = pytest.mark.browser

THERE, BACK = "alice->bob", "bob->alice"

MAKE = """import labkit as lab
pattern = lab.TestPattern(320, 240, fps=30)
call = lab.call(video=pattern, back_video=pattern)
call.show()"""


FOCUSED = """() => {
    const node = document.activeElement;
    return node.dataset.field ?? node.closest("label")?.textContent ?? node.textContent;
}"""

FONT_SIZES = """panel => [...panel.querySelectorAll("*:not(style)")]
    .filter(node => [...node.childNodes].some(
        child => child.nodeType === Node.TEXT_NODE && child.textContent.trim()))
    .map(node => parseFloat(getComputedStyle(node).fontSize))"""

START_AND_STOP = """async () => {
    const panel = document.querySelector(".lab-panel");
    const stop = panel.querySelector(".lab-stop");
    panel.querySelector(".lab-start").click();
    while (stop.getAttribute("aria-disabled") === "true") await new Promise(requestAnimationFrame);
    stop.click();
}"""


def keep(notebook: NotebookPage, name: str) -> None:
    """Keep a screenshot where a person asked for one."""
    if folder := os.environ.get("LAB_SCREENSHOTS"):
        notebook.page.screenshot(path=Path(folder, f"{name}.png"))


def open_panel(notebook: NotebookPage, *later_cells: str, make: str = MAKE) -> Panel:
    write_notebook(notebook.lab.folder / "panel.ipynb", [make, *later_cells])
    notebook.open("panel.ipynb")
    notebook.run_cell(0)
    panel = Panel(notebook)
    panel.button("Start").wait_for()
    return panel


def started(panel: Panel) -> Panel:
    panel.press("Start")
    panel.until(lambda: panel.frame(THERE) > 0)
    return panel


def test_a_call_from_start_to_stop(notebook: NotebookPage) -> None:
    panel = open_panel(notebook)
    assert panel.state == "Not started. Start opens a call between alice and bob here."
    assert panel.button("Stop").get_attribute("aria-disabled") == "true"
    keep(notebook, "1-new")

    panel.press("Start")
    panel.until(lambda: panel.state == "Running: alice and bob are connected.")
    for direction in (THERE, BACK):
        panel.until(lambda direction=direction: panel.frame(direction) > 0)
        before, frame = panel.pixels(direction), panel.frame(direction)
        panel.until(lambda direction=direction, frame=frame: panel.frame(direction) > frame + 10)
        assert panel.pixels(direction) != before
    points = panel.points()
    panel.until(lambda: panel.points() > points + 4)
    panel.until(lambda: panel.number(THERE, r"(\d+) frames/s") > 10)
    assert panel.number(BACK, r"(\d+) kbit/s") > 0
    assert panel.dashes() == ["none", "9px, 5px"] * 2
    keep(notebook, "2-running")

    panel.press("Stop")
    panel.until(lambda: panel.state == "Ended. Start opens a new call.")
    panel.until(lambda: only_the_next(notebook.lab))
    keep(notebook, "3-ended")

    panel.press("Start")
    panel.until(lambda: panel.state.startswith("Running"))
    panel.until(lambda: panel.points() < points + 4)
    panel.press("Stop")
    panel.until(lambda: panel.state.startswith("Ended"))


def test_sliders_bend_the_link_while_the_call_runs(notebook: NotebookPage) -> None:
    panel = started(open_panel(notebook, "print(call.spec.forward, call.spec.back)"))
    panel.until(lambda: 0 < panel.latency_ms(THERE) < 290)
    panel.move("Delay", "End")
    panel.until(lambda: panel.slider("Delay").get_attribute("aria-valuetext") == "500 ms")
    panel.until(lambda: panel.latency_ms(THERE) > 500 and panel.latency_ms(BACK) > 500)
    panel.move("Delay", "ArrowLeft", 2)
    panel.until(lambda: 300 < panel.latency_ms(THERE) < 490)

    panel.node.get_by_label("alice → bob").check()
    panel.move("Delay", "Home")
    panel.until(lambda: panel.latency_ms(THERE) < 290 and panel.latency_ms(BACK) > 300)
    panel.move("Loss", "ArrowRight", 4)
    panel.move("Rate", "ArrowLeft", 3)
    panel.page.wait_for_timeout(500 * SECOND)
    notebook.run_cell(1)
    notebook.wait_for_prompt(1)
    assert notebook.text_of(1).strip() == "Link(loss=0.03, rate_kbps=3000) Link(delay_ms=300)"
    keep(notebook, "4-bent")

    panel.node.get_by_label("both ways").check()
    panel.press("Clean link")
    panel.until(lambda: 0 < panel.latency_ms(BACK) < 290)
    assert panel.slider("Rate").get_attribute("aria-valuetext") == "unlimited"


def test_pictures_sliders_and_stop_while_a_cell_computes(notebook: NotebookPage) -> None:
    busy = "import time\nend = time.monotonic() + 30\nwhile time.monotonic() < end: pass"
    panel = started(open_panel(notebook, busy))
    notebook.run_cell(1)
    panel.page.wait_for_timeout(500)
    frame = panel.frame(THERE)
    panel.until(lambda: panel.frame(THERE) > frame + 20)
    panel.move("Delay", "End")
    panel.until(lambda: panel.latency_ms(THERE) > 500)
    panel.press("Stop")
    panel.until(lambda: panel.state.startswith("Ended"))
    assert (
        panel.page.locator(".jp-CodeCell").nth(1).locator(".jp-InputPrompt").inner_text() == "[*]:"
    )


def test_the_panel_follows_a_call_that_cells_start_bend_and_close(notebook: NotebookPage) -> None:
    panel = open_panel(
        notebook,
        "await call.start()",
        "call.set_link(delay_ms=77)",
        "await call.close()",
        "call.show().latency.figure()",
    )
    notebook.run_cell(1)
    panel.until(lambda: panel.frame(THERE) > 0)
    assert panel.button("Start").get_attribute("aria-disabled") == "true"
    notebook.run_cell(2)
    panel.until(lambda: panel.slider("Delay").get_attribute("aria-valuetext") == "77 ms")
    notebook.run_cell(3)
    panel.until(lambda: panel.state.startswith("Ended"))
    notebook.run_cell(4)
    notebook.wait_for_prompt(4)
    picture = panel.page.locator(".jp-CodeCell").nth(4).locator(".jp-OutputArea-output img")
    assert "alice → bob" in str(picture.get_attribute("alt"))
    keep(notebook, "5-figure")


def test_stop_while_it_starts_and_a_worker_that_dies(notebook: NotebookPage) -> None:
    panel = open_panel(notebook)
    panel.page.evaluate(START_AND_STOP)
    panel.until(lambda: panel.state.startswith("Ended"))
    panel.until(lambda: only_the_next(notebook.lab))

    started(panel)
    worker = next(one for one in helpers(notebook.lab) if one.cmdline()[-1].endswith("worker"))
    worker.kill()
    panel.until(lambda: panel.state.startswith("The process that carried the call ended."))
    keep(notebook, "6-broken")
    frame = panel.frame(THERE)
    panel.press("Start")
    panel.until(lambda: panel.state.startswith("Running"))
    panel.until(lambda: panel.frame(THERE) not in (-1, frame))


def test_a_kernel_that_dies_is_named(notebook: NotebookPage) -> None:
    panel = started(open_panel(notebook))
    kernel_of(notebook.lab).kill()
    panel.until(lambda: "kernel does not answer" in panel.state, within_s=25)
    keep(notebook, "6-kernel-killed")


def test_a_page_that_comes_back_sees_the_call_again(notebook: NotebookPage) -> None:
    panel = started(open_panel(notebook))
    panel.page.keyboard.press("Escape")
    panel.page.keyboard.press("Control+s")
    panel.page.wait_for_timeout(1000 * SECOND)
    panel.page.reload()
    panel.until(lambda: panel.frame(THERE) > 0)
    frame = panel.frame(THERE)
    panel.until(lambda: panel.frame(THERE) > frame + 10)


def test_every_control_is_reached_by_keyboard_and_no_text_is_small(notebook: NotebookPage) -> None:
    panel = open_panel(notebook)
    panel.button("Start").focus()
    seen = []
    for _step in range(8):
        seen.append(panel.page.evaluate(FOCUSED))
        panel.page.keyboard.press("Tab")
    assert seen == [
        "Start", "Stop", "both ways", "Clean link", "delay_ms", "jitter_ms", "loss", "rate_kbps",
    ]  # fmt: skip

    sizes = panel.node.evaluate(FONT_SIZES)
    assert len(sizes) > 20
    assert min(sizes) >= 16
