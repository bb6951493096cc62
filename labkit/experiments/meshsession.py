"""N participants as they run: each connected to each other, or all of them to a mixer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from labkit.errors import LabError, WaitTimeout
from labkit.experiments.basesession import BaseSession
from labkit.experiments.breaks import (
    all_lost_error,
    failed_error,
    not_connected_error,
    two_lost_error,
)
from labkit.experiments.meshpeers import ConnectionPeer, ConnectionTap
from labkit.experiments.meshspec import MCU, MeshSpec
from labkit.experiments.processors import own_cpu_s, sample_processors
from labkit.experiments.session import CONNECT_TIMEOUT_S
from labkit.media.stamp import read_stamp
from labkit.net import Link
from labkit.net.relay_handle import Bridge, Relay
from labkit.net.sdp import replace_candidates
from labkit.peers.clock import Clock
from labkit.peers.codecs import check_codec
from labkit.peers.fanout import Capture, Fanout
from labkit.peers.mixing import Mixer
from labkit.peers.packetbook import PacketBook
from labkit.run.tap import Tap
from labkit.signaling.base import signaling_named
from labkit.words import _

__all__ = ["McuSession", "MeshSession"]


class MeshSession(BaseSession):
    """Everybody is connected to everybody: N(N - 1)/2 connections.

    Each participant captures once and encodes once for every connection, as aiortc and browsers
    do. ``peers`` has the ends of all connections by direction: ``alice->bob`` is alice's end.

    Args:
        spec: What it is made of.
        relay: The relay process; the session closes it.
        clock: Its clock; the relay has the same second 0.
        notify: Called with a name and a payload for whoever watches.
    """

    def __init__(
        self, spec: MeshSpec, relay: Relay, clock: Clock, notify: Callable[[str, Any], None]
    ) -> None:
        tap = Tap()
        super().__init__(relay, clock, notify, tap=tap, book=PacketBook(tap, clock))
        self.spec = spec
        self._bridges: dict[str, Bridge] = {}
        self._lost: set[tuple[str, str]] = set()
        self._written: set[tuple[str, str]] = set()
        self._news = asyncio.Event()
        self.fanouts = self._make_fanouts()
        for one, other in spec.connections:
            for name, far in ((one, other), (other, one)):
                self.peers[f"{name}->{far}"] = self._end(name, far)
        self.sides = self.peers

    async def start(self) -> None:
        """Connect everybody; media flows when this returns.

        Raises:
            CallError: Two of them could not connect.
            WaitTimeout: They did not connect in time.
        """
        check_codec(self.spec.codec)
        self._begin(self.spec.seed)
        readings = {self.spec.place: own_cpu_s, "relay": self._relay.cpu_s}
        self._work(sample_processors(self.tap, self.clock, readings))
        for one, other in self.spec.connections:
            await self._join(one, other)
        await self._connected()
        for one, other in self.spec.connections:
            for end in self._ends(one, other):
                end.on_lost = partial(self._lose, one, other, end)

    async def wait_first_frame(self, within_s: float) -> float:
        """Return the second by which everybody has seen a frame of everybody else.

        Raises:
            WaitTimeout: Somebody has not, in time.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._unseen():
                    self._news.clear()
                    await self._news.wait()
        missing = sorted(self._unseen())
        if missing:
            raise _no_frame_error(*missing[0], within_s)
        return self.clock.now()

    async def change_link(self, direction: str, link: Link) -> None:
        """Bend one direction while it carries datagrams."""
        await self._bridges[direction].change(direction, link)
        self._note_event("link_changed", {"direction": direction, **link.to_dict()})

    async def facts(self) -> dict[str, Any]:
        """Return what the Run should say of this session, for its ``meta``."""
        return {"relay_realtime": self._relay.realtime}

    async def counts(self) -> dict[str, Any]:
        """Return the relay's counters by direction."""
        bridges = dict.fromkeys(self._bridges.values())  # each serves two directions
        every = [await bridge.counts() for bridge in bridges]
        return {name: counts for one in every for name, counts in one.items()}

    def watched_as(self, receiver: str, track: str) -> str:
        """Return what a watcher calls a track at one of its receivers."""
        return f"{track}->{receiver}"

    async def close(self) -> None:
        """Close everything, also what was opened halfway."""
        for fanout in self.fanouts.values():
            await fanout.close()
        await super().close()

    def _expected(self) -> Iterable[tuple[str, str]]:
        """Return every participant with the track of every other one."""
        names = self.spec.names
        ways = [(one, other) for one in names for other in names if one != other]
        return [(one, f"{other}:video") for one, other in ways if not self._are_apart(one, other)]

    def _are_apart(self, one: str, other: str) -> bool:
        """Return whether nothing of one can reach the other any more."""
        return not self._lost.isdisjoint({(one, other), (other, one)})

    def _lose(self, one: str, other: str, end: ConnectionPeer) -> None:
        """Take it that a connection has ended on its own; both of its ends tell."""
        if (one, other) in self._lost:
            return
        self._lost.add((one, other))
        for there in self._ends(one, other):
            there.stop_sending()
        if self._lost >= set(self.spec.connections):
            self._notify("failed", all_lost_error(end.lost))
        else:
            why = str(two_lost_error(one, other, end.lost))
            self._notify("lost", {"who": f"{one}–{other}", "why": why})

    def _ends(self, one: str, other: str) -> tuple[ConnectionPeer, ConnectionPeer]:
        return self.peers[f"{one}->{other}"], self.peers[f"{other}->{one}"]

    def _unseen(self) -> set[tuple[str, str]]:
        return set(self._expected()) - self._last_shown.keys()

    def _decoded(
        self, receiver: str, track: str, frame: Any, number: int | None, at_s: float
    ) -> None:
        super()._decoded(receiver, track, frame, number, at_s)
        self._news.set()

    async def _join(self, one: str, other: str) -> None:
        links = self.spec.links
        bridge = await self._relay.open(
            one,
            other,
            forward=links[f"{one}->{other}"],
            back=links[f"{other}->{one}"],
            seed=self.spec.seed,
        )
        self._bridges |= dict.fromkeys(bridge.directions, bridge)
        ends = self._ends(one, other)
        for end in ends:
            await end.open()
        note = partial(self._note_message, f"signaling ({self.spec.signaling})")
        await signaling_named(self.spec.signaling).exchange(*ends, self._rewrite, note)

    async def _rewrite(self, sender: str, receiver: str, sdp: str) -> str:
        bridge = self._bridges[f"{sender}->{receiver}"]
        host, port = bridge.address_for[receiver]
        changed, far = replace_candidates(sdp, host, port)
        await bridge.set_far(sender, far)
        return changed

    def _note_message(self, channel: str, sender: str, receiver: str, name: str, body: str) -> None:
        self._note(sender, receiver, channel, name, body)

    def _end(self, name: str, other: str) -> ConnectionPeer:
        return ConnectionPeer(
            name,
            other=other,
            video=self.fanouts[name],
            receives=("video",),
            codec=self.spec.codec,
            jitter_buffer=self.spec.jitter_buffer,
            tap=ConnectionTap(self.tap, other, self._written),
            clock=self.clock,
            book=self._book,
            place=self.spec.place,
            on_decoded=partial(self._decoded, name),
            on_failure=self._failed,
        )

    def _make_fanouts(self) -> dict[str, Fanout]:
        """Return what each participant sends over all its connections."""
        return {
            name: Capture(self.spec.video, partial(self._captured, name), self._failed)
            for name in self.spec.names
        }

    def _captured(self, name: str, number: int, reading: float) -> None:
        """Write the half of a frame that all its receivers share."""
        if self.tap.recording:
            fanout = self.fanouts[name]
            self.tap.add("frames", track=f"{name}:video", frame=number, width=fanout.width,
                         height=fanout.height, captured_s=self.clock.at(reading))  # fmt: skip

    def _failed(self, error: LabError) -> None:
        self._notify("failed", error)

    def _work(self, coroutine: Any) -> None:
        self._tasks.append(asyncio.create_task(coroutine))

    async def _connected(self) -> None:
        ends = self.peers.values()
        until_s = self.clock.now() + CONNECT_TIMEOUT_S
        while any(end.connection_state != "connected" for end in ends):
            for end in ends:
                if end.connection_state == "failed":
                    raise failed_error(end.name)
            if self.clock.now() > until_s:
                raise not_connected_error(CONNECT_TIMEOUT_S, page=False)
            await asyncio.sleep(0.005)


