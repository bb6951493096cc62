"""The shorter exam of a chapter: taken here, or shown as it was recorded on another machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import BadValue, CallError, LabError
from labkit.exam.examining import Exam, exam
from labkit.exam.names import WHIP
from labkit.rooms.gotool import BuildStopped
from labkit.rooms.staging import Stage
from labkit.words import _

if TYPE_CHECKING:
    from IPython.display import IFrame

    from labkit.run import Run

__all__ = ["PageExam", "take_exam"]

_open: dict[Path, PageExam] = {}
"""By the recorded exam's file: running a notebook's cell again must leave no server."""


class PageExam:
    """The exam of the lab's own page, or a recorded one; made by ``await take_exam(...)``.

    An exam that nobody ends is over when its time is up: then its server and processes end too.

    Args:
        path: The recorded Run that is shown where there is no exam.
        exam: The exam that runs; None for the recorded one.
        why: Why there is none, in words.
    """

    def __init__(self, path: Path, exam: Exam | None, why: str = "") -> None:
        self._exam = exam
        self._shown = Stage(path, None, why)
        self._path = path
        self._finishing = None if exam is None else asyncio.create_task(exam.finish())

    def __repr__(self) -> str:
        if self._exam is None:
            return repr(self._shown)
        over = self._finishing is not None and self._finishing.done()
        return _("An exam that is over.") if over else _("An exam, running.")

    def page(self, width: int = 700, height: int = 400) -> IFrame | PageExam:
        """Return the page as a picture of a notebook; without a server, the words that say so.

        Args:
            width: Pixels.
            height: Pixels.
        """
        return self if self._exam is None else self._exam.page(width, height)

    async def end(self) -> Run:
        """End the exam and return its Run; without a server, the recorded one.

        Raises:
            CallError: The exam broke, or was closed before.
        """
        if self._exam is None or self._finishing is None:
            return self._shown.load(self._path.stem)
        if self._finishing.cancelled():
            raise CallError(
                _("This exam was closed before its end."), next_step=_("Start another one.")
            )
        self._exam.stop()
        try:
            return await self._finishing
        finally:
            await self.close()

    async def close(self) -> None:
        """End everything, with or without a Run; closing twice is fine."""
        if _open.get(self._path) is self:
            del _open[self._path]
        if self._exam is None or self._finishing is None:
            return
        if not self._finishing.done():
            self._finishing.cancel()
            await asyncio.wait([self._finishing])
        if not self._finishing.cancelled():
            self._finishing.exception()  # whoever wants to know asks end()
        await self._exam.close()


async def take_exam(recorded: str | Path, **settings: Any) -> PageExam:
    """Start the exam of the lab's own page; where there is no server, have a recorded one.

    Args:
        recorded: The Run of an exam that was taken elsewhere.
        settings: As ``exam`` takes them, for instance ``build=False``.

    Raises:
        BadValue: A setting is not allowed.

    Notebook: notebooks/11-flutter.ipynb
    """
    path = Path(recorded).resolve()
    if path in _open:
        await _open[path].close()
    try:
        started = await exam(WHIP, **settings).start()
    except (BadValue, BuildStopped):
        raise
    except LabError as error:
        return PageExam(path, None, str(error))
    made = _open[path] = PageExam(path, started)
    return made
