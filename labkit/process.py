"""Child processes of the lab: started fast, spoken to over their own pipes, never left behind.

Messages are pickles behind a four-byte length. A child is ``python -m labkit.process MODULE``;
it calls ``MODULE.main(pipe)``. Its standard input ends when its parent ends, however that
happened, and then the child has ``GRACE_S`` seconds before it is ended.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

from labkit.errors import LabError, WaitTimeout
from labkit.words import _

__all__ = ["Child", "ChildDied", "GRACE_S", "Pipe"]

GRACE_S = 1.5
"""Seconds that a child has to close everything after its parent is gone."""

_LENGTH = struct.Struct("!I")


class ChildDied(LabError):
    """A helper process ended while something still waited for it."""


class Pipe:
    """One end of the conversation between a parent and a child.

    Args:
        reader: Binary stream to read messages from.
        writer: Binary stream to write messages to.
    """

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Write one message; a reader that is gone is no error (its end is seen elsewhere)."""
        self.send_bytes(pickle.dumps(message, protocol=5))

    def send_bytes(self, data: bytes) -> None:
        """Write one message that is a pickle already."""
        with self._lock:
            try:
                self._writer.write(_LENGTH.pack(len(data)) + data)
                self._writer.flush()
            except (OSError, ValueError):
                pass

    def receive(self) -> Any:
        """Return the next message.

        Raises:
            EOFError: The other side is gone.
        """
        head = self._read(_LENGTH.size)
        return pickle.loads(self._read(_LENGTH.unpack(head)[0]))

    def listen(self, on_message: Callable[[Any], None], on_end: Callable[[], None]) -> None:
        """Call ``on_message`` for every message and ``on_end`` once, in this thread."""
        try:
            while True:
                on_message(self.receive())
        except (EOFError, OSError, ValueError):
            on_end()

    def _read(self, size: int) -> bytes:
        data = self._reader.read(size)
        if data is None or len(data) < size:
            raise EOFError
        return data


class Child:
    """A helper process and the calls that wait for its answers; an async context manager.

    Use ``await Child.start("labkit.net.relay")``, then ``await child.call("open", ...)``.
    Methods other than ``start`` belong to the loop that started the child.
    """

    def __init__(
        self, module: str, process: subprocess.Popen[bytes], dumps: Callable[[Any], bytes]
    ) -> None:
        assert process.stdin is not None and process.stdout is not None
        self.module = module
        self.process = process
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.on_message: Callable[[str, Any], None] = lambda name, payload: None
        self._loop = asyncio.get_running_loop()
        self._pipe = Pipe(process.stdout, process.stdin)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        self._dumps = dumps
        self._thread = threading.Thread(
            target=self._pipe.listen,
            args=(self._from_thread(self._receive), self._from_thread(self._end)),
            name=f"{module} reader",
            daemon=True,
        )

    @classmethod
    async def start(cls, module: str, *, dumps: Callable[[Any], bytes] = pickle.dumps) -> Child:
        """Start ``python -m labkit.process MODULE`` and return at once.

        Args:
            module: Module with a ``main(pipe)``.
            dumps: How messages to the child are pickled; ``cloudpickle.dumps`` for a child
                that may be sent a class that was written in a notebook's cell.
        """
        process = subprocess.Popen(  # noqa: ASYNC220 (a few ms; its pipes get a thread)
            [sys.executable, "-m", "labkit.process", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # A notebook's Ctrl-C goes to the whole process group; children end by their pipe.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        child = cls(module, process, dumps)
        child._thread.start()
        return child

    async def __aenter__(self) -> Child:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return not self.died.done()

    async def call(self, method: str, /, *, timeout: float = 10.0, **arguments: Any) -> Any:
        """Ask the child to do ``method`` and return its answer.

        Args:
            method: What the child's handler calls it.
            timeout: Seconds to wait for the answer.
            arguments: Anything that can be pickled.

        Raises:
            ChildDied: The process ended before it answered.
            WaitTimeout: It did not answer in time.
            LabError: What the child raised.
        """
        if not self.alive:
            raise self._died_error()
        self._count += 1
        number = self._count
        answer = self._answers[number] = self._loop.create_future()
        self._pipe.send_bytes(self._dumps((number, method, arguments)))
        try:
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError as error:
            if isinstance(error, LabError):
                raise
            raise WaitTimeout(
                _("{module} did not answer “{method}” within {timeout:g} s.").format(
                    module=self.module, method=method, timeout=timeout
                ),
                next_step=_("Close the call and start it again; the machine may be overloaded."),
            ) from None
        finally:
            self._answers.pop(number, None)

    def tell(self, method: str, /, **arguments: Any) -> None:
        """Ask the child to do ``method`` without waiting for an answer."""
        self._pipe.send_bytes(self._dumps((None, method, arguments)))

    async def close(self, timeout: float = 2.0) -> None:
        """End the child: close its input, wait for it, end it by force if it stays."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self.died)
        except TimeoutError:
            self.process.kill()
            await asyncio.shield(self.died)
        self._thread.join(1.0)
        self.process.stdout.close()

    def _from_thread(self, function: Callable[..., None]) -> Callable[..., None]:
        def forward(*args: Any) -> None:
            try:
                self._loop.call_soon_threadsafe(function, *args)
            except RuntimeError:  # the loop is closed: nobody waits any more
                self.process.kill()
                self.process.wait()

        return forward

    def _receive(self, message: tuple[int | str, bool, Any]) -> None:
        number, fine, value = message
        if isinstance(number, str):
            self.on_message(number, value)
            return
        answer = self._answers.get(number)
        if answer is None or answer.done():
            return
        if fine:
            answer.set_result(value)
        else:
            answer.set_exception(value)

    def _end(self) -> None:
        try:
            self.process.wait(0.5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(self._died_error())
        if not self.died.done():
            self.died.set_result(None)

    def _died_error(self) -> ChildDied:
        return ChildDied(
            _("The helper process {module} ended.").format(module=self.module),
            _("Its exit code was {code}.").format(code=self.process.poll()),
            _("Start the call again; if it happens twice, run “labkit doctor”."),
        )


def end_soon() -> None:
    """End this process after ``GRACE_S`` seconds, whatever it is doing by then."""
    timer = threading.Timer(GRACE_S, os._exit, args=(3,))
    timer.daemon = True
    timer.start()


def _main() -> None:
    module = sys.argv[1]
    # A stray print of ours or of a student's class must not fall into the messages.
    writer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    pipe = Pipe(sys.stdin.buffer, writer)
    importlib.import_module(module).main(pipe)


if __name__ == "__main__":
    _main()
