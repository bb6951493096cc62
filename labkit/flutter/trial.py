"""The Python beside the Dart, run on a real server: what came out, and what it sent."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from dataclasses import asdict, dataclass, replace
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from labkit.errors import BadValue, MissingPart
from labkit.flutter.lecture import snippets
from labkit.words import _

if TYPE_CHECKING:
    from labkit.rooms.base import Server

__all__ = ["Step", "Trial", "load_trial", "try_python"]

PLAY_S = 60.0
QUIET = ("ping", "ping_req", "pong", "pong_resp", "closed")
"""Messages that go by the clock, whatever one does, and the socket's end, which is none."""


@dataclass(frozen=True)
class Step:
    """One snippet's Python, run once."""

    key: str

    came_out: str

    messages: tuple[tuple[str, str, int], ...]
    "Sender (client or server), name, size in bytes; in order."

    def sent(self) -> list[str]:
        """Return the messages to read: equal ones together, with their number and bytes."""
        counted = Counter((sender, name) for sender, name, _size in self.messages)
        sizes = Counter[tuple[str, str]]()
        for sender, name, size in self.messages:
            sizes[sender, name] += size
        return [
            ("→ " if sender == "client" else "← ")
            + (name if count == 1 else f"{name} × {count}")
            + f" ({sizes[sender, name]} B)"
            for (sender, name), count in counted.items()
            if name not in QUIET
        ]


@dataclass(frozen=True)
class Trial:
    """All steps; as a notebook's value, a table."""

    steps: tuple[Step, ...]

    recorded: str = ""
    "Day on which it was run and kept, as YYYY-MM-DD; empty for one that ran just now."

    why: str = ""
    "Why a recorded one is shown; empty where it was asked for."

    def __getitem__(self, key: str) -> Step:
        """Return the step of a snippet.

        Raises:
            BadValue: That snippet was not run.
        """
        found = {step.key: step for step in self.steps}
        if key not in found:
            raise BadValue(
                _("“{key}” was not run.").format(key=key),
                next_step=_("There are {keys}.").format(keys=", ".join(found)),
            )
        return found[key]

    def __str__(self) -> str:
        lines = [self._heading()]
        for step in self.steps:
            lines.append(f"{step.key}: {step.came_out}")
            lines += [f"    {message}" for message in step.sent()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        heads = (_("snippet"), _("what the Python did"), _("messages of alice's WebSocket"))
        head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
        rows = "".join(_row(step) for step in self.steps)
        return (
            f"<table><caption>{escape(self._heading())}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        )

    def _heading(self) -> str:
        if self.recorded:
            told = _("Recorded on {day}: → from the client, ← from the server")
            return " ".join(filter(None, [self.why, told.format(day=self.recorded)]))
        return _("Just now: → from the client, ← from the server")


async def try_python(server: Server | None = None) -> Trial:
    """Run the Python that stands beside the Dart, on a server of the lab's own.

    Alice joins, publishes a camera, bob comes with his, she sees him and leaves; her messages
    are noted by a proxy of her own. It takes about four seconds, in a process of its own.

    Args:
        server: From ``lab.livekit()``. Without it one is started for the trial; where none is
            built, the recorded trial is returned, and says so.

    Raises:
        BadValue: The server is not the lab's own.
        WaitTimeout: A step did not happen in time.

    Notebook: notebooks/11-flutter.ipynb
    """
    from labkit.rooms.server import livekit

    if server is not None:
        return await _play(server)
    try:
        async with livekit(own=True, build=False) as own:
            return await _play(own)
    except MissingPart as missing:
        return replace(load_trial(), why=str(missing))


async def _play(server: Server) -> Trial:
    from labkit.process import Child
    from labkit.rooms.tokens import room_token

    port = getattr(server, "udp_port", None)
    if port is None:
        raise BadValue(
            _("Messages can be noted on a server of the lab's own alone."),
            next_step=_("Use “lab.livekit(own=True)”."),
        )
    room = f"beside-{uuid.uuid4().hex[:6]}"
    tokens = {f"{one}_token": room_token(server, one, room) for one in ("alice", "bob")}
    async with await Child.start("labkit.flutter.player") as child:
        steps = await child.call("play", timeout=PLAY_S, url=server.url, udp_port=port, **tokens)
    return Trial(tuple(Step(key, said, tuple(sent)) for key, said, sent in steps))


def load_trial() -> Trial:
    """Return a trial that was recorded: for who has no server."""
    path = files("labkit.flutter").joinpath("data", "trial.json")
    return from_json(path.read_text("utf-8"))


def to_json(trial: Trial, recorded: str) -> str:
    """Return a trial as text that ``from_json`` reads."""
    steps = [asdict(step) for step in trial.steps]
    return json.dumps({"recorded": recorded, "steps": steps}, ensure_ascii=False, indent=1) + "\n"


def from_json(text: str) -> Trial:
    """Return the trial that ``to_json`` wrote."""
    read = json.loads(text)
    steps = [
        Step(one["key"], one["came_out"], tuple((a, b, c) for a, b, c in one["messages"]))
        for one in read["steps"]
    ]
    return Trial(tuple(steps), read["recorded"])


def _row(step: Step) -> str:
    title = snippets(step.key)[0].title
    messages = "<br>".join(escape(one) for one in step.sent())
    return (
        f'<tr><th scope="row">{escape(title)}</th><td>{escape(step.came_out)}</td>'
        f'<td style="text-align: left">{messages}</td></tr>'
    )
