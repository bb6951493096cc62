"""A LiveKit server of the lab's own: started, watched, killed, brought back, ended."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Self, TypeVar

from labkit.errors import CallError, LabError, MissingPart, WaitTimeout
from labkit.process import Child, ChildDied
from labkit.rooms.address import ServerAddress
from labkit.rooms.base import Server
from labkit.rooms.build import BuildProgress, find_server
from labkit.rooms.building import build_in_thread
from labkit.rooms.config import ServerConfig
from labkit.rooms.hiding import hide_tokens
from labkit.rooms.ports import PortTaken, port_is_free
from labkit.rooms.program import KeptProgram
from labkit.rooms.settings import ServerOptions
from labkit.words import _

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LivekitServer"]

T = TypeVar("T")

READY_WITHIN_S = 10.0
HOME_WITHIN_S = 20.0
ABANDONED_WITHIN_S = 3.0
LINES_KEPT = 20_000
PORTS_TRIED = 3
"""How often other ports are tried, where the lab may choose them and somebody was faster."""


class LivekitServer(KeptProgram, Server):
    """A server on loopback that ends with the lab; an async context manager.

    Made by ``lab.livekit(...)``. ``await server.start()`` and ``await server.close()`` do what
    ``async with`` does, for a server that outlives its cell.

    Args:
        options: What it is to be told.
        build: Whether it is built where there is none.
        progress: Told how far the build is.
    """

    def __init__(self, options: ServerOptions, *, build: bool, progress: BuildProgress | None):
        super().__init__(LINES_KEPT)
        self.ready_after_s: float | None = None
        "Seconds from the program's start until it answered; None before that."
        self._options = options
        self._build = build
        self._progress = progress
        self._config: ServerConfig | None = None
        self._home: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        where = self._config.url if self._config else _("not started")
        return f"<LivekitServer {where}, {'running' if self.alive else 'ended'}>"

    @property
    def config(self) -> ServerConfig:
        """What the server was told."""
        if self._config is None:
            raise _not_running(_("Use “await server.start()” or “async with lab.livekit()” first."))
        return self._config

    @property
    def address(self) -> ServerAddress:
        """Where the server is, and its key, for other processes."""
        return ServerAddress(self.config.url, self.config.api_key, self.config.api_secret)

    @property
    def udp_port(self) -> int:
        """The one UDP port of all media."""
        return self.config.udp_port

    @property
    def opened(self) -> str:
        """What other machines can reach, in words; empty where that is nothing."""
        return self._options.opened(self.config)

    async def metrics(self) -> dict[str, float]:
        """Return the server's counters by name and labels; they lag by some seconds.

        Raises:
            CallError: The server is not running.
        """
        from labkit.rooms.metrics import fetch_metrics

        return await fetch_metrics(self.config)

    async def start(self) -> Self:
        """Find or build the program, start it, and return when it answers.

        Raises:
            MissingPart: There is no server and none can be built.
            BadValue: A port that was asked for is taken.
            WaitTimeout: It did not answer in time.
            CallError: It is running already, or ended at its start.
        """
        if self._child is not None:
            raise CallError(
                _("This LiveKit server is running already."),
                next_step=_("Use it, or end it with “await server.close()”."),
            )
        program = await self._program()
        self._home = asyncio.get_running_loop()
        await self._start_keeper()
        try:
            await self._start_somewhere(program)
        except BaseException:
            await self.close()
            raise
        return self

    async def restart(self) -> None:
        """End the server if it runs, and start it with the same ports, secret and limits.

        Raises:
            CallError: It was never started, or somebody else has taken its port.
            WaitTimeout: It did not answer in time.
        """
        config = self.config
        await self._at_home(self._restart(config))

    async def kill(self) -> None:
        """End the server at once, as a crash would; ``restart()`` brings it back."""
        await self._at_home(self._end("kill"))

    async def close(self) -> None:
        """End the server, with everybody who is still in a room; closing twice is fine."""
        if self._home is not None and self._home.is_closed():
            await asyncio.to_thread(self._abandon)
        elif self._child is not None:
            await self._at_home(self._end_keeper())

    def _abandon(self) -> None:
        """End the server when the loop that it was started on is gone."""
        child, self._child, self._pid = self._child, None, None
        if child is None:
            return
        assert child.process.stdin is not None and child.process.stdout is not None
        child.process.stdin.close()  # which its keeper takes as its end
        child.process.wait(ABANDONED_WITHIN_S)
        child.process.stdout.close()

    async def _program(self) -> Path:
        program = find_server()
        if program is None and not self._build:
            raise MissingPart(
                _("There is no LiveKit server on this machine."),
                next_step=_("Build it once with “labkit livekit --build”, about two minutes."),
            )
        return program or await build_in_thread(self._progress)

    async def _start_somewhere(self, program: Path) -> None:
        for attempt in range(PORTS_TRIED):
            self._config = self._options.config()
            try:
                await self._run(program, self._config)
            except PortTaken as taken:
                if self._options.fixed_ports or attempt == PORTS_TRIED - 1:
                    raise taken.in_words() from None
            else:
                return

    async def _restart(self, config: ServerConfig) -> None:
        await self._end("stop")
        try:
            await self._run(await self._program(), config)
        except PortTaken as taken:
            raise taken.in_words() from None

    async def _end(self, how: str) -> None:
        try:
            await self._keeper().call(how, timeout=3.0)
        except ChildDied:  # between the question and the answer
            raise _not_running(_("Make another one with “lab.livekit()”.")) from None
        self._pid = None

    async def _run(self, program: Path, config: ServerConfig) -> None:
        _must_be_free(config)
        self._gone.clear()
        began_s = time.perf_counter()
        self._pid = await self._keeper().call(
            "start",
            command=[str(program)],
            environment={"LIVEKIT_CONFIG": config.to_yaml()},  # arguments are seen by everybody
            advice=_("Remove that file, and build it again with “labkit livekit --build”."),
        )
        await self._ready(config)
        self.ready_after_s = time.perf_counter() - began_s

    async def _ready(self, config: ServerConfig) -> None:
        from labkit.rooms.metrics import answers

        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not await answers(config):
                    if not self.alive:
                        raise self._why_ended(config)
                    await asyncio.sleep(0.01)
        except TimeoutError as error:
            if isinstance(error, LabError):
                raise
            raise WaitTimeout(
                _("The LiveKit server did not answer within {seconds:g} s.").format(
                    seconds=READY_WITHIN_S
                ),
                next_step=_("Close other programs, and try again; server.log() has its words."),
            ) from None

    def _why_ended(self, config: ServerConfig) -> Exception:
        told = " / ".join(self.log()[-3:])
        if "address already in use" in told or "Only one usage of each socket" in told:
            port = re.search(r":(\d+): bind", told)
            return PortTaken(int(port[1]) if port else config.port)
        return CallError(_("The LiveKit server ended at its start."), told)

    def _keeper(self) -> Child:
        if self._child is None or not self._child.alive:
            raise _not_running(_("Make another one with “lab.livekit()”."))
        return self._child

    def _without_secrets(self, line: str) -> str:
        if self._config is not None:
            for secret in self._config.secrets:
                line = line.replace(secret, "…")
        return hide_tokens(line)

    async def _at_home(self, work: Coroutine[Any, Any, T]) -> T:
        """Await work on the loop that started the server: its pipes belong there."""
        home = self._home
        if home is None or home is asyncio.get_running_loop() or home.is_closed():
            return await work
        elsewhere = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, home))
        try:
            return await asyncio.wait_for(elsewhere, HOME_WITHIN_S)
        except TimeoutError as error:
            if isinstance(error, LabError):
                raise
            raise WaitTimeout(
                _("The loop that started the LiveKit server does not answer."),
                _("In a notebook it is busy while a cell runs."),
                _("Wait until no cell is running, and try again."),
            ) from None


def _must_be_free(config: ServerConfig) -> None:
    # Another server on our port would answer in place of ours.
    if not port_is_free(config.address, config.port):
        raise PortTaken(config.port)
    if not port_is_free(config.address, config.udp_port, "udp"):
        raise PortTaken(config.udp_port)


def _not_running(next_step: str) -> CallError:
    return CallError(_("The LiveKit server is not running."), next_step=next_step)
