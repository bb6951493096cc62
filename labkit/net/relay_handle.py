"""The relay as its parent sees it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from labkit.errors import BadValue, CallError
from labkit.net.checks import bad_value
from labkit.net.journal import MODES
from labkit.net.link import Link
from labkit.net.sdp import Address
from labkit.process import Child
from labkit.words import _

__all__ = ["Bridge", "Relay", "percentile"]


class Bridge:
    """Two sockets between two peers, with a link each way; an async context manager.

    Give each peer `address_for` [its name] in place of the other's address.
    """

    def __init__(self, child: Child, key: int, address_for: dict[str, Address]) -> None:
        self.address_for = address_for
        one, other = address_for
        self.directions = (f"{one}->{other}", f"{other}->{one}")
        self._child = child
        self._key: int | None = key

    async def __aenter__(self) -> Bridge:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def set_far(self, name: str, addresses: Sequence[Address]) -> None:
        """Say where a peer really is.

        Args:
            name: The peer.
            addresses: Its IPv4 addresses and ports, the best first; from any other one nothing
                enters. Empty where they are not known (mDNS): its first datagram tells then.
        """
        _check_name("name", name, tuple(self.address_for))
        await self._call("set_far", name=name, addresses=list(addresses))

    async def change(self, direction: str, link: Link) -> float:
        """Change a link while it carries datagrams; return when it did (seconds of the call).

        Args:
            direction: For instance ``alice->bob``.
            link: What holds from now on; its seed is ignored, its luck goes on.
        """
        _check_name("direction", direction, self.directions)
        _check_link(link)
        at_s: float = await self._call("change", direction=direction, link=link)
        return at_s

    async def counts(self) -> dict[str, dict[str, Any]]:
        """Return per direction how many datagrams met which fate.

        The keys are received, delivered, lost, queue_full, duplicated, not_sent (refused by
        the system), held (waiting for the far address), strangers (from unknown addresses),
        and link_error_ms with n, p50 and p99 of |left - due| of the last 2,000 (None without).
        """
        counts: dict[str, dict[str, Any]] = await self._call("counts")
        for way in counts.values():
            way["link_error_ms"] = _error_figures(way.pop("errors_ms"))
        return counts

    async def close(self) -> None:
        """Close both sockets; what is under way is gone."""
        key, self._key = self._key, None
        if self._child.alive and key is not None:
            await self._child.call("close_bridge", bridge=key)

    async def _call(self, method: str, **arguments: Any) -> Any:
        if self._key is None:
            raise CallError(_("This bridge is closed."), next_step=_("Open a new one."))
        return await self._child.call(method, bridge=self._key, **arguments)


class Relay:
    """The relay's process; an async context manager.

    Use ``async with await Relay.start() as relay:``, then ``await relay.open("alice", "bob",
    forward=Link(delay_ms=50), back=Link(), seed=1)``.
    """

    def __init__(self, child: Child) -> None:
        self.died = child.died
        self.realtime = False
        """Whether the system gave the relay real-time priority: exact on a busy machine too."""
        self._child = child

    @classmethod
    async def start(cls, *, time_zero: float | None = None) -> Relay:
        """Start the process and wait until it serves.

        Args:
            time_zero: ``perf_counter`` reading that is second 0 of the call; None is now.

        Raises:
            ChildDied: The process ended at once.
            WaitTimeout: It did not come up.
        """
        relay = cls(await Child.start("labkit.net.relay"))
        try:
            await relay.set_time_zero(time.perf_counter() if time_zero is None else time_zero)
        except BaseException:
            await relay.close()
            raise
        return relay

    async def __aenter__(self) -> Relay:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._child.alive

    @property
    def pid(self) -> int:
        """Process id of the relay."""
        return self._child.process.pid

    async def set_time_zero(self, time_zero: float) -> None:
        """Say which ``perf_counter`` reading is second 0; before the first bridge is opened."""
        self.realtime = await self._child.call("set_time_zero", time_zero=time_zero)

    async def cpu_s(self) -> float:
        """Return the seconds of processor time that the relay has used."""
        used_s: float = await self._child.call("cpu_s")
        return used_s

    async def carried_bytes(self) -> dict[str, int]:
        """Return the bytes that each direction has carried, 28 header bytes a datagram included.

        Bridges of the same direction are added up. It asks for little, unlike ``counts``.
        """
        carried: dict[str, int] = await self._child.call("carried_bytes")
        return carried

    async def open(
        self,
        near: str,
        far: str,
        *,
        forward: Link,
        back: Link,
        seed: int,
        roaming: str | None = None,
    ) -> Bridge:
        """Open a bridge between two peers.

        Args:
            near: Name of one peer, for instance ``alice``.
            far: Name of the other, for instance ``bob``.
            forward: Link from ``near`` to ``far``.
            back: Link from ``far`` to ``near``.
            seed: The call's seed; each direction and each random stream derives its own.
            roaming: The peer that may speak from many addresses (libwebrtc as a client of a
                server), so that ``set_far`` is not needed for it; None for neither.

        Raises:
            BadValue: The names are equal, or a link is none.
        """
        if near == far:
            raise BadValue(_("A bridge needs two peers with different names."))
        if roaming is not None:
            _check_name("roaming", roaming, (near, far))
        _check_link(forward)
        _check_link(back)
        key, address_for = await self._child.call(
            "open", names=(near, far), forward=forward, back=back, seed=seed, roaming=roaming
        )
        return Bridge(self._child, key, address_for)

    async def attach(self, address: Address, token: bytes, mode: str = "full") -> None:
        """Send the wire of all bridges to a recorder, the set-up's first 2,000 rows too.

        Args:
            address: Where the recorder listens.
            token: Its secret.
            mode: "full", or "headers" to leave out the datagrams' bytes.

        Raises:
            RecordingError: Nothing listens there.
        """
        _check_name("mode", mode, MODES)
        await self._child.call("attach", address=address, token=token, mode=mode)

    async def detach(self) -> int:
        """Let the recorder go once it has every row of what was due by now.

        What is still under way is not written. Returns how many rows the recorder was too
        slow to take.
        """
        missing: int = await self._child.call("detach")
        return missing

    async def close(self) -> None:
        """End the process; its bridges end with it."""
        await self._child.close()


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile (0 to 100) of values that are sorted: the nearest rank."""
    return values[min(len(values) - 1, int(len(values) * percent / 100))]


def _error_figures(errors_ms: list[float]) -> dict[str, float | None]:
    errors_ms.sort()
    figures: dict[str, float | None] = {"n": len(errors_ms)}
    for percent in (50, 99):
        figures[f"p{percent}"] = percentile(errors_ms, percent) if errors_ms else None
    return figures


def _check_name(what: str, name: str, allowed: tuple[str, ...]) -> None:
    if name not in allowed:
        raise bad_value(what, name, ", ".join(f"“{word}”" for word in allowed))


def _check_link(link: Any) -> None:
    if not isinstance(link, Link):
        raise bad_value("link", link, _("a Link"))
