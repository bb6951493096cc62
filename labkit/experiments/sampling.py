"""Values over time: the loop's lag, the encoders' targets, what waits where."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.experiments.basesession import BaseSession

__all__ = ["sample_forever"]

TICK_S = 0.02
SAMPLE_S = 0.5


async def sample_forever(session: BaseSession) -> None:
    """Add rows of ``samples`` twice a second: loop_lag_ms, target_kbps, decode_queue, datagrams.

    ``loop_lag_ms`` is the worst delay of a 20 ms timer in the last half second: how honest this
    run's times are.
    """
    while True:
        worst = 0.0
        until = session.clock.now() + SAMPLE_S
        while session.clock.now() < until:
            started = session.clock.now()
            await asyncio.sleep(TICK_S)
            worst = max(worst, session.clock.now() - started - TICK_S)
        if session.tap.recording:
            _sample(session, worst)


def _sample(session: BaseSession, worst_lag_s: float) -> None:
    now = session.clock.now()

    def add(peer: str, track: str | None, name: str, value: float | None) -> None:
        if value is not None:
            session.tap.add("samples", at_s=now, peer=peer, track=track, name=name, value=value)

    for name, peer in session.peers.items():
        add(name, None, "loop_lag_ms", worst_lag_s * 1000)
        for way, count in peer.datagrams.items():
            add(name, None, f"datagrams_{way}", count)
        for sender in peer.senders:
            add(name, sender.track, "target_kbps", sender.target_kbps)
        for receiver in peer.receivers:
            add(name, receiver.track, "decode_queue", receiver.waiting_to_decode)
