"""The worker: a process that carries a call, so that a busy notebook cannot touch its media."""

from __future__ import annotations

import asyncio
import gc
import pickle
import sys
from collections.abc import Coroutine
from typing import Any

from labkit.errors import CallError, LabError
from labkit.experiments.host import Host
from labkit.experiments.loop import SWITCH_INTERVAL_S
from labkit.process import Pipe
from labkit.rooms.hiding import hide_tokens
from labkit.serving import serve_tasks
from labkit.words import _

__all__ = ["main"]


async def _serve(pipe: Pipe) -> None:
    host = Host(lambda name, payload: pipe.send((name, True, _readable(payload))))

    def answer(message: tuple[int | None, str, dict[str, Any]]) -> Coroutine[Any, Any, None]:
        number, method, arguments = message
        return _answer(pipe, host, number, method, arguments["packed"])

    await serve_tasks(pipe, answer)
    await host.close()


async def _answer(pipe: Pipe, host: Host, number: int | None, method: str, packed: bytes) -> None:
    try:
        # Unpacked here, where somebody hears of a class that cannot be loaded.
        arguments = pickle.loads(packed)
        if number is None:
            getattr(host, method)(**arguments)
            return
        answer: Any = await getattr(host, method)(**arguments)
        fine = True
        _check_travels(answer)
    except LabError as error:
        answer, fine = _readable(error), False
    except Exception as error:
        answer, fine = _unexpected(method, error), False
    pipe.send((number, fine, answer))


def _readable(told: Any) -> Any:
    """Return what is told; an error, which may end in a saved notebook, without its tokens."""
    if isinstance(told, LabError):
        told.what, told.why = hide_tokens(told.what), hide_tokens(told.why)
        told.next_step = hide_tokens(told.next_step)
        told.args = (told.what, told.why, told.next_step)
    return told


def _unexpected(method: str, error: Exception) -> LabError:
    if method == "ask":
        return CallError(
            _("The function that was asked failed: {kind}: {error}.").format(
                kind=type(error).__name__, error=hide_tokens(str(error))
            ),
            next_step=_("Nothing else has stopped: mend the function, and ask again."),
        )
    return CallError(
        _("The call failed in “{method}”: {kind}: {error}.").format(
            method=method, kind=type(error).__name__, error=hide_tokens(str(error))
        ),
        next_step=_("Start the call again; if it happens twice, run “labkit doctor”."),
    )


def _check_travels(answer: Any) -> None:
    try:
        pickle.dumps(answer)
    except Exception:
        raise CallError(
            _("A {kind} cannot leave the worker process.").format(kind=type(answer).__name__),
            next_step=_('Return numbers, text or lists, or use place="kernel".'),
        ) from None


def main(pipe: Pipe) -> None:
    """Serve one parent until it is gone."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    gc.freeze()
    asyncio.run(_serve(pipe))
