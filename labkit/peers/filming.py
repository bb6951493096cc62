"""What a participant decodes becomes a film, written in a thread beside the call."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

import av

from labkit.errors import CallError, LabError
from labkit.media.film import Film, FilmWriter
from labkit.words import _

__all__ = ["Filming"]

WAITING = 300
"""Pictures and sounds that may wait for the disk and the encoder: about four seconds."""

CLOSE_WITHIN_S = 10.0


class Filming:
    """Takes decoded frames and writes the first track of each kind; it belongs to one loop.

    Pictures and sound are aligned by the moment at which each track's first frame was there, and
    from then on by their own timestamps. (RTCP sender reports would tell it exactly: RFC 3550
    section 6.4.1.)

    Args:
        film: Where to.
        on_failure: Called with what went wrong while it was written.
    """

    def __init__(self, film: Film, *, on_failure: Callable[[LabError], None]) -> None:
        self.missed = 0
        "Frames that were left out because the encoder was too slow."
        self._writer = FilmWriter(film)
        self._on_failure = on_failure
        self._loop = asyncio.get_running_loop()
        self._tracks: dict[str, str] = {}
        self._begin_s: dict[str, float] = {}
        self._waiting: queue.Queue[tuple[str, Any, float] | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._write, name="film", daemon=True)
        self._thread.start()

    def take(self, track: str, frame: Any, at_s: float) -> None:
        """Take a frame that was decoded.

        Args:
            track: For instance ``alice:video``; the first one of its kind is filmed.
            frame: As aiortc gives it, with a timestamp.
            at_s: When it was there, in seconds of the call.
        """
        kind = "video" if isinstance(frame, av.VideoFrame) else "audio"
        if self._tracks.setdefault(kind, track) != track or frame.time is None:
            return
        begin_s = self._begin_s.setdefault(kind, at_s - frame.time)
        try:
            self._waiting.put_nowait((kind, frame, begin_s + frame.time))
        except queue.Full:
            self.missed += 1

    def begin_anew(self) -> None:
        """Take it that timestamps begin anew: what comes next comes by another connection."""
        self._begin_s.clear()

    async def close(self) -> None:
        """Write what waits and finish the files; closing twice is fine.

        Raises:
            CallError: The files could not be finished in time.
        """
        if self._thread.is_alive():
            await asyncio.to_thread(self._end)
        if self._thread.is_alive():
            raise CallError(
                _("The film could not be finished within {seconds:g} s.").format(
                    seconds=CLOSE_WITHIN_S
                ),
                _("The disk is slow, or the machine is overloaded."),
            )

    def _end(self) -> None:
        try:
            self._waiting.put(None, timeout=CLOSE_WITHIN_S)
        except queue.Full:
            return
        self._thread.join(CLOSE_WITHIN_S)

    def _write(self) -> None:
        failed = False
        while (one := self._waiting.get()) is not None:
            if failed:  # go on emptying the queue: somebody has to hear the end
                continue
            try:
                self._write_one(*one)
            except Exception as error:
                failed = True
                self._tell(error)
        try:
            self._writer.close()
        except Exception as error:
            self._tell(error)

    def _write_one(self, kind: str, frame: Any, at_s: float) -> None:
        if kind == "video":
            self._writer.add_video(frame, at_s)
        else:
            self._writer.add_audio(frame, at_s)

    def _tell(self, error: Exception) -> None:
        if not isinstance(error, LabError):
            said = f"{type(error).__name__}: {error}."
            error = CallError(_("The film could not be written."), said)
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._on_failure, error)
