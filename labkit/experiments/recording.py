"""A recording of a call: begun now, awaited whenever, never lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from labkit.errors import BadValue, LabError, RecordingError
from labkit.experiments.about import meta_for
from labkit.experiments.kept import kept
from labkit.experiments.loop import Job, lab_loop
from labkit.net.checks import number
from labkit.progress import progress_shower
from labkit.run.recorder_handle import RecorderHandle
from labkit.run.store import exists_error
from labkit.words import _

if TYPE_CHECKING:
    from labkit.experiments.experiment import Experiment
    from labkit.run import Run

__all__ = ["Progress", "Recording", "checked_path"]

Progress = Callable[[float], None]
T = TypeVar("T")

SHORTEST_S = 0.1
LONGEST_S = 86_400.0
FIRST_FRAME_S = 15.0
"""How long a recording waits for its first frame."""

PROGRESS_S = 0.2

HURRY_S = 1.2
"""How long a closing call waits for its recording to be written."""


LONG_S = 15.0
"""A recording longer than this takes too long to join when somebody wants to leave."""


class Recording:
    """A handle on a recording that runs; ``run = await handle`` gives the Run.

    Args:
        call: The call that is recorded.
        seconds: How long, from the first frame that is shown on.
        path: Where the Run is written; None keeps it in memory.
        force: Replace a file that is there.
        progress: Show a bar, or call this with the share that is done (0…1).
    """

    def __init__(
        self,
        call: Experiment[Any],
        seconds: float,
        path: str | Path | None,
        *,
        force: bool,
        progress: bool | Progress,
    ) -> None:
        self.seconds = _checked_seconds(seconds)
        self.path = checked_path(path, force)
        self._call = call
        self._force = force
        self._show = progress_shower(progress, self.seconds)
        self._from_s: float | None = None
        self._opens_call = call.state in ("new", "closed", "broken")
        self._stop = asyncio.Event()
        self._hurry = False
        self._is_in_memory = False
        self._job: Job[bytes | Path] | None = None
        self._recorder: RecorderHandle | None = None

    def __repr__(self) -> str:
        where = _("in memory") if self.path is None else str(self.path)
        over = self._job is not None and self._job.done()
        state = _("done") if over else _("running")
        return f"<Recording {self.seconds:g} s, {where}, {state}>"

    def __await__(self) -> Generator[Any, None, Run]:
        return self._run().__await__()

    def begin(self) -> None:
        """Start on the lab's loop; called once, by the call."""
        if self._opens_call:
            self._call._must_be_startable()
            self._call._set_state("starting")
        self._job = lab_loop.start(self._record())

    def stop(self) -> None:
        """End the recording early; the Run holds what there is."""
        lab_loop.call_soon(self._stop.set)

    async def finish_now(self) -> None:
        """End the recording because its call is closed (on the lab's loop)."""
        assert self._job is not None
        self._hurry = True
        self._stop.set()
        if self._from_s is None:
            self._job.cancel()
        if not await self._job.settled(HURRY_S) and self._recorder is not None:
            self._recorder.kill()  # what it has committed stays
            await self._job.settled(HURRY_S)

    async def _run(self) -> Run:
        from labkit.run import load_run

        assert self._job is not None
        source = await self._job.wait()
        return await asyncio.to_thread(load_run, source)  # seconds, for a long one

    # What follows runs on the lab's loop.

    async def _record(self) -> bytes | Path:
        call = self._call
        try:
            async with await RecorderHandle.start() as recorder:
                self._recorder = recorder
                try:
                    await self._begin(recorder)
                    await self._last(recorder)
                except BaseException as error:
                    await self._keep_what_is_there(recorder, error)
                    raise self._told(error) from error.__cause__
                join = not self._hurry or self._is_short()
                return await recorder.finish(join=join, recorded_s=self._recorded_s())
        finally:
            self._show.close()
            if self in call._recordings:
                call._recordings.remove(self)
            if self._opens_call:
                await call._close()

    async def _begin(self, recorder: RecorderHandle) -> None:
        call = self._call
        await recorder.listen()
        if self._opens_call:
            await call._prepare()
            await call._open()
        carrier = call._must_carry()
        await carrier.ask("attach", address=recorder.address, token=recorder.token)
        if self._opens_call:
            await call._connect()
        from_s = await self._unless_failed(
            recorder,
            carrier.ask("wait_first_frame", timeout=FIRST_FRAME_S + 5, within_s=FIRST_FRAME_S),
        )
        # Not before: a start that fails must cost nobody the file that is there.
        meta = {**meta_for(call.spec, self.seconds), **await carrier.ask("facts")}
        await recorder.open(self.path, meta, time_zero=call.time_zero, force=self._force)
        self._from_s = from_s
        recorder.set_meta(recorded_from_s=from_s, recorded_to_s=from_s + self.seconds)

    async def _last(self, recorder: RecorderHandle) -> None:
        assert self._from_s is not None
        end_s = self._from_s + self.seconds
        while (now := self._now()) < end_s and not self._stop.is_set():
            self._show((now - self._from_s) / self.seconds)
            await self._unless_failed(recorder, self._stopped_within(min(PROGRESS_S, end_s - now)))
        recorder.set_meta(recorded_to_s=self._now(), closed_by="the call")
        carrier = self._call._must_carry()
        if not self._hurry:
            await self._unless_failed(recorder, carrier.ask("stragglers"))
        missing = await self._unless_failed(recorder, carrier.ask("detach"))
        recorder.set_meta(missing_rows=missing)
        self._show(1.0)

    async def _keep_what_is_there(self, recorder: RecorderHandle, error: BaseException) -> None:
        """Close the file as well as it can be closed; the reason is on its way to the reader."""
        carrier = self._call._carrier
        with contextlib.suppress(LabError):
            if carrier is not None and not self._hurry:  # one that has failed may have rows yet
                recorder.set_meta(missing_rows=await carrier.ask("detach", timeout=1.0))
        with contextlib.suppress(LabError):
            if self._from_s is None:
                await recorder.discard()
                return
            recorder.set_meta(
                recorded_to_s=min(self._now(), self._from_s + self.seconds),
                closed_by=_reason(error),
            )
            urgent = self._hurry or isinstance(error, asyncio.CancelledError)
            join = not urgent or self._is_short()
            data = await recorder.finish(join=join, recorded_s=self._recorded_s())
            if isinstance(data, bytes):
                kept.data, self._is_in_memory = data, True

    def _is_short(self) -> bool:
        return self._from_s is not None and self._recorded_s() < LONG_S

    def _recorded_s(self) -> float:
        return 0.0 if self._from_s is None else min(self._now() - self._from_s, self.seconds)

    def _told(self, error: BaseException) -> BaseException:
        """Return the error as its reader needs it: it says where the Run is."""
        if self._hurry and isinstance(error, asyncio.CancelledError):
            return self._call.errors.closed_before_recording()
        where = self._where_it_is(str(error))
        if not isinstance(error, LabError) or not where:
            return error
        next_step = f"{where} {error.next_step}"
        # Its owner may tell the same error to others: change a copy.
        return type(error)(error.what, error.why, next_step.rstrip())

    def _where_it_is(self, told: str) -> str:
        if self._is_in_memory:
            return _("What was recorded is kept: “run = lab.kept_run()”.")
        if self.path is None or self._from_s is None or str(self.path) in told:
            return ""
        return _("What was recorded is in {path}.").format(path=self.path)

    async def _unless_failed(self, recorder: RecorderHandle, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.ensure_future(work)
        failures = [self._call._must_carry().failed, recorder.failed]
        waited: set[asyncio.Future[Any]] = {task, *failures}
        try:
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            for failed in failures:
                if failed.done():
                    raise failed.result()
            return task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _stopped_within(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)

    def _now(self) -> float:
        return time.perf_counter() - self._call.time_zero


def _reason(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "whoever waited for it was interrupted"
    return f"{type(error).__name__}: {error}"


def checked_path(path: str | Path | None, force: bool) -> Path | None:
    """Return where a run is to be written, refused at once where that cannot be.

    Args:
        path: A file's name; None is the memory.
        force: Whether a file that is there may be replaced.

    Raises:
        BadValue: It is no name of a file.
        RecordingError: It is a folder, is in no folder, or is there already.
    """
    if path is None:
        return None
    if not isinstance(path, (str, Path)) or not Path(path).name or "\0" in str(path):
        raise BadValue(
            _("{path!r} is no name of a file.").format(path=str(path)),
            next_step=_("Use for instance “my.run”, or leave it out to keep the run in memory."),
        )
    # Path.is_dir would fail for a name that is too long.
    path, is_folder = Path(path), os.path.isdir(path)  # noqa: PTH112
    if is_folder or not os.path.isdir(path.parent):  # noqa: PTH112
        what = _("{path} is a folder.") if is_folder else _("There is no folder for {path}.")
        next_step = _("Choose a name in a folder that exists.")
        raise RecordingError(what.format(path=path), next_step=next_step)
    if not force and os.path.lexists(path):  # the recorder looks again, later
        raise exists_error(path)
    return path


def _checked_seconds(seconds: float) -> float:
    return number("seconds", seconds, SHORTEST_S, LONGEST_S, "s")
