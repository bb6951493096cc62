"""coturn as a process of the lab's own: a TURN server that is no part of LiveKit's."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from labkit.errors import CallError, MissingPart, WaitTimeout
from labkit.process import Child
from labkit.rooms.address import TurnAddress
from labkit.rooms.ports import free_port, free_udp_range, port_is_free
from labkit.rooms.program import KeptProgram
from labkit.words import _

__all__ = ["Coturn", "CoturnConfig", "coturn", "find_coturn"]

PROGRAM = "turnserver"
RELAY_PORTS = 40
READY_WITHIN_S = 5.0
PORTS_TRIED = 3
LINES_KEPT = 5000

_BINDING = b"\x00\x01\x00\x00\x21\x12\xa4\x42"
"""The first 8 bytes of a STUN Binding request: type, length, magic cookie (RFC 8489)."""


@dataclass(frozen=True)
class CoturnConfig:
    """What coturn is told.

    Args:
        port: UDP port that clients speak to, 1–65535.
        relay_ports: UDP ports that it relays through, one a client.
        secret: The shared secret; passwords are made from it and hold for a while (TURN REST).
        address: The one IPv4 address that everything binds to.
    """

    port: int
    relay_ports: range
    secret: str = field(repr=False)
    address: str = "127.0.0.1"

    def to_text(self) -> str:
        """Return the settings as coturn reads them."""
        values = {
            "listening-ip": self.address,
            "relay-ip": self.address,
            "listening-port": self.port,
            "min-port": self.relay_ports.start,
            "max-port": self.relay_ports.stop - 1,
            "realm": "lab",
            "static-auth-secret": self.secret,
            "userdb": "users",
            "pidfile": "pid",
            "log-file": "stdout",
        }
        switches = [
            "use-auth-secret",
            "fingerprint",
            "allow-loopback-peers",  # the room's server is on this machine
            "no-multicast-peers",
            "no-tcp",
            "no-tcp-relay",
            "no-tls",
            "no-dtls",
            "no-cli",
            "simple-log",
            "verbose",
        ]
        return "\n".join([*(f"{name}={value}" for name, value in values.items()), *switches, ""])


class Coturn(KeptProgram):
    """A TURN server on loopback that ends with the lab; an async context manager.

    Made by ``rooms.coturn()``. It is a process of its own, never the system's service.
    """

    def __init__(self) -> None:
        super().__init__(LINES_KEPT)
        self._config: CoturnConfig | None = None

    def __repr__(self) -> str:
        where = f"turn:{self._config.address}:{self._config.port}" if self._config else "–"
        return f"<Coturn {where}, {'running' if self.alive else 'ended'}>"

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def config(self) -> CoturnConfig:
        """What it was told.

        Raises:
            CallError: It was never started.
        """
        if self._config is None:
            raise CallError(
                _("coturn is not running."),
                next_step=_("Use “async with rooms.coturn() as relay”."),
            )
        return self._config

    @property
    def address(self) -> TurnAddress:
        """Where it is, and its secret, for ``lab.livekit(turn=…)``."""
        return TurnAddress(self.config.address, self.config.port, self.config.secret)

    async def start(self) -> Self:
        """Return when it answers.

        Raises:
            MissingPart: coturn is not on this machine.
            CallError: It ended at its start.
            WaitTimeout: It did not answer in time.
        """
        program = find_coturn()
        if program is None:
            raise _missing()
        if self._child is not None:
            raise CallError(_("coturn is running already."))
        await self._start_keeper()
        try:
            await self._start_somewhere(program)
        except BaseException:
            await self.close()
            raise
        return self

    async def close(self) -> None:
        """End it, and everything that is relayed through it; closing twice is fine."""
        await self._end_keeper()

    async def _start_somewhere(self, program: Path) -> None:
        for attempt in range(PORTS_TRIED):
            config = self._config = _free_config()
            self._gone.clear()
            self._pid = await self._keeper().call(
                "start",
                command=[str(program), "-c", "turnserver.conf"],
                files={"turnserver.conf": config.to_text()},  # an argument is seen by everybody
                advice=_("Install coturn anew."),
            )
            try:
                await self._ready(config)
            except CallError:  # perhaps somebody else was faster at the port
                if attempt == PORTS_TRIED - 1 or port_is_free(config.address, config.port, "udp"):
                    raise
            else:
                return

    async def _ready(self, config: CoturnConfig) -> None:
        until_s = time.monotonic() + READY_WITHIN_S
        while not await answers_stun(config.address, config.port):
            if not self.alive:
                told = " / ".join(line.strip() for line in self.log()[-3:])
                raise CallError(_("coturn ended at its start."), told)
            if time.monotonic() > until_s:
                raise WaitTimeout(
                    _("coturn did not answer within {seconds:g} s.").format(seconds=READY_WITHIN_S),
                    next_step=_("Close other programs, and try again; relay.log() has its words."),
                )
            await asyncio.sleep(0.02)

    def _keeper(self) -> Child:
        if self._child is None:
            raise CallError(_("coturn is not running."))
        return self._child

    def _without_secrets(self, line: str) -> str:
        return line.replace(self.config.secret, "…")


class _Answer(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.came = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if not self.came.done():
            self.came.set_result(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there yet: the next request will tell."""


async def answers_stun(host: str, port: int, within_s: float = 0.2) -> bool:
    """Return whether a STUN server answers a Binding request (RFC 8489).

    Args:
        host: An IPv4 address.
        port: Its UDP port.
        within_s: How long to wait, in seconds.
    """
    number = secrets.token_bytes(12)
    loop = asyncio.get_running_loop()
    transport, answer = await loop.create_datagram_endpoint(_Answer, remote_addr=(host, port))
    try:
        transport.sendto(_BINDING + number)
        data = await asyncio.wait_for(answer.came, within_s)
    except TimeoutError:
        return False
    finally:
        transport.close()
    return bytes(data[:2]) == b"\x01\x01" and bytes(data[8:20]) == number


def find_coturn() -> Path | None:
    """Return coturn's program, None where this machine has none."""
    found = shutil.which(PROGRAM)
    return None if found is None else Path(found)


def coturn() -> Coturn:
    """Return a TURN server that ``async with`` or ``await relay.start()`` starts.

    Notebook: notebooks/deeper/10-turn.ipynb
    """
    return Coturn()


def _free_config() -> CoturnConfig:
    return CoturnConfig(
        port=free_port("127.0.0.1", "udp"),
        relay_ports=free_udp_range("127.0.0.1", RELAY_PORTS),
        secret=secrets.token_hex(32),
    )


def _missing() -> MissingPart:
    return MissingPart(
        _("There is no coturn on this machine."),
        _("The lab uses its program “turnserver” if it is there, and never the system's service."),
        _("Install it, for instance with “apt-get install coturn”."),
    )
