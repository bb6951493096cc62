"""Whoever dies or leaves: the other side says so, and nothing is left."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.panel import helpers, kernel_of
from tests.browser.peer import CAMERA, TEST, shown
from tests.browser.test_panel import keep
from tests.timing import SECOND

pytestmark = pytest.mark.browser

KEEP_TRACKS = "video => { window.labTracks = video.srcObject.getTracks(); }"
TRACKS = "() => window.labTracks.map(track => track.readyState)"

LEFT = """import asyncio, gc, psutil, threading
from labkit.experiments.loop import lab_loop
from labkit.experiments.session import Session
from labkit.peers.remote import RemoteSide
for _tenth in range(50):
    if not lab_loop.running: break
    await asyncio.sleep(0.1)
gc.collect()
print(json.dumps({
    "state": cam.state,
    "failure": str(cam.failure),
    "loop": lab_loop.running,
    "threads": sum(thread.name == "lab loop" for thread in threading.enumerate()),
    "objects": sum(isinstance(one, (RemoteSide, Session)) for one in gc.get_objects()),
    "udp": len(psutil.Process().net_connections(kind="udp")),
    "pages": len(cam._door.here),
}))"""

IN_KERNEL = """import json
import labkit as lab
cam = lab.browser_call(back_video=lab.TestPattern(320, 240), place="kernel")
cam"""


def test_a_kernel_that_is_killed(notebook: NotebookPage) -> None:
    widget = shown(notebook)
    widget.press(CAMERA)
    widget.running()
    widget.video("own").evaluate(KEEP_TRACKS)
    assert widget.page.evaluate(TRACKS) == ["live", "live"]
    kernel_of(notebook.lab).kill()
    widget.until(lambda: set(widget.page.evaluate(TRACKS)) == {"ended"}, within_s=12)
    keep(notebook, "peer-9-kernel-killed")
    said = widget.page.get_by_text("kernel does not answer").or_(
        widget.page.get_by_text("appears to have died")
    )
    assert said.first.is_visible()
    widget.until(lambda: helpers(notebook.lab) == [])


@pytest.mark.parametrize("left", ["closed", "reloaded"])
def test_a_page_that_leaves(notebook: NotebookPage, left: str) -> None:
    """The call ends, and nothing of it stays in the kernel's process."""
    widget = shown(notebook, LEFT, make=IN_KERNEL)
    widget.press(TEST)
    widget.running()
    page = notebook.page
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1000 * SECOND)
    found = after_leaving(notebook, left)
    assert found["state"] in ("closed", "broken")
    assert (found["loop"], found["threads"], found["objects"]) == (False, 0, 0)
    assert found["udp"] == 0
    assert found["pages"] <= 1
    assert helpers(notebook.lab) == []


def after_leaving(notebook: NotebookPage, left: str) -> Any:
    if left == "reloaded":
        notebook.page.reload()
    else:
        notebook.page.goto("about:blank")
        notebook.page.wait_for_timeout(1000 * SECOND)
        notebook.page.goto(notebook.lab.address("peer.ipynb"))
    notebook.page.wait_for_selector(".jp-Notebook .jp-Cell")
    notebook.wait_for_kernel()
    notebook.run_cell(1)
    notebook.wait_for_prompt(1, 20)
    return json.loads(notebook.text_of(1).strip().splitlines()[-1])
