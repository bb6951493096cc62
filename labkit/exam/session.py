"""The exam as it runs in the worker: the examiner in its room, and the candidate's door."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from labkit.exam.doors import Door, SdkDoor
from labkit.exam.names import CANDIDATE, CHANGE, EXAMINER, SDK, SOUND, VIDEO, WHIP
from labkit.exam.spec import ExamSpec
from labkit.exam.whipdoor import WhipDoor
from labkit.experiments.roomsession import RoomSession
from labkit.experiments.seats import SdkSeat
from labkit.net.relay_handle import Relay
from labkit.peers.clock import Clock

__all__ = ["ExamSession", "Progress"]

LOOK_S = 0.5
"""How far apart two pictures are that are compared."""

STEP = 8
"""Every how many pixels are compared, each way."""

CHANNELS = {SDK: "signaling (WebSocket)", WHIP: "signaling (WHIP)"}

CREATED, DELETED = "201 Created", "200 OK"
"""The server's answers to WHIP's POST and DELETE."""


@dataclass
class Progress:
    """How far the candidate is, for whoever conducts the exam; times are seconds of the exam."""

    now_s: float = 0.0
    joined_s: float | None = None
    "Last time that somebody was let in."
    here: bool = False
    "Whether the way in is open now."
    gone_s: float | None = None
    "Last time that it was closed."
    left_s: float | None = None
    "Last time that somebody said good-bye."
    frames: int = 0
    frame_s: float | None = None
    blocks: int = 0
    "Of sound."
    subscribed_s: float | None = None
    "Last time that the server told the examiner that somebody takes its video."


class ExaminerSeat(SdkSeat):
    """The examiner's: it knows that the candidate's pictures carry no stamp."""

    def _common(self) -> dict[str, Any]:
        return {**super()._common(), "unstamped": {VIDEO}}


class ExamSession(RoomSession):
    """A room whose second participant comes from outside.

    Args:
        spec: The exam.
        relay: The relay process; the session closes it.
        clock: The exam's clock.
        notify: Called with a name and a payload for whoever watches.
    """

    def __init__(
        self, spec: ExamSpec, relay: Relay, clock: Clock, notify: Callable[[str, Any], None]
    ) -> None:
        super().__init__(spec, relay, clock, notify)
        seat = self._seats[EXAMINER]
        self._seats[EXAMINER] = ExaminerSeat(seat.participant, seat._around)
        self._spec = spec
        self._progress = Progress()
        self._looked: tuple[float, Any] | None = None
        self._door: Door | None = None

    async def start(self) -> None:
        """Let the examiner join, then open the door."""
        await super().start()
        room = self.peers[EXAMINER].room
        room.on("local_track_subscribed", self._subscribed)
        room.on("participant_disconnected", self._missed)
        self._door = _door(self._spec, self._relay, self._heard)
        await self._door.open()

    async def door(self) -> str:
        """Return what the candidate joins."""
        assert self._door is not None
        return self._door.url

    async def invite(self, invitation: dict[str, str]) -> None:
        """Say what the lab's own page is to be told."""
        if isinstance(self._door, WhipDoor):
            self._door.invite(invitation)

    async def progress(self) -> dict[str, Any]:
        """Return ``Progress`` as plain values."""
        self._progress.now_s = self.clock.now()
        return asdict(self._progress)

    async def write(self, peer: str, name: str, detail: Any) -> None:
        """Write down an event that happened outside, now."""
        text = detail if isinstance(detail, str) else json.dumps(detail)
        self.tap.add("events", at_s=self.clock.now(), peer=peer, name=name, detail=text)

    async def wait_first_frame(self, within_s: float) -> float:
        """Return now: an exam is recorded from the moment on when the door is open."""
        return self.clock.now()

    async def close(self) -> None:
        """Close the door, then the room."""
        door, self._door = self._door, None
        if door is not None:
            await door.close()
        await super().close()

    def _heard(self, sender: str, receiver: str, name: str, body: str) -> None:
        self._note(sender, receiver, CHANNELS[self._spec.kind], name, body)
        now_s, progress = self.clock.now(), self._progress
        if receiver == CANDIDATE and name in ("join", "reconnect", CREATED):
            progress.joined_s, progress.here = now_s, True
        elif sender == CANDIDATE and name == "leave":
            progress.left_s = now_s
        elif name == "closed":
            progress.gone_s, progress.here = now_s, False
        elif receiver == CANDIDATE and name == DELETED:
            progress.left_s = progress.gone_s = now_s
            progress.here = False

    def _missed(self, *_ignored: Any) -> None:
        if self._spec.kind == WHIP:  # there is no WebSocket that could be seen to close
            self._progress.gone_s, self._progress.here = self.clock.now(), False

    def _subscribed(self, *_ignored: Any) -> None:
        self._progress.subscribed_s = self.clock.now()

    def _decoded(
        self, receiver: str, track: str, frame: Any, number: int | None, at_s: float
    ) -> None:
        super()._decoded(receiver, track, frame, number, at_s)
        if track == VIDEO:
            self._progress.frames += 1
            self._progress.frame_s = at_s
            self._compare(frame, at_s)
        elif track == SOUND:
            self._progress.blocks += 1

    def _compare(self, picture: Any, at_s: float) -> None:
        if self._looked is not None and at_s < self._looked[0] + LOOK_S:
            return
        luma = picture.luma()[::STEP, ::STEP].astype(np.int16)
        before, self._looked = self._looked, (at_s, luma)
        if before is not None and before[1].shape == luma.shape:
            change = float(np.abs(luma - before[1]).mean())
            self.tap.add("samples", at_s=at_s, peer=EXAMINER, track=VIDEO, name=CHANGE,
                         value=change)  # fmt: skip


def _door(spec: ExamSpec, relay: Relay, note: Callable[[str, str, str, str], None]) -> Door:
    return SdkDoor(spec, relay, note) if spec.kind == SDK else WhipDoor(spec, note)
