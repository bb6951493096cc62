"""How a helper process hears its parent: as a queue for a thread, or as tasks of a loop."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from labkit.process import Pipe, end_soon

__all__ = ["inbox_of", "serve_tasks"]


def inbox_of(pipe: Pipe) -> queue.Queue[Any]:
    """Return a queue of the parent's messages; None is its last item, when the parent is gone.

    Args:
        pipe: The pipe to the parent.
    """
    inbox: queue.Queue[Any] = queue.Queue()

    def ended() -> None:
        end_soon()
        inbox.put(None)

    threading.Thread(target=pipe.listen, args=(inbox.put, ended), daemon=True).start()
    return inbox


async def serve_tasks(pipe: Pipe, answer: Callable[[Any], Coroutine[Any, Any, None]]) -> None:
    """Start a task for each message; when the parent is gone, cancel what runs and return.

    Args:
        pipe: The pipe to the parent.
        answer: Makes the coroutine of one message.
    """
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    running: set[asyncio.Task[None]] = set()

    def take(message: Any) -> None:
        task = loop.create_task(answer(message))
        running.add(task)
        task.add_done_callback(running.discard)

    def hear(message: Any) -> None:
        loop.call_soon_threadsafe(take, message)

    def ended() -> None:
        end_soon()
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=pipe.listen, args=(hear, ended), daemon=True).start()
    await over.wait()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
