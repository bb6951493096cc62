"""A browser that no media reaches, in a real JupyterLab: pictures through its proxy."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.bench.jupyter import CHROMIUM_FLAGS, JupyterLab, NotebookPage
from tests.browser.panel import PIXELS, helpers
from tests.browser.peer import CAMERA, TEST, Widget, end_kernels, only_the_next, shown, with_flags
from tests.browser.test_panel import keep
from tests.timing import SECOND

pytestmark = pytest.mark.browser

NO_UDP = "--webrtc-ip-handling-policy=disable_non_proxied_udp"

RECORD = """run = await cam.record(2, progress=False)
print(json.dumps({
    "peers": sorted(run.peers["peer"]),
    "receivers": sorted(set(run.frames["receiver"].dropna())),
    "asked": run.meta["asked"],
    "shown": run.summary("lab", "viewer")["frames"]["shown"],
    "said": repr(cam),
}))"""

BUSY = "end = time.monotonic() + 6\nwhile time.monotonic() < end: pass"


@pytest.fixture
def far_away(lab: JupyterLab, browser: Any, tmp_path: Path) -> Iterator[NotebookPage]:
    """An empty page of a browser that may not send UDP."""
    cut_off = with_flags(browser, [*CHROMIUM_FLAGS, NO_UDP])
    page = cut_off.new_page(viewport={"width": 1600, "height": 1000})
    notebook = NotebookPage(lab, page, second_s=SECOND)
    try:
        yield notebook
        page.screenshot(path=tmp_path / "end.png")
    finally:
        cut_off.close()
        end_kernels(lab)
    assert notebook.complaints == []
    assert notebook.outside() == []


def looking_on(widget: Widget) -> None:
    widget.until(lambda: widget.state.startswith("View only, not measured"))
    before = widget.frame()
    widget.until(lambda: widget.frame() > before + 10)


def test_it_gets_pictures_and_the_run_says_that_it_was_no_peer(far_away: NotebookPage) -> None:
    widget = shown(far_away, RECORD, BUSY)
    widget.press(CAMERA)
    looking_on(widget)
    keep(far_away, "peer-7-view-only")
    canvas = widget.node.locator("figure[data-side='theirs'] canvas")
    pixels = canvas.evaluate(PIXELS)
    assert len(set(pixels)) > 10
    assert widget.video("own").evaluate("video => video.srcObject === null")  # no camera
    (socket,) = [one for one in far_away.requests if "/proxy/" in one]
    assert socket.startswith(far_away.lab.base.replace("http:", "ws:") + "/proxy/")

    found = widget.printed(1)
    assert found["peers"] == ["lab", "viewer"]
    assert found["receivers"] == ["viewer"]
    assert found["asked"]["view_only"] is True
    assert found["shown"] > 10
    assert "view only" in found["said"]

    far_away.run_cell(2)  # a busy cell is no reason to stop
    widget.page.wait_for_timeout(1000)
    frame = widget.frame()
    widget.until(lambda: widget.frame() > frame + 20)
    prompt = widget.page.locator(".jp-CodeCell").nth(2).locator(".jp-InputPrompt").inner_text()
    assert prompt == "[*]:"
    assert canvas.evaluate(PIXELS) != pixels

    widget.press("Stop")
    widget.until(lambda: widget.state.startswith("Ended"))
    widget.until(lambda: only_the_next(far_away.lab))
    assert canvas.is_hidden()
    widget.press(TEST)
    looking_on(widget)


def test_a_page_that_is_closed_ends_it(far_away: NotebookPage) -> None:
    widget = shown(far_away)
    widget.press(TEST)
    looking_on(widget)
    far_away.page.goto("about:blank")
    for _tenth in range(int(100 * SECOND)):
        if not helpers(far_away.lab):
            return
        far_away.page.wait_for_timeout(100)
    pytest.fail(f"left behind: {helpers(far_away.lab)}")


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/proxy/{port}/", False, 302),  # nobody without Jupyter's token: to its door
        ("/proxy/absolute/{port}/", False, 302),
        ("/proxy/192.0.2.1:80/", True, 403),  # nor anywhere but on this machine
        ("/proxy/example.org:80/", True, 403),
    ],
)
def test_the_proxy_is_for_this_machine_and_its_user(
    lab: JupyterLab, path: str, token: bool, status: int
) -> None:
    port = int(lab.base.rsplit(":", 1)[1])
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=10 * SECOND)
    headers = {"Authorization": f"token {lab.token}"} if token else {}
    asking.request("GET", path.format(port=port), headers=headers)
    answer = asking.getresponse()
    assert answer.status == status
    if status == 302:
        assert (answer.getheader("Location") or "").startswith("/login")
    asking.close()
