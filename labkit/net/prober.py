"""How exact is a link? Measured from outside, by a process that sends and receives itself.

It sends small stamped datagrams at uneven moments through a bridge of a relay of its own, and
compares the time that each took with the delay that was asked for. Beside a running call this
shows what the call's load does to a link.
"""

from __future__ import annotations

import random
import select
import struct
import time
from typing import Any

from labkit.errors import WaitTimeout
from labkit.net.link import Link
from labkit.net.relay_handle import Relay, percentile
from labkit.net.sdp import Address
from labkit.net.udp import open_udp, receive
from labkit.process import Child, Pipe
from labkit.words import _

__all__ = ["Prober", "main", "measure_link"]

RATE_HZ = 200
"""Datagrams per second, about what a video call sends."""

SIZE_BYTES = 200

_STAMP = struct.Struct("!d")
_SETTLE_S = 0.2
_LAST_S = 1.0


class Prober:
    """Two sockets at the two ends of a bridge."""

    def __init__(self) -> None:
        self._near = open_udp()
        self._far = open_udp()

    def do_addresses(self) -> tuple[Address, Address]:
        """Return where the two ends are."""
        near, far = (udp.getsockname() for udp in (self._near, self._far))
        return near, far

    def do_probe(self, relay: Address, delay_s: float, seconds: float) -> list[float]:
        """Send for some seconds; return each datagram's time on the way minus the delay (s)."""
        begin = next_at = time.perf_counter()
        end = begin + _SETTLE_S + seconds
        taken: list[tuple[float, float]] = []
        while next_at < end:
            self._receive_until(next_at, taken)
            stamp = _STAMP.pack(time.perf_counter())
            self._near.sendto(stamp.ljust(SIZE_BYTES, b"\0"), relay)
            # An even beat could fall in step with the frames of the call beside it.
            next_at += random.uniform(0.5, 1.5) / RATE_HZ
        self._receive_until(end + delay_s + _LAST_S, taken, sent_by=end)
        settled = begin + _SETTLE_S
        return [came - sent - delay_s for sent, came in taken if sent >= settled]

    def close(self) -> None:
        """Close both sockets."""
        self._near.close()
        self._far.close()

    def _receive_until(
        self, deadline: float, taken: list[tuple[float, float]], sent_by: float | None = None
    ) -> None:
        while (left := deadline - time.perf_counter()) > 0:
            if sent_by is not None and taken and taken[-1][0] > sent_by - 1 / RATE_HZ:
                return
            select.select([self._far], [], [], left)
            while (datagram := receive(self._far)) is not None:
                taken.append((_STAMP.unpack_from(datagram[0])[0], datagram[2]))


def main(pipe: Pipe) -> None:
    """Serve one parent until it is gone."""
    prober = Prober()

    def obey(command: tuple[int | None, str, dict[str, Any]]) -> None:
        number, method, arguments = command
        answer = getattr(prober, f"do_{method}")(**arguments)
        if number is not None:
            pipe.send((number, True, answer))

    pipe.listen(obey, prober.close)


async def measure_link(delay_ms: float, seconds: float) -> dict[str, float]:
    """Measure a link's error from outside: |time on the way - delay| of stamped datagrams.

    A prober and a relay of its own are started for it and ended afterwards.

    Args:
        delay_ms: The delay to impose, as in `Link`.
        seconds: How long to send (200 datagrams of 200 bytes a second).

    Returns:
        n, and p50, p95, p99, max and signed_p50 of the error in ms.

    Raises:
        WaitTimeout: Not one datagram came through.
    """
    link = Link(delay_ms=delay_ms)
    async with await Child.start("labkit.net.prober") as prober, await Relay.start() as relay:
        near, far = await prober.call("addresses")
        bridge = await relay.open("alice", "bob", forward=link, back=link, seed=1)
        await bridge.set_far("alice", [near])
        await bridge.set_far("bob", [far])
        errors_s = await prober.call(
            "probe",
            timeout=seconds + link.delay_ms / 1000 + 10,
            relay=bridge.address_for["alice"],
            delay_s=link.delay_ms / 1000,
            seconds=seconds,
        )
    return _figures(errors_s)


def _figures(errors_s: list[float]) -> dict[str, float]:
    if not errors_s:
        raise WaitTimeout(
            _("No datagram came through the relay."),
            _("The machine may block UDP on 127.0.0.1."),
            _("Run “labkit doctor”."),
        )
    signed_ms = sorted(error * 1000 for error in errors_s)
    sizes_ms = sorted(abs(error) for error in signed_ms)
    figures = {f"p{percent}": percentile(sizes_ms, percent) for percent in (50, 95, 99)}
    return {
        "n": len(sizes_ms),
        **figures,
        "max": sizes_ms[-1],
        "signed_p50": percentile(signed_ms, 50),
    }
