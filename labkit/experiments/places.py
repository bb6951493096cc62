"""Where a call lives: in a worker process, or on the lab's loop inside this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

import cloudpickle

from labkit.errors import CallError, LabError, WorkerDied
from labkit.experiments.host import Host
from labkit.process import Child, ChildDied
from labkit.words import _

__all__ = ["Carrier", "carrier_for"]


class Carrier(Protocol):
    """A host of one session, near or far; it belongs to the lab's loop."""

    failed: asyncio.Future[LabError]
    "Set when the call broke on its own."
    on_message: Callable[[str, Any], None]
    "Takes what the session tells."

    async def prepare(self) -> None:
        """Load what a call needs."""
        ...

    async def open(self, spec: Any, time_zero: float) -> None:
        """Make the session."""
        ...

    async def ask(self, method: str, timeout: float = 20.0, **arguments: Any) -> Any:
        """Call a method of the session and return its result."""
        ...

    def tell(self, method: str, **arguments: Any) -> None:
        """Call a method of the session without waiting."""
        ...

    async def close(self) -> None:
        """Close the session and whatever carried it."""
        ...


def carrier_for(place: str, on_message: Callable[[str, Any], None]) -> Carrier:
    """Return a carrier for ``worker`` or ``kernel``."""
    return _Worker(on_message) if place == "worker" else _Kernel(on_message)


class _Kernel:
    def __init__(self, on_message: Callable[[str, Any], None]) -> None:
        self.failed: asyncio.Future[LabError] = asyncio.get_running_loop().create_future()
        self.on_message = on_message
        self._host = Host(self._notify)

    async def prepare(self) -> None:
        await self._host.prepare()

    async def open(self, spec: Any, time_zero: float) -> None:
        await self._host.open(spec, time_zero)

    async def ask(self, method: str, timeout: float = 20.0, **arguments: Any) -> Any:
        return await self._host.ask(method, arguments)

    def tell(self, method: str, **arguments: Any) -> None:
        self._host.tell(method, arguments)

    async def close(self) -> None:
        await self._host.close()

    def _notify(self, name: str, payload: Any) -> None:
        _fail_or_forward(self.failed, self.on_message, name, payload)


class _Worker:
    def __init__(self, on_message: Callable[[str, Any], None]) -> None:
        self.failed: asyncio.Future[LabError] = asyncio.get_running_loop().create_future()
        self.on_message = on_message
        self._child: Child | None = None

    @property
    def child(self) -> Child:
        assert self._child is not None, "prepare first"
        return self._child

    async def prepare(self) -> None:
        self._child = await Child.start("labkit.experiments.worker")
        self._child.on_message = self._notify
        self._child.died.add_done_callback(self._died)
        await self._do("prepare", 30.0)

    async def open(self, spec: Any, time_zero: float) -> None:
        await self._do("open", 10.0, spec=spec, time_zero=time_zero)

    async def ask(self, method: str, timeout: float = 20.0, **arguments: Any) -> Any:
        return await self._do("ask", timeout, method=method, arguments=arguments)

    def tell(self, method: str, **arguments: Any) -> None:
        self.child.tell("tell", packed=_packed(method=method, arguments=arguments))

    async def close(self) -> None:
        if self._child is not None:
            await self._child.close()

    async def _do(self, name: str, timeout: float, **arguments: Any) -> Any:
        try:
            return await self.child.call(name, timeout=timeout, packed=_packed(**arguments))
        except ChildDied as error:
            raise _worker_died() from error

    def _notify(self, name: str, payload: Any) -> None:
        _fail_or_forward(self.failed, self.on_message, name, payload)

    def _died(self, _died: asyncio.Future[None]) -> None:
        if not self.failed.done():
            self.failed.set_result(_worker_died())


def _packed(**arguments: Any) -> bytes:
    """Pickle arguments apart from their message: the worker can then answer where that fails."""
    try:
        packed: bytes = cloudpickle.dumps(arguments)
    except Exception as error:  # whatever a student's class does when it is pickled
        raise CallError(
            _("Something of this call cannot travel to the worker process."),
            f"{type(error).__name__}: {error}.",
            _('Leave open files, locks and the like out of the class, or use place="kernel".'),
        ) from error
    return packed


def _worker_died() -> WorkerDied:
    return WorkerDied(
        _("The process that carried the call ended."),
        _("It was ended from outside, or it crashed."),
        _("Start the call again; “labkit doctor” checks this machine."),
    )


def _fail_or_forward(
    failed: asyncio.Future[LabError],
    on_message: Callable[[str, Any], None],
    name: str,
    payload: Any,
) -> None:
    if name != "failed":
        on_message(name, payload)
    elif not failed.done():
        failed.set_result(payload)
