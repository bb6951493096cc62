"""Children in which the SDK does one piece of work: it never loads in the kernel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from labkit.errors import CallError, LabError
from labkit.process import Pipe
from labkit.rooms.hiding import hide_tokens
from labkit.serving import inbox_of

__all__ = ["serve_work"]


def serve_work(
    pipe: Pipe, work: Callable[..., Coroutine[Any, Any, Any]], broke_off: Callable[[], str]
) -> None:
    """Do the work that the parent asks for, one request after the other, until it is gone.

    Args:
        pipe: The pipe to the parent.
        work: Takes the arguments of a request, and returns what is answered.
        broke_off: What is said when the work failed in a way that nobody has foreseen.
    """
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    inbox = inbox_of(pipe)
    while (message := inbox.get()) is not None:
        number, _method, arguments = message
        try:
            pipe.send((number, True, asyncio.run(work(**arguments))))
        except LabError as error:
            pipe.send((number, False, error))
        except Exception as error:
            why = hide_tokens(f"{type(error).__name__}: {error}.")
            pipe.send((number, False, CallError(broke_off(), why)))
