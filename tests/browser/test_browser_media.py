"""What a page can send and get: H.264, sound from the lab, two calls at once."""

from __future__ import annotations

import pytest

from labkit.bench.jupyter import NotebookPage
from tests.browser.peer import TEST, Widget, only_the_next, shown
from tests.browser.test_panel import keep

pytestmark = pytest.mark.browser

H264 = """import json
import labkit as lab
cam = lab.browser_call(audio=False, back_video=lab.TestPattern(320, 240), codec="h264")
cam"""

WIRE = """run = await cam.record(2, progress=False)
answer = run.messages.set_index("name").loc["answer", "body"]
names = dict(line[9:].split(" ", 1) for line in answer.splitlines() if line.startswith("a=rtpmap:"))
media = run.streams[run.streams["role"] == "media"]
found = {}
for peer in ("browser", "lab"):
    ours = media[media["track"] == f"{peer}:video"]["ssrc"]
    wire = run.packets[(run.packets["layer"] == "wire") & (run.packets["sender"] == peer)
                       & (run.packets["kind"] == "rtp") & run.packets["ssrc"].isin(ours)
                       & run.packets["data"].notna()]
    found[peer] = sorted({names[str(data[1] & 127)] for data in wire["data"]})
print(json.dumps({
    "codecs": found,
    "shown": [run.summary(*way)["frames"]["shown"]
              for way in (("browser", "lab"), ("lab", "browser"))],
    "tracks": run.tracks.set_index("track")["codec"].to_dict(),
}))"""

SOUND = """import json
import labkit as lab
cam = lab.browser_call(audio=False, video=False, back_audio=lab.Tone(440))
cam"""

HEARD = """import asyncio
await asyncio.sleep(2)
handle = cam.start_recording(2, progress=False)
run = await handle
mine = run.samples[(run.samples["track"] == "lab:audio") & (run.samples["peer"] == "browser")]
print(json.dumps({
    "sent": len(run.audio[run.audio["track"] == "lab:audio"]),
    "newest": mine.sort_values("at_s").groupby("name")["value"].last().to_dict(),
}))"""

TWO = """import json
import labkit as lab
cams = [lab.browser_call(audio=False, back_video=lab.TestPattern(160, 120, fps=15), seed=n)
        for n in (1, 2)]
from IPython.display import display
for cam in cams: display(cam)"""

BOTH = """import asyncio
runs = await asyncio.gather(*(cam.record(2, progress=False) for cam in cams))
print(json.dumps({"shown": [[run.summary(*way)["frames"]["shown"]
    for way in (("browser", "lab"), ("lab", "browser"))] for run in runs],
    "seeds": [run.meta["seed"] for run in runs]}))"""


def test_h264_both_ways(notebook: NotebookPage) -> None:
    widget = shown(notebook, WIRE, make=H264)
    widget.press(TEST)
    widget.running()
    found = widget.printed(1)
    assert found["codecs"] == {"browser": ["H264/90000"], "lab": ["H264/90000"]}
    assert found["tracks"] == {"browser:video": "H264", "lab:video": "H264"}
    assert min(found["shown"]) > 10


def test_the_page_hears_the_lab(notebook: NotebookPage) -> None:
    widget = shown(notebook, HEARD, make=SOUND)
    widget.press("Start")
    widget.until(lambda: widget.state.startswith("Running"))
    video = widget.video("theirs")
    widget.until(lambda: bool(video.evaluate("video => video.currentTime > 0.5")))
    assert video.evaluate("video => !video.muted && !video.paused")
    found = widget.printed(1)
    assert found["sent"] > 50
    assert found["newest"]["inbound-rtp.audioLevel"] > 0.05
    assert found["newest"]["inbound-rtp.totalAudioEnergy"] > 0


def test_two_widgets_at_once(notebook: NotebookPage) -> None:
    first = shown(notebook, BOTH, make=TWO)
    second = Widget(notebook, 1)
    first.press(TEST)
    second.press(TEST)
    first.running()
    second.running()
    keep(notebook, "peer-8-two")
    found = first.printed(1)
    assert found["seeds"] == [1, 2]
    assert min(min(ways) for ways in found["shown"]) > 5

    first.press("Stop")
    first.until(lambda: first.state.startswith("Ended"))
    second.running()
    second.press("Stop")
    second.until(lambda: only_the_next(notebook.lab))
