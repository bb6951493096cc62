"""A relay with a bridge, opened and closed around a test."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from labkit.net import Link
from labkit.net.relay_handle import Bridge, Relay
from tests.net.peers import Peer
from tests.timing import SECOND


def on_a_loop(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@asynccontextmanager
async def bridged(
    forward: Link, back: Link | None = None, seed: int = 1, known: bool = True
) -> AsyncIterator[tuple[Relay, Bridge, Peer, Peer]]:
    """A relay with one bridge between two sockets."""
    with Peer() as alice, Peer() as bob:
        async with await Relay.start() as relay:
            async with await relay.open(
                "alice", "bob", forward=forward, back=back or Link(), seed=seed
            ) as bridge:
                if known:
                    await bridge.set_far("alice", [alice.address])
                    await bridge.set_far("bob", [bob.address])
                yield relay, bridge, alice, bob


async def counted(bridge: Bridge, what: str, number: int) -> dict[str, Any]:
    """Return the counts of the way from alice to bob, once ``what`` has come to ``number``."""
    async with asyncio.timeout(5 * SECOND):
        while (counts := (await bridge.counts())["alice->bob"])[what] < number:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return counts
