"""A call between two peers on this machine, as a notebook or the command line holds it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from labkit.errors import BadValue
from labkit.experiments.lifecycle import Lifecycle, Listener
from labkit.experiments.loop import lab_loop, on_lab_loop
from labkit.experiments.recording import Progress, Recording
from labkit.experiments.spec import CallSpec, link_pair
from labkit.words import _

if TYPE_CHECKING:
    from labkit.live.panel import CallPanel
    from labkit.run import Run

__all__ = ["Call", "call"]


class Call(Lifecycle):
    """Two peers joined by a Link each way; an async context manager.

    Made by ``lab.call(...)``. ``await call.start()`` and ``await call.close()`` do what
    ``async with`` does, for a call that outlives its cell.
    """

    def __init__(self, spec: CallSpec) -> None:
        super().__init__(spec)
        self._panel: CallPanel | None = None

    def __repr__(self) -> str:
        first, second = self.spec.names
        return (
            f"<Call {first} ⇄ {second}, {self.state}, {self.spec.place}, "
            f"{first}→{second} {self.spec.forward!r}, seed {self.spec.seed}>"
        )

    async def __aenter__(self) -> Self:
        await self.start()
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
        self.state = "starting"
        await on_lab_loop(self._start())
        return self

    async def close(self) -> None:
        """End the call and everything it has opened; closing twice is fine."""
        if self.state == "starting" or self._carrier is not None:
            # Who is interrupted now must not stop the closing.
            await lab_loop.start(self._close()).wait(cancel=False)

    async def record(
        self,
        seconds: float,
        path: str | Path | None = None,
        *,
        force: bool = False,
        progress: bool | Progress = True,
    ) -> Run:
        """Record the call and return the Run; a call that is not running is run for it.

        Args:
            seconds: How long, from the first frame that is shown on; 0.1 to 86,400.
            path: Where the Run is written while it grows; None keeps it in memory.
            force: Replace a file that is there.
            progress: Show a bar, or call this with the share that is done (0…1).

        Raises:
            BadValue: ``seconds`` is out of range.
            RecordingError: The file exists or the disk is full; what was written is kept.
            WorkerDied: The call's process ended; what was written is kept.
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

        The arguments are those of ``record``.

        Raises:
            BadValue: ``seconds`` is out of range.
            CallError: The call is being recorded already, or is still starting.
        """
        self._must_be_recordable()
        recording = Recording(self, seconds, path, force=force, progress=progress)
        self._recordings.append(recording)
        recording.begin()
        return recording

    def set_link(self, direction: str | None = None, **changes: Any) -> None:
        """Bend the link while the call runs (or before it starts).

        Args:
            direction: ``alice->bob`` or ``bob->alice``; None for both.
            changes: Fields of ``Link``, for instance ``delay_ms=80, loss=0.02``.

        Raises:
            BadValue: A field or its value is not allowed; the link stays as it was.
        """
        links = dict(zip(self.spec.directions, (self.spec.forward, self.spec.back), strict=True))
        for name in self._directions(direction):
            links[name] = links[name].at(self._now_s()).replace(**changes)
        self.spec = self.spec.with_links(*links.values())
        if self.state == "running" and self._carrier is not None:
            for name in self._directions(direction):
                lab_loop.call_soon(self._send_link, name, links[name])

    async def ask(self, peer: str, function: Callable[[Any], Any]) -> Any:
        """Run ``function(peer)`` where the peer lives and return its result.

        Args:
            peer: ``alice`` or ``bob``.
            function: Takes the ``Peer``; may return a coroutine, for instance
                ``lambda peer: peer.pc.getStats()``. The result must be plain data when the
                call lives in the worker.

        Raises:
            CallError: The call does not run, or the result cannot travel.
        """
        return await on_lab_loop(self._must_run().ask("ask", peer=peer, function=function))

    async def counts(self) -> dict[str, Any]:
        """Return the relay's counters by direction, as they are now."""
        counts: dict[str, Any] = await on_lab_loop(self._must_run().ask("counts"))
        return counts

    def show(self) -> CallPanel:
        """Return the live panel: both pictures, charts, sliders, start and stop."""
        from labkit.live.panel import CallPanel

        if self._panel is None:
            self._panel = CallPanel(self)
        return self._panel

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener(name, payload)`` on the lab's loop; return a function that ends it.

        Names: ``state`` (payload: the state), ``picture``, ``numbers`` (see
        ``labkit.experiments.watching.Watch``).
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def watch(self, pictures_hz: float, numbers_hz: float) -> None:
        """Ask for pictures and numbers at these rates; 0 stops them."""
        if self._carrier is not None and self.state == "running":
            lab_loop.call_soon(self._watch_now, pictures_hz, numbers_hz)

    # What follows runs on the lab's loop.

    def _watch_now(self, pictures_hz: float, numbers_hz: float) -> None:
        if self._carrier is not None:
            self._carrier.tell("watch", pictures_hz=pictures_hz, numbers_hz=numbers_hz)

    def _now_s(self) -> float:
        return time.perf_counter() - self.time_zero if self.state == "running" else 0.0

    def _directions(self, direction: str | None) -> tuple[str, ...]:
        known = self.spec.directions
        if direction is not None and direction not in known:
            raise BadValue(
                _("There is no direction {direction!r} in this call.").format(direction=direction),
                next_step=_("Use one of: {names}.").format(names=", ".join(known)),
            )
        return known if direction is None else (direction,)


def call(
    *,
    video: Any = None,
    audio: Any = None,
    back_video: Any = None,
    back_audio: Any = None,
    link: Any = None,
    codec: str = "vp8",
    jitter_buffer: str | type[Any] = "marker",
    engine: str = "labkit",
    signaling: str = "memory",
    place: str = "worker",
    seed: int = 1,
) -> Call:
    """Make a call from alice to bob on this machine; nothing starts before it is asked to.

    Args:
        video: Source from alice to bob; a ``TestPattern`` when no source at all is given.
        audio: Audio source from alice to bob.
        back_video: Source from bob to alice.
        back_audio: Audio source from bob to alice.
        link: One ``Link`` for both directions, or a pair (there, back); each direction has
            random streams of its own.
        codec: ``vp8`` or ``h264``.
        jitter_buffer: ``marker`` (a frame is complete on its marker bit), ``stock`` (aiortc's
            own), or a class with a method ``add(packet)``, also one written in a cell.
        engine: ``labkit``.
        signaling: ``memory``.
        place: ``worker`` (a process of its own) or ``kernel`` (a thread beside the cells).
        seed: Seed of every random stream of the call.

    Raises:
        BadValue: An argument is not allowed.

    Notebook: notebooks/00-start.ipynb
    """
    if not any((video, audio, back_video, back_audio)):
        from labkit.media import TestPattern

        video = TestPattern()
    forward, back = link_pair(link)
    return Call(
        CallSpec(
            video=video,
            audio=audio,
            back_video=back_video,
            back_audio=back_audio,
            forward=forward,
            back=back,
            codec=codec,
            jitter_buffer=jitter_buffer,
            engine=engine,
            signaling=signaling,
            place=place,
            seed=seed,
        )
    )
