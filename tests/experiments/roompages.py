"""What the tests of pages in rooms share."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import labkit as lab
from labkit.rooms.base import Server
from tests.experiments.helpers import SMALL, nothing_left, run
from tests.live.comms import fake_wire

ME = lab.participant("me", engine="browser")
SHOWING = lab.participant("me", engine="browser", video=True, audio=True)


def with_room(
    work: Callable[[Any], Coroutine[Any, Any, Any]],
    *people: Any,
    server: Server | None = None,
    **options: Any,
) -> Any:
    async def body() -> Any:
        room = lab.room(*people, server=server, **options)
        try:
            return await work(room)
        finally:
            await room.close()

    with fake_wire(), nothing_left():
        return run(body())


def alice(**options: Any) -> Any:
    return lab.participant("alice", video=SMALL, **options)
