"""What a call and a room share: start, record, bend a link, ask, close."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from labkit.errors import BadValue, LabError
from labkit.experiments.lifecycle import Lifecycle, Listener, S
from labkit.experiments.loop import lab_loop, on_lab_loop
from labkit.experiments.recording import Progress, Recording
from labkit.experiments.spare import spare
from labkit.progress import in_notebook
from labkit.words import _

if TYPE_CHECKING:
    from labkit.run import Run

__all__ = ["Experiment"]

P = TypeVar("P")


class Experiment(Lifecycle[S], Generic[S]):
    """Something that runs, is recorded and closed; an async context manager.

    ``await start()`` and ``await close()`` do what ``async with`` does, for one that outlives its
    cell; ``start_soon()`` and ``close_soon()`` do it for a button, where nothing can be awaited.

    Args:
        spec: What it is made of.
    """

    def __init__(self, spec: S) -> None:
        super().__init__(spec)
        self._ended_by_hand = False
        self._panel: Any = None

    async def __aenter__(self) -> Self:
        await self.start()
        self.outlives = False
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def start(self) -> Self:
        """Start the processes and connect the peers; media flows when this returns.

        Raises:
            CallError: The peers could not connect, or the call is running already.
            WaitTimeout: They did not connect in time.
            MediaError: A codec or a file cannot be used.
        """
        self._must_be_startable()
        self.state, self.outlives = "starting", True
        await on_lab_loop(self._start())
        if in_notebook() and self.beside():
            sys.stdout.write(f"{self.beside()}\n")
        return self

    async def close(self) -> None:
        """End it and everything it has opened; closing twice is fine."""
        if self._can_be_closed:
            # Who is interrupted now must not stop the closing.
            await lab_loop.start(self._close()).wait(cancel=False)
        elif spare.wanted_by(self):
            await lab_loop.start(spare.drop(self)).wait(cancel=False)

    def start_soon(self) -> None:
        """Start from any thread and return at once; listeners hear how it goes.

        What goes wrong is kept in ``failure``, and the state is ``broken`` then.

        Raises:
            CallError: It is running already.
        """
        self._must_be_startable()
        self.state, self.outlives = "starting", True  # at once: a second click must find it
        self._ended_by_hand = False
        lab_loop.start(self._start_or_break())

    def close_soon(self) -> None:
        """End it from any thread, also while it starts, and return at once."""
        if self._can_be_closed:
            self._ended_by_hand = True
            lab_loop.start(self._close())

    async def record(
        self,
        seconds: float,
        path: str | Path | None = None,
        *,
        force: bool = False,
        progress: bool | Progress = True,
    ) -> Run:
        """Record it and return the Run; what is not running is run for it.

        Args:
            seconds: How long, from the first frame that is shown on; 0.1 to 86,400.
            path: Where the Run is written while it grows; None keeps it in memory. Over some
                minutes a path is wise: what was written stays, whatever happens. Without one
                ``lab.kept_run()`` has what there was when the recording broke off.
            force: Replace a file that is there, once there is something to record.
            progress: Show a bar, or call this with the share that is done (0…1).

        Raises:
            BadValue: ``seconds`` is out of range.
            RecordingError: The file exists or the disk is full; what was written is kept.
            WorkerDied: The process that carries it ended; what was written is kept.
        """
        return await self.start_recording(seconds, path, force=force, progress=progress)

    def start_recording(
        self,
        seconds: float,
        path: str | Path | None = None,
        *,
        force: bool = False,
        progress: bool | Progress = True,
    ) -> Recording:
        """Start to record and return a handle at once; ``run = await handle`` in a later cell.

        Args:
            seconds: How long, as for ``record``.
            path: Where the Run is kept; in memory without it.
            force: Whether a file that is there may be replaced.
            progress: Whether a bar shows how far it is, or what does.

        Raises:
            BadValue: ``seconds`` is out of range.
            CallError: It is being recorded already, or is still starting.
        """
        self._must_be_recordable()
        recording = Recording(self, seconds, path, force=force, progress=progress)
        self._recordings.append(recording)
        recording.begin()
        return recording

    def set_link(self, direction: str | None = None, **changes: Any) -> None:
        """Bend the link while it runs (or before it starts).

        Args:
            direction: For instance ``alice->bob``; None for all.
            changes: Fields of ``Link``, for instance ``delay_ms=80, loss=0.02``.

        Raises:
            BadValue: A field or its value is not allowed; the link stays as it was.
        """
        self._bend(self._directions(direction), changes)

    async def ask(self, peer: str, function: Callable[[Any], Any]) -> Any:
        """Run ``function(peer)`` where the peer lives and return its result.

        Args:
            peer: For instance ``alice`` or ``bob``.
            function: Takes the ``Peer``; may return a coroutine, for instance
                ``lambda peer: peer.pc.getStats()``. The result must be plain data when the
                peer lives in the worker.

        Raises:
            CallError: Nothing is running, or the result cannot travel.
        """
        return await on_lab_loop(self._must_run().ask("ask", peer=peer, function=function))

    async def counts(self) -> dict[str, Any]:
        """Return the relay's counters by direction, as they are now."""
        counts: dict[str, Any] = await on_lab_loop(self._must_run().ask("counts"))
        return counts

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(name, payload)`` on the lab's loop; return a function that ends it.

        Names: ``state`` (payload: the state), ``picture``, ``numbers`` (see
        ``labkit.experiments.watching.Watch``), ``lost`` and ``found`` (payload: ``who``, ``why``;
        a connection that has ended while others go on, and one that is back); a room's ``people``
        (payload: ``name``, ``there``) when somebody has come or left.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def watch(self, pictures_hz: float, numbers_hz: float, seen_by: str | None = None) -> None:
        """Ask for pictures and numbers at these rates; 0 stops them.

        Args:
            pictures_hz: How often each picture comes.
            numbers_hz: How often the numbers come.
            seen_by: The receiver whose pictures are wanted; None for those of all.
        """
        if self._carrier is not None and self.state == "running":
            lab_loop.call_soon(self._watch_now, pictures_hz, numbers_hz, seen_by)

    def forget_panel(self, panel: Any) -> None:
        """Note that a panel was closed: the next ``show()`` makes a new one.

        Args:
            panel: What ``show()`` has returned.
        """
        if self._panel is panel:
            self._panel = None

    def _shown_in(self, panel_class: Callable[[Any], P]) -> P:
        if self._panel is None:
            self._panel = panel_class(self)
        panel: P = self._panel
        return panel

    @property
    def _can_be_closed(self) -> bool:
        return self.state == "starting" or self._carrier is not None

    def _bend(self, directions: Iterable[str], changes: dict[str, Any]) -> None:
        links, now_s = self.spec.links, self._now_s()
        bent = {name: links[name].at(now_s).replace(**changes) for name in directions}
        self._put_links(bent)

    def _put_links(self, links: dict[str, Any]) -> None:
        self.spec = self.spec.with_links({**self.spec.links, **links})
        if self.state == "running" and self._carrier is not None:
            for name, link in links.items():
                lab_loop.call_soon(self._send_link, name, link)

    def _now_s(self) -> float:
        return time.perf_counter() - self.time_zero if self.state == "running" else 0.0

    def _directions(self, direction: str | None) -> tuple[str, ...]:
        known = tuple(self.spec.directions)
        if direction is not None and direction not in known:
            raise BadValue(
                _("There is no direction {direction!r} here.").format(direction=direction),
                next_step=_("Use one of: {names}.").format(names=", ".join(known)),
            )
        return known if direction is None else (direction,)

    # What follows runs on the lab's loop.

    async def _start_or_break(self) -> None:
        try:
            await self._start()
        except LabError as error:
            self._break(error)
        except Exception as error:
            self._break(self.errors.did_not_start(error))

    def _break(self, error: LabError) -> None:
        if not self._ended_by_hand:  # who pressed Stop knows why
            self.failure = error
            self._set_state("broken")

    def _watch_now(self, pictures_hz: float, numbers_hz: float, seen_by: str | None = None) -> None:
        if self._carrier is not None:
            self._carrier.tell(
                "watch", pictures_hz=pictures_hz, numbers_hz=numbers_hz, seen_by=seen_by
            )
