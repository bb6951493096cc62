"""The server of a chapter: scenes are played on it, or shown as they were recorded elsewhere.

A *scene* is an async function of a notebook that takes the server's API and returns plain values
or a table. Where no server can be had, what it returned on another machine is shown instead.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue, CallError, LabError, MissingPart
from labkit.rooms.build import BuildProgress
from labkit.rooms.gotool import BuildStopped
from labkit.rooms.server import ForeignServer, LivekitServer, livekit
from labkit.words import _

if TYPE_CHECKING:
    from labkit.run import Run

__all__ = ["Scene", "Stage", "stage"]

Scene = Callable[..., Awaitable[Any]]
"""Takes the server's API, or nothing."""

TABLE = "table"
MEANWHILE_AFTER_S = 1.0
_open: dict[Path, Stage] = {}
"""By the file of recorded scenes: running a notebook's first cell again must leave no server."""


class Stage:
    """A LiveKit server, or what was recorded on one; made by ``await rooms.stage(...)``.

    Args:
        path: The file of recorded scenes.
        server: Where scenes are played; None shows them as they were recorded.
        why: Why there is no server, in words.
    """

    def __init__(self, path: Path, server: LivekitServer | ForeignServer | None, why: str) -> None:
        self.server = server
        "None where scenes are shown as they were recorded."
        self.played: dict[str, Any] = {}
        "What each scene returned, and ``Run`` by name; for whoever records a chapter."
        self._path = path
        self._why = why
        self._rooms: list[Any] = []

    def __repr__(self) -> str:
        if self.server is None:
            return f"{self._why} {self._instead()}"
        ready_s = getattr(self.server, "ready_after_s", None)
        if ready_s is None:
            return _("A LiveKit server at {url}.").format(url=self.server.url)
        return _("A LiveKit server of your own at {url}, ready after {ready_s:.2f} s.").format(
            url=self.server.url, ready_s=ready_s
        )

    async def play(self, scene: Scene) -> Any:
        """Play a scene, or say when it was recorded and return what it returned then.

        Args:
            scene: Takes the server's API with all rights, or nothing; its name is what it is found
                by.

        Raises:
            CallError: There is no server, and no scene of this name was recorded.
        """
        name = scene.__name__
        if self.server is None:
            return self._recorded(name)
        wanted = len(inspect.signature(scene).parameters)
        try:
            async with self.server.api() as api:
                self.played[name] = kept = pack(await scene(*[api][:wanted]))
        except MissingPart as missing:  # of this scene alone, for instance coturn
            sys.stdout.write(f"{missing}\n")
            return self._recorded(name)
        return unpack(kept)

    async def open(self, room: Any) -> None:
        """Start a room on this server; without a server do nothing.

        Args:
            room: From ``lab.room(..., server=stage.server)``.
        """
        if self.server is not None:
            await room.start()
            self._rooms.append(room)

    async def record(
        self, name: str, room: Any, seconds: float, *, meanwhile: Scene | None = None
    ) -> Run:
        """Record a room, or return the Run that was recorded elsewhere.

        Args:
            name: Of the file beside the scenes, without its ending.
            room: From ``lab.room(..., server=stage.server)``.
            seconds: How long.
            meanwhile: What is done while a room that is open is recorded, from second 1 on.
        """
        if self.server is None:
            return self.load(name)
        recording = room.start_recording(seconds)
        try:
            if meanwhile is not None:
                await asyncio.sleep(MEANWHILE_AFTER_S)
                await meanwhile()
        finally:
            run = await recording
        self.played[name] = run
        return run  # type: ignore[no-any-return]

    def load(self, name: str) -> Run:
        """Return a Run that was recorded elsewhere, and say so.

        Args:
            name: Of its file, without the ending.
        """
        from labkit.run import load_run

        run = load_run(self._path.with_name(f"{name}.run"))
        _say_recorded(str(run.meta["created"])[:10])
        return run

    async def close(self) -> None:
        """Close what was opened and end the server; closing twice is fine."""
        if _open.get(self._path) is self:
            del _open[self._path]
        rooms, self._rooms = self._rooms, []
        for room in rooms:
            await room.close()
        if self.server is not None:
            await self.server.close()

    def _recorded(self, name: str) -> Any:
        told = json.loads(self._path.read_text("utf-8"))
        if name not in told["scenes"]:
            raise CallError(
                _("“{name}” cannot be played without a LiveKit server.").format(name=name),
                self._why,
                _("Go on with the next cell."),
            )
        _say_recorded(told["recorded"])
        return unpack(told["scenes"][name])

    def _instead(self) -> str:
        return _("What was recorded on another machine is shown instead.")


async def stage(
    path: str | Path, *, progress: BuildProgress | None = None, **settings: Any
) -> Stage:
    """Start a LiveKit server for a chapter; build it first where there is none.

    Where none can be had, the stage shows what was recorded, and its text says why.

    Args:
        path: File of the recorded scenes.
        progress: Told how far the build is; None writes a line.
        settings: As ``lab.livekit`` takes them.

    Raises:
        BadValue: A setting is out of range.
        BuildStopped: Building it was stopped on request.

    Notebook: notebooks/09-rooms.ipynb
    """
    path = Path(path).resolve()
    if path in _open:
        await _open[path].close()
    try:
        server = await livekit(progress=progress, **settings).start()
    except (BadValue, BuildStopped):
        raise
    except LabError as error:
        return Stage(path, None, str(error))
    made = _open[path] = Stage(path, server, "")
    return made


def pack(value: Any) -> Any:
    """Return a scene's value as JSON has it; a table becomes its columns and rows."""
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return {TABLE: json.loads(value.to_json(orient="split", index=False))}
    return json.loads(json.dumps(value))


def unpack(kept: Any) -> Any:
    """Return the value that ``pack`` has packed."""
    import pandas as pd

    if isinstance(kept, dict) and kept.keys() == {TABLE}:
        return pd.DataFrame(kept[TABLE]["data"], columns=kept[TABLE]["columns"])
    return kept


def _say_recorded(day: str) -> None:
    sys.stdout.write(_("Recorded on {day}, on another machine.").format(day=day) + "\n")
