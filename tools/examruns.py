"""Make the runs of exams that the chapter ships out of runs of ``labkit exam``.

python tools/examruns.py NAME FILE    NAME is one of RUNS, FILE what ``labkit exam --run`` wrote

The tests in tests/exam take such exams in a browser. A run keeps what its verdicts rest on:
packets go, and so do the descriptions (SDP) in the messages, the audio's quiet blocks, the
server's counters, and the addresses of this machine's network.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import labkit as lab
from labkit.exam.evidence import HEARD_DBFS
from labkit.exam.names import SOUND, VIDEO
from labkit.run.run import TABLES
from tools.notebooks import NOTEBOOKS
from tools.roomscenes import without_addresses

DATA = NOTEBOOKS / "data"
CHAPTER = "notebooks/11-flutter.ipynb"

RUNS = {
    "exam-app": "an app with livekit-client 2.23.0 in Chromium",
    "exam-page": "the lab's own page in Chromium",
}
"""Runs, and who took the exam."""


def slim(run: lab.Run, taken_by: str) -> lab.Run:
    """Return the run with what its verdicts rest on, and say so in ``meta``.

    Args:
        run: An exam.
        taken_by: Who took it, in a few words.
    """
    tables = {table: run.table(table) for table in TABLES}
    messages, samples, events = (tables[name] for name in ("messages", "samples", "events"))
    bodies = [_without_sdp(body) for body in messages["body"]]
    tables["messages"] = messages.assign(body=bodies)
    tables["events"] = events.assign(detail=[without_addresses(text) for text in events["detail"]])
    tables["samples"] = samples[samples["track"].isin([VIDEO, SOUND])]
    tables["frames"] = tables["frames"][tables["frames"]["track"] == VIDEO]
    tables["audio"] = tables["audio"][tables["audio"]["level_dbfs"] > HEARD_DBFS]
    del tables["packets"]
    told = {key: value for key, value in run.meta.items() if key != "digest"}
    about = {"recorded_for": CHAPTER, "taken_by": taken_by, "packet_bytes": "left out"}
    return lab.Run.from_tables({**told, **about}, **tables)


def _without_sdp(body: Any) -> Any:
    try:
        end = json.JSONDecoder().raw_decode(body)[1]
    except (ValueError, TypeError):
        end = 0 if body is None else len(str(body))
    return without_addresses(str(body)[:end])


def main(arguments: list[str] | None = None) -> int:
    """Write one run and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", choices=RUNS)
    parser.add_argument("file", type=Path)
    asked = parser.parse_args(arguments)
    target = DATA / f"{asked.name}.run"
    slim(lab.load_run(asked.file), RUNS[asked.name]).save(target, force=True)
    print(f"{target.name}, {target.stat().st_size // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
