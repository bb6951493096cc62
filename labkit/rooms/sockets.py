"""The sockets of this process and of all that it has started: which way out is there?"""

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING, Any

from labkit.words import _

if TYPE_CHECKING:
    import pandas as pd
    import psutil

__all__ = ["OpenSocket", "is_loopback", "open_sockets"]

_CHILD = "labkit.process"
"""How the lab's own children are started: ``python -m labkit.process MODULE``."""


@dataclass(frozen=True)
class OpenSocket:
    """One socket, its ports left out."""

    program: str
    protocol: str
    here: str
    "Address that it is bound to; 0.0.0.0 and :: are all of this machine."
    there: str | None
    "Address that it is connected to; None for one that listens, and for most of UDP."

    @property
    def stays(self) -> bool:
        """Whether nothing can leave or enter this machine by it: one end is loopback."""
        return any(is_loopback(end) for end in (self.here, self.there) if end is not None)


def open_sockets() -> pd.DataFrame:
    """Return the internet sockets of this process and of all that it has started.

    Returns:
        One row for all that are alike: ``program``, ``protocol``, ``here``, ``there``, ``stays``
        (False where another machine *could* be at the other end) and ``count``.

    Notebook: notebooks/deeper/10-broadcast.ipynb
    """
    import pandas as pd

    found = Counter(_sockets_of(_family()))
    names = [field.name for field in fields(OpenSocket)]
    rows = [(*astuple(one), one.stays, count) for one, count in found.items()]
    table = pd.DataFrame(rows, columns=[*names, "stays", "count"])
    return table.sort_values(names, ignore_index=True)


def is_loopback(address: str) -> bool:
    """Return whether an IP address never leaves this machine.

    Args:
        address: For instance ``127.0.0.1`` or ``::1``.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return bool((mapped or parsed).is_loopback)


def _family() -> list[psutil.Process]:
    import psutil  # ipykernel's

    me = psutil.Process()
    return [me, *me.children(recursive=True)]


def _sockets_of(processes: Iterable[psutil.Process]) -> Iterator[OpenSocket]:
    import psutil

    for process in processes:
        try:
            program = _program(process)
            for one in process.net_connections("inet"):
                yield OpenSocket(program, _protocol(one), one.laddr.ip, _far(one))
        except psutil.NoSuchProcess:  # it ended meanwhile, and so did its sockets
            continue


def _far(connection: Any) -> str | None:
    return connection.raddr.ip if connection.raddr else None


def _protocol(connection: Any) -> str:
    import socket

    return "UDP" if connection.type == socket.SOCK_DGRAM else "TCP"


def _program(process: psutil.Process) -> str:
    if process.pid == os.getpid():
        return _("this notebook")
    command = process.cmdline()
    if _CHILD in command[:-1]:
        return command[command.index(_CHILD) + 1]
    return process.name()
