"""How a call comes up and goes down; nothing of it is left behind, whatever happens between."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

from labkit.errors import LabError
from labkit.experiments.loop import lab_loop
from labkit.experiments.opened import opened
from labkit.experiments.places import Carrier, carrier_for
from labkit.experiments.saying import CallErrors
from labkit.experiments.spare import spare
from labkit.net import Link

if TYPE_CHECKING:
    from labkit.experiments.recording import Recording

__all__ = ["Lifecycle", "Listener", "Spec"]

Listener = Callable[[str, Any], None]


class Spec(Protocol):
    """What the states of a call need to know of what it is made of; plain data that travels."""

    @property
    def place(self) -> str:
        """``worker`` or ``kernel``."""
        ...

    @property
    def directions(self) -> tuple[str, ...]:
        """Names of the directions, for instance ``alice->bob``."""
        ...

    @property
    def links(self) -> dict[str, Link]:
        """The links by direction."""
        ...

    def with_links(self, links: Mapping[str, Link]) -> Self:
        """Return the same over other links."""
        ...


S = TypeVar("S", bound=Spec)


class Lifecycle(Generic[S]):
    """The states of a call: new, starting, running, closed, and broken when it failed.

    Args:
        spec: What the call is made of.
    """

    errors = CallErrors()

    start_within_s = 30.0
    "How long the session may take to connect; it has shorter limits of its own."

    outlives = False
    "Whether it was started to run on after its cell."

    def __init__(self, spec: S) -> None:
        self.spec = self._opened = spec
        self.state = "new"
        self.failure: LabError | None = None
        self.losses: dict[str, str] = {}
        "What of it has been lost while the rest runs on: why, in words, by whom it is about."
        self._carrier: Carrier | None = None
        self._listeners: list[Listener] = []
        self._recordings: list[Recording] = []
        self._starting: asyncio.Task[Any] | None = None
        self._holds_loop = False
        self.time_zero = 0.0

    def prepare_soon(self) -> None:
        """Have a worker ready before somebody starts this, from any thread; returns at once.

        For a widget with a Start button. What was prepared ends with ``close()``, after
        ``labkit.experiments.spare.IDLE_S`` without a start, and with this process.
        """
        if self.spec.place == "worker" and self.state not in ("starting", "running"):
            spare.want(self)

    def beside(self) -> str:
        """Return a sentence about another experiment that was left running, or nothing."""
        return opened.beside(self)

    def unprepare_soon(self) -> None:
        """End what ``prepare_soon`` has prepared, from any thread; returns at once."""
        if spare.wanted_by(self):
            lab_loop.start(spare.drop(self))

    def _told_state(self) -> str:
        """Return the state, and who is lost of what runs."""
        lost = self.losses if self.state == "running" else {}
        return f"{self.state} without {', '.join(lost)}" if lost else self.state

    def _must_be_startable(self) -> None:
        if self.state in ("starting", "running"):
            raise self.errors.running()
        self.failure = None

    def _must_be_recordable(self) -> None:
        if self._recordings:
            raise self.errors.recorded()
        if self.state == "starting":
            raise self.errors.starting()

    def _must_carry(self) -> Carrier:
        if self._carrier is None:
            raise self.errors.closed()
        return self._carrier

    def _must_run(self) -> Carrier:
        if self.failure is not None:
            raise copy.copy(self.failure)  # each with a traceback of its own
        if self.state != "running" or self._carrier is None:
            raise self.errors.not_running()
        return self._carrier

    def _hold(self, hold: bool) -> None:
        if hold == self._holds_loop:
            return
        self._holds_loop = hold
        if hold:
            lab_loop.hold()
        else:
            lab_loop.release()

    # What follows runs on the lab's loop.

    async def _prepare(self) -> None:
        self.losses.clear()
        self._set_state("starting")
        await self._close_carrier()  # of a call that broke
        opened.add(self)
        place, tell = self.spec.place, self._tell_listeners
        prepared = await spare.take(tell) if place == "worker" else None
        carrier = self._carrier = prepared or carrier_for(place, tell)
        self._hold(True)
        carrier.failed.add_done_callback(partial(self._broke, carrier))
        if prepared is None:
            await carrier.prepare()

    async def _open(self) -> None:
        self.time_zero = time.perf_counter()
        self._opened = self.spec
        await self._must_carry().open(self.spec, self.time_zero)

    async def _connect(self) -> None:
        await self._must_carry().ask("start", timeout=self.start_within_s)
        self._set_state("running")
        was = self._opened.links  # a link may have been bent meanwhile
        for direction, link in self.spec.links.items():
            if link != was[direction]:
                self._send_link(direction, link)

    async def _start(self) -> None:
        self._starting = asyncio.current_task()
        try:
            await self._prepare()
            await self._open()
            await self._connect()
        except BaseException as error:
            was_closed, self._starting = self._starting is None, None
            await self._close()
            if was_closed and isinstance(error, asyncio.CancelledError):
                raise self.errors.closed_while_starting() from None
            raise
        self._starting = None

    async def _close(self) -> None:
        starting, self._starting = self._starting, None
        if starting is not None:
            starting.cancel()
            await asyncio.wait([starting])
        for recording in list(self._recordings):
            await recording.finish_now()
        await self._close_carrier()
        opened.discard(self)
        await spare.drop(self)
        self._set_state("closed" if self.failure is None else "broken")

    async def _close_carrier(self) -> None:
        carrier, self._carrier = self._carrier, None
        if carrier is None:
            return
        try:
            with contextlib.suppress(LabError):
                await carrier.close()
        finally:
            self._hold(False)
            opened.discard(self)

    def _send_link(self, direction: str, link: Link) -> None:
        if self._carrier is not None:
            self._carrier.tell("change_link", direction=direction, link=link)

    def _broke(self, carrier: Carrier, failed: asyncio.Future[LabError]) -> None:
        if self._carrier is carrier and not failed.cancelled():
            self.failure = failed.result()
            self._set_state("broken")

    def _set_state(self, state: str) -> None:
        self.state = state
        self._tell_listeners("state", state)

    def _tell_listeners(self, name: str, payload: Any) -> None:
        if name == "lost":
            self.losses[payload["who"]] = payload["why"]
        elif name == "found":
            self.losses.pop(payload["who"], None)
        for listener in list(self._listeners):
            listener(name, payload)
