"""Record the runs that the chapters ship, for those who cannot make the calls themselves.

python tools/recordings.py            record what is missing in notebooks/data/
python tools/recordings.py NAME ...   record these anew (a name is a file without ``.run``)

Packet bytes are left out, but for the first ones of a chapter that takes packets apart: that keeps
a file small. ``meta`` says where a run comes from. The codec bench makes tables, as CSV files.
On a machine that has other work, ``chrt -r 5 python tools/recordings.py`` keeps it from the calls.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

import labkit as lab
from labkit.errors import WaitTimeout
from labkit.experiments.meshspec import NAMES
from labkit.run.run import TABLES
from labkit.run.topology import topology_table
from tools.notebooks import NOTEBOOKS, build
from tools.pagerecorder import record_camera

DATA = NOTEBOOKS / "data"
EXERCISE = "deeper/06-jitter-buffer"
PACKETS = "deeper/02-packets"
MEDIA = "01-media"


@dataclass(frozen=True)
class Experiment:
    """One recording of one chapter."""

    notebook: str
    seconds: float
    call: dict[str, Any] = field(default_factory=dict)
    "Arguments of ``lab.call``; the jitter buffer ``solution`` is the one of the solved exercise."
    fps: int = 30
    libwebrtc: bool = False
    "Whether libwebrtc makes the call, without a link (it needs the package ``wrtc``)."
    busy: bool = False
    "Whether Python counts while the call is recorded, as a busy notebook does."
    packet_bytes: int = 0
    "How many plain RTP packets, the first ones, keep their bytes."
    source: str = ""
    "Name of the class, made in a cell of the chapter, that the pictures come from."
    page: bool = False
    "Whether a web page sends the fake camera of Chromium (it needs Playwright)."


def _far(delay_ms: float) -> dict[str, Any]:
    return {"link": lab.Link(delay_ms=delay_ms)}


def _outage() -> dict[str, Any]:
    there = [lab.Phase(3, loss=0.5), lab.Phase(3.3, loss=0)]
    back = [lab.Phase(3, loss=1), lab.Phase(3.6, loss=0)]
    return {"link": (lab.Link(delay_ms=20, phases=there), lab.Link(delay_ms=20, phases=back))}


EXPERIMENTS = {
    "start-clean": Experiment("00-start", 4),
    "start-busy": Experiment("00-start", 4, busy=True),
    "start-bent": Experiment(
        "00-start", 4, {"link": lab.Link(delay_ms=80, jitter_ms=5, loss=0.02)}
    ),
    "media-call": Experiment(MEDIA, 4, {"audio": lab.Speech()}),
    "media-green": Experiment(MEDIA, 4, source="Green"),
    "media-busy": Experiment(MEDIA, 4, source="Busy"),
    "media-camera": Experiment(MEDIA, 2, page=True),
    "codecs-packets-vp8": Experiment(PACKETS, 1, packet_bytes=40),
    "codecs-packets-h264": Experiment(PACKETS, 1, {"codec": "h264"}, packet_bytes=40),
    "latency-stock": Experiment("06-latency", 5, {"jitter_buffer": "stock"}),
    "latency-stock-15fps": Experiment("06-latency", 5, {"jitter_buffer": "stock"}, fps=15),
    "latency-marker": Experiment("06-latency", 5),
    "latency-libwebrtc": Experiment("06-latency", 5, libwebrtc=True),
    "latency-delay-50": Experiment("06-latency", 5, _far(50)),
    "latency-delay-100": Experiment("06-latency", 5, _far(100)),
    "latency-sound": Experiment("06-latency", 5, {"audio": lab.Chirp(), **_far(50)}),
    "jitter-mine": Experiment(EXERCISE, 5, {"jitter_buffer": "solution"}),
    "jitter-broken": Experiment(EXERCISE, 5, {"jitter_buffer": "solution", **_outage()}),
    "jitter-patient": Experiment(EXERCISE, 5, _outage()),
}


async def record(experiment: Experiment) -> lab.Run:
    """Record an experiment and return its Run without packet bytes."""
    if experiment.page:
        run = await asyncio.to_thread(record_camera, experiment.seconds)
    else:
        run = await (_of_libwebrtc if experiment.libwebrtc else _of_labkit)(experiment)
    notebook = f"notebooks/{experiment.notebook}.ipynb"
    return without_bytes(run, experiment.packet_bytes, recorded_for=notebook, priority=_priority())


def _priority() -> str:
    policy = os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else None
    return "normal" if policy in (None, 0) else "real-time"


async def _of_labkit(experiment: Experiment) -> lab.Run:
    pattern = lab.TestPattern(640, 480, fps=experiment.fps)
    options = dict(experiment.call)
    if options.get("jitter_buffer") == "solution":
        options["jitter_buffer"] = class_of(EXERCISE, "MyBuffer")
    if experiment.source:
        pattern = class_of(experiment.notebook, experiment.source)()
    call = lab.call(video=pattern, seed=1, **options)
    handle = call.start_recording(experiment.seconds)
    if experiment.busy:
        sum(number * number for number in range(10_000_000))
    return await handle


def class_of(notebook: str, name: str) -> type[Any]:
    """Return a class that a cell of a chapter makes, solutions included."""
    source = (NOTEBOOKS / "src" / f"{notebook}.py").read_text("utf-8")
    codes = [c for c in build(source, notebook, solved=True).cells if c.cell_type == "code"]
    (cell,) = [cell for cell in codes if f"class {name}" in cell.source]
    # A class of __main__ travels to the worker with its code, as one of a notebook does.
    names: dict[str, Any] = {"__name__": "__main__"}
    for text in (codes[0].source, cell.source):  # the chapter's imports come first
        exec(text, names)  # our own text, from the repository
    made: type[Any] = names[name]
    return made


async def _of_libwebrtc(experiment: Experiment) -> lab.Run:
    from tools.libwebrtc import record as record_libwebrtc

    return await record_libwebrtc(experiment.seconds)


def without_bytes(run: lab.Run, keep: int = 0, **meta: Any) -> lab.Run:
    """Return the run without the packets' bytes, and say so in ``meta``; it gets a new digest.

    Args:
        run: The run.
        keep: How many plain RTP packets, the first ones, keep theirs.
        meta: What else to write into ``meta``.
    """
    told = {key: value for key, value in run.meta.items() if key != "digest"}
    tables = {table: run.table(table) for table in TABLES}
    packets = tables["packets"]
    plain = packets[(packets["layer"] == "rtp") & (packets["kind"] == "rtp")]
    kept = packets.index.isin(plain.sort_values("sent_s").index[:keep])
    tables["packets"] = packets.assign(data=packets["data"].where(kept, None))
    left = f"of the first {keep} plain RTP packets" if keep else "left out"
    return lab.Run.from_tables({**told, **meta, "packet_bytes": left}, **tables)


def _comparison() -> Any:
    from labkit.codecs import compare_video, film_like

    return compare_video(film_like(2), rates_kbps=[150, 300, 600, 1200], xpsnr=False)


def _audio_table() -> pd.DataFrame:
    from labkit.codecs import compare_audio

    return compare_audio()[0]


def _topologies() -> pd.DataFrame:
    return asyncio.run(_measure_topologies()).drop(columns="cpu_by_process")


async def _measure_topologies(rounds: int = 3) -> pd.DataFrame:
    """Return a row for each N, shape and round; what could not start is not tried with more."""
    runs = []
    async with lab.livekit(own=True) as server:
        for _round in range(rounds):
            growing = {"mesh", "mcu", "sfu"}
            for n in range(2, 7):
                for shape in sorted(growing):
                    run = await _shaped(shape, n, server)
                    if run is None:
                        growing.discard(shape)
                    runs += [] if run is None else [run]
    return topology_table(runs)


async def _shaped(shape: str, n: int, server: Any) -> lab.Run | None:
    """Record N people in one shape; None where they could not even start."""
    small = lab.TestPattern(320, 180, fps=15)
    if shape == "sfu":
        people = [lab.participant(name, video=small) for name in NAMES[:n]]
        made: Any = lab.room(*people, server=server)
    else:
        made = {"mesh": lab.mesh, "mcu": lab.mcu}[shape](n)
    try:
        run: lab.Run = await made.record(4.0, progress=False)
    except WaitTimeout as error:
        print(f"{shape} of {n}: {error}")
        return None
    return run


BENCH: dict[str, Callable[[], pd.DataFrame]] = {
    "codecs-video": lambda: _comparison().summary.drop(columns="xpsnr_db"),
    "codecs-frames": lambda: _comparison().frames.drop(columns="xpsnr_db"),
    "codecs-audio": _audio_table,
    "mesh-topologies": _topologies,
}
"""Tables: of the codec bench for notebooks/02-codecs.ipynb, of topologies for 10."""


def main(arguments: list[str] | None = None) -> int:
    """Record what is asked for and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *EXPERIMENTS, *BENCH])
    names = parser.parse_args(arguments).names
    DATA.mkdir(exist_ok=True)
    every = [*EXPERIMENTS, *BENCH]
    for name in names or [name for name in every if not _file(name).exists()]:
        print(f"recording {name} ...")
        if name in BENCH:
            BENCH[name]().round(3).to_csv(_file(name), index=False)
            continue
        path = asyncio.run(record(EXPERIMENTS[name])).save(_file(name), force=True)
        print(f"{path.name}, {path.stat().st_size // 1000} kB: {lab.load_run(path)!r}")
    return 0


def _file(name: str) -> Path:
    return DATA / (f"{name}.csv" if name in BENCH else f"{name}.run")


if __name__ == "__main__":
    sys.exit(main())