class McuSession(MeshSession):
    """Everybody is connected to a mixer alone, which sends one mosaic to all of them.

    The mixer lives in the process of the participants, as they all share it in a mesh too.
    """

    def _make_fanouts(self) -> dict[str, Fanout]:
        spec = self.spec
        self._tiling = spec.tiling()
        self._pictures: dict[str, Any] = {}
        self._mixer = Mixer(self._tiling, self._newest_pictures, fps=spec.video.fps,
                            codec=spec.codec, on_made=partial(self._captured, MCU),
                            on_failure=self._failed)  # fmt: skip
        return {**super()._make_fanouts(), MCU: self._mixer}

    async def start(self) -> None:
        """Connect everybody to the mixer; media flows when this returns."""
        readings = {MCU: self._mixer.busy}
        self._work(sample_processors(self.tap, self.clock, readings, "mix_percent"))
        await super().start()

    def _decoded(
        self, receiver: str, track: str, frame: Any, number: int | None, at_s: float
    ) -> None:
        if receiver == MCU:
            self._pictures[track.partition(":")[0]] = frame
        else:
            self._read_tiles(receiver, frame, at_s)
        super()._decoded(receiver, track, frame, number, at_s)

    async def _join(self, one: str, other: str) -> None:
        await super()._join(one, other)
        for transceiver in self.peers[f"{other}->{one}"].pc.getTransceivers():
            self._mixer.listen_to(transceiver.sender)

    def _are_apart(self, one: str, other: str) -> bool:
        return any(name in pair for pair in self._lost for name in (one, other))

    def _newest_pictures(self) -> list[Any]:
        return [self._pictures.get(name) for name in self.spec.names]

    def _read_tiles(self, receiver: str, mosaic: Any, decoded_s: float) -> None:
        """Write down whose pictures a mosaic brings; one that was there already is not news."""
        for i, name in enumerate(self.spec.names):
            key = receiver, f"{name}:video"
            number = None if name == receiver else read_stamp(self._tiling.cut(mosaic, i))
            if number is None or self._last_shown.get(key) == number:
                continue
            self._last_shown[key] = number
            if self.tap.recording:
                place = self._tiling.places[i]
                self.tap.add("frames", track=key[1], frame=number, receiver=receiver,
                             width=place.width, height=place.height, decoded_s=decoded_s,
                             fate="shown")  # fmt: skip


def _no_frame_error(receiver: str, track: str, within_s: float) -> WaitTimeout:
    return WaitTimeout(
        _("No frame of {track} arrived at {receiver} within {seconds:g} s.").format(
            track=track, receiver=receiver, seconds=within_s
        ),
        _("A link loses too much, or this machine has too much to do."),
        _("Try less loss, fewer participants or smaller pictures."),
    )
