"""Play a chapter about rooms on a real server, and keep what came out for those without one.

python tools/roomscenes.py            play every chapter that shows scenes
python tools/roomscenes.py NAME ...   only these, for instance 09-rooms, or mesh-browser

The scenes become one JSON file a chapter, the runs one file each, all in ``notebooks/data``.
Addresses of this machine's own network are taken out, and so are packet bytes.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import inspect
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import labkit as lab
from labkit.rooms import hide_tokens
from labkit.run.run import TABLES
from tools.notebooks import NOTEBOOKS, build
from tools.pagerecorder import record_in_room

DATA = NOTEBOOKS / "data"
CHAPTERS = {
    "09-rooms": "rooms-scenes",
    "deeper/09-reconnection": "reconnection-scenes",
    "deeper/09-streams": "streams-scenes",
    "deeper/09-encryption": "encryption-scenes",
    "10-mesh-and-sfu": "mesh-scenes",
    "deeper/10-broadcast": "broadcast-scenes",
    "deeper/10-turn": "turn-scenes",
    "deeper/10-ingest": "ingest-scenes",
}
"""Chapters, and the file of what their scenes returned."""

RUNS = {
    "rooms-call": "09-rooms",
    "rooms-both": "09-rooms",
    "reconnection-bob": "deeper/09-reconnection",
    "reconnection-killed": "deeper/09-reconnection",
    "encryption-keys": "deeper/09-encryption",
    "mesh-p2p": "10-mesh-and-sfu",
    "mesh-sfu": "10-mesh-and-sfu",
    "mesh-stock": "10-mesh-and-sfu",
    "mesh-sdk-1": "10-mesh-and-sfu",
    "mesh-sdk-2": "10-mesh-and-sfu",
    "mesh-sdk-3": "10-mesh-and-sfu",
    "mesh-simulcast": "10-mesh-and-sfu",
    "mesh-browser": "10-mesh-and-sfu",
    "mesh-dynacast": "10-mesh-and-sfu",
    "turn-livekit": "deeper/10-turn",
}
"""Runs that they show, and the chapter that records each."""

PAGES: dict[str, Callable[[float], lab.Run]] = {"mesh-browser": record_in_room}
"""Runs of which a browser is a part; a headless one takes part in them."""

PAGE_S = 5.0

WITH_BODIES = ("rooms-call", "rooms-both")
"""Runs whose messages are read; of the others the names are enough."""

STAND_IN, STAND_IN_6 = "192.0.2.1", "2001:db8::1"
"""Addresses that nobody has (RFC 5737 §3, RFC 3849)."""

_ADDRESS = re.compile(r"\b(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}\b")
_ADDRESS_6 = re.compile(r"(?<![\w:.])[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F:]*(?![\w:.])")


async def play(chapter: str) -> Any:
    """Run the cells of a chapter, solutions included, and return its stage.

    Args:
        chapter: For instance ``09-rooms``.
    """
    source = (NOTEBOOKS / "src" / f"{chapter}.py").read_text("utf-8")
    # What a cell of __main__ defines travels to the worker with its code.
    names: dict[str, Any] = {"__name__": "__main__"}
    stage = None
    for cell in build(source, chapter, solved=True).cells:
        if cell.cell_type != "code":
            continue
        code = compile(cell.source, "cell", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        waiting = eval(code, names)  # our own text, from the repository
        if inspect.iscoroutine(waiting):
            await waiting
        stage = names.get("stage")
    return stage


def keep(chapter: str, stage: Any) -> list[Path]:
    """Write what a chapter's stage has played, and return the files.

    Args:
        chapter: For instance ``09-rooms``.
        stage: Its stage, with a server.
    """
    if stage is None or stage.server is None:
        raise SystemExit(f"{chapter} was not played on a server: {stage!r}")
    scenes = {name: v for name, v in stage.played.items() if not isinstance(v, lab.Run)}
    told = {"recorded": f"{datetime.now(UTC):%Y-%m-%d}", "scenes": scenes}
    text = without_addresses(hide_tokens(json.dumps(told, indent=1, ensure_ascii=False)))
    path = DATA / f"{CHAPTERS[chapter]}.json"
    path.write_text(text + "\n", encoding="utf-8", newline="\n")
    runs = {name: v for name, v in stage.played.items() if isinstance(v, lab.Run)}
    return [path, *(_keep_run(chapter, name, run) for name, run in runs.items())]


def without_addresses(text: str) -> str:
    """Return a text without the addresses of this machine's network; loopback stays.

    Args:
        text: Signaling, for instance.
    """
    return _ADDRESS_6.sub(_stand_in, _ADDRESS.sub(STAND_IN, text))


def _stand_in(found: re.Match[str]) -> str:
    try:  # a time of day and a fingerprint have colons, too
        return found[0] if IPv6Address(found[0]).is_loopback else STAND_IN_6
    except ValueError:
        return found[0]


def _keep_run(chapter: str, name: str, run: lab.Run) -> Path:
    meta = {key: value for key, value in run.meta.items() if key != "digest"}
    meta |= {"recorded_for": f"notebooks/{chapter}.ipynb", "packet_bytes": "left out"}
    tables = {table: run.table(table) for table in TABLES}
    for table, column in (("messages", "body"), ("events", "detail")):
        texts = tables[table][column].astype(str).map(without_addresses)
        tables[table] = tables[table].assign(**{column: texts})
    if name not in WITH_BODIES:
        tables["messages"] = tables["messages"].assign(body="")
    tables["packets"] = tables["packets"].iloc[:0]  # nobody looks at them in these chapters
    counters = tables["samples"]["name"].astype(str).str.startswith("livekit_")
    tables["samples"] = tables["samples"][~counters]
    kept = lab.Run.from_tables(meta, **tables)
    return Path(kept.save(DATA / f"{name}.run", force=True))


def main(arguments: list[str] | None = None) -> int:
    """Play what is asked for and return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[[], *CHAPTERS, *PAGES])
    asked = parser.parse_args(arguments).names or [*CHAPTERS, *PAGES]
    for name in [name for name in asked if name in PAGES]:
        print(f"recording {name} ...")
        path = _keep_run(RUNS[name], name, PAGES[name](PAGE_S))
        print(f"{path.name}, {path.stat().st_size // 1000} kB: {lab.load_run(path)!r}")
    for chapter in [name for name in asked if name in CHAPTERS]:
        print(f"playing {chapter} ...")
        for path in keep(chapter, asyncio.run(_in_place(chapter))):
            print(f"{path.name}, {path.stat().st_size // 1000} kB")
    return 0


async def _in_place(chapter: str) -> Any:
    import os

    os.chdir((NOTEBOOKS / chapter).parent)  # its paths start there
    return await play(chapter)


if __name__ == "__main__":
    sys.exit(main())
