"""``labkit livekit``: the lab's LiveKit server with its token endpoint, until Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from labkit.errors import CallError
from labkit.words import _

if TYPE_CHECKING:
    from labkit.rooms import Server
    from labkit.rooms.build import BuildProgress

__all__ = ["livekit"]

LOOKS_EVERY_S = 0.5


def livekit(
    build: Annotated[
        bool, typer.Option("--build", help=_("Build the server if it is not there, and stop."))
    ] = False,
    lan: Annotated[
        str | None,
        typer.Option(help=_("Address of this machine to open to its network; else loopback.")),
    ] = None,
    identity: Annotated[str, typer.Option(help=_("Whom the printed tokens are for."))] = "student",
    room: Annotated[str, typer.Option(help=_("The room that the room token is for."))] = "lab",
    max_participants: Annotated[
        int | None, typer.Option(help=_("Most people in a room; without it there is no limit."))
    ] = None,
    turn: Annotated[bool, typer.Option("--turn", help=_("Switch the server's TURN on."))] = False,
    port: Annotated[int | None, typer.Option(help=_("TCP port; without it a free one."))] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=_("Print one JSON object and nothing else."))
    ] = False,
) -> None:
    """Run a LiveKit server with a token endpoint, on this machine only; Ctrl-C ends it."""
    from labkit.rooms import livekit as make_server

    if build:
        _build(as_json)
        return
    with _progress() as progress:
        server = make_server(
            lan=lan, max_participants=max_participants, turn=turn, port=port, progress=progress
        )
        asyncio.run(_run(server, lan, identity, room, max_participants, as_json))


def _build(as_json: bool) -> None:
    from labkit.rooms.build import VERSION, build_server, find_server

    with _progress() as progress:
        program = find_server() or build_server(progress)
    if as_json:
        print(json.dumps({"program": str(program), "version": VERSION}))
    else:
        print(_("The LiveKit server is there: {program}").format(program=program))


async def _run(
    server: Server,
    lan: str | None,
    identity: str,
    room: str,
    max_participants: int | None,
    as_json: bool,
) -> None:
    from labkit.rooms import room_token, token_endpoint
    from labkit.rooms.idissuer import HOUR_S
    from labkit.rooms.tokens import TOKEN_TTL_S

    stop = _stop_on_signals()
    async with server:
        endpoint = token_endpoint(server, lan=lan, max_participants=max_participants)
        async with endpoint:
            token = room_token(server, identity, room, max_participants=max_participants)
            told = {
                "server_url": server.url,
                "endpoint": endpoint.url,
                "identity": identity,
                "room": room,
                "participant_token": token,
                "id_token": endpoint.sign_in(
                    identity, ttl_s=HOUR_S if lan is None else TOKEN_TTL_S
                ),
                "opened": server.opened,
            }
            print(json.dumps(told) if as_json else _in_words(told), flush=True)
            if lan is not None and not as_json:
                _print_qr(server.url, token)
            await _until(stop, server)


async def _until(stop: asyncio.Event, server: Server) -> None:
    while not stop.is_set():
        if not server.alive:
            why = " / ".join(server.log()[-2:])
            raise CallError(_("The LiveKit server ended."), why, _("Start it again."))
        try:
            async with asyncio.timeout(LOOKS_EVERY_S):
                await stop.wait()
        except TimeoutError:
            pass


def _in_words(told: dict[str, str]) -> str:
    lines = [
        (_("LiveKit server"), told["server_url"]),
        (_("Token endpoint"), told["endpoint"]),
        (
            _("Room token for “{identity}” in “{room}”, 10 minutes").format(**told),
            told["participant_token"],
        ),
        (
            _("ID token for the endpoint, 10 minutes")
            if told["opened"]
            else _("ID token for the endpoint, 1 hour"),
            told["id_token"],
        ),
    ]
    text = "\n".join(f"{name}:\n  {value}" for name, value in lines)
    opened = told["opened"]
    if opened:
        text += f"\n{opened}\n" + _("So is the token endpoint, to whoever has an ID token.")
    return f"{text}\n" + _("Ctrl-C ends it.")


def _print_qr(url: str, token: str) -> None:
    """Print what the endpoint would answer, for a phone's camera."""
    import segno

    answer = json.dumps({"server_url": url, "participant_token": token})
    segno.make(answer, error="l", micro=False).terminal(out=sys.stdout, compact=True, border=2)
    sys.stdout.flush()


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, stop.set)
        except NotImplementedError:  # Windows: Ctrl-C cancels us, which ends everything too
            pass
    return stop


@contextmanager
def _progress() -> Iterator[BuildProgress]:
    """Yield what shows a build on stderr; nothing is written where nothing is built."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=1.0)

    def show(words: str, share: float) -> None:
        bar.start()
        bar.update(task, description=words, completed=share)

    try:
        yield show
    finally:
        if bar.live.is_started:
            bar.stop()
