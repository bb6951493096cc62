"""``lab.livekit()``: a LiveKit server of the lab's own, or the one that the environment names."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from labkit.errors import BadValue, CallError
from labkit.rooms.address import ServerAddress, TurnAddress
from labkit.rooms.base import Server
from labkit.rooms.build import BuildProgress
from labkit.rooms.hiding import hide_tokens
from labkit.rooms.running import LivekitServer
from labkit.rooms.settings import ServerOptions
from labkit.words import _

if TYPE_CHECKING:
    from livekit.api import LiveKitAPI

    from labkit.rooms.coturn import Coturn

__all__ = ["ForeignServer", "LivekitServer", "Server", "livekit"]

ENVIRONMENT = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")


class ForeignServer(Server):
    """A server that runs elsewhere: it is used, and neither started nor ended.

    Args:
        address: Where it is, and its key.
    """

    def __init__(self, address: ServerAddress) -> None:
        self._address = address

    def __repr__(self) -> str:
        return f"<ForeignServer {self._address.url}>"

    @property
    def address(self) -> ServerAddress:
        """Where the server is, and its key, for other processes."""
        return self._address

    async def start(self) -> Self:
        """Ask the server whether it knows our key.

        Raises:
            CallError: It does not answer, or does not know the key.
        """
        async with self.api() as api:
            await _ask(api, self.url)
        return self

    async def close(self) -> None:
        """Do nothing: the server is not ours."""

    async def restart(self) -> None:
        """Refuse: the server is not ours.

        Raises:
            CallError: Always.
        """
        raise self._not_ours()

    async def kill(self) -> None:
        """Refuse: the server is not ours.

        Raises:
            CallError: Always.
        """
        raise self._not_ours()

    async def metrics(self) -> dict[str, float]:
        """Refuse: where a foreign server keeps its counters is not known.

        Raises:
            CallError: Always.
        """
        raise self._not_ours()

    def _not_ours(self) -> CallError:
        return CallError(
            _("The LiveKit server {url} is not the lab's own.").format(url=self.url),
            _("It is neither started, ended nor looked into here."),
            _("Use “lab.livekit(own=True)” for one that is."),
        )


async def _ask(api: LiveKitAPI, url: str) -> None:
    from aiohttp import ClientError
    from livekit.api import ListRoomsRequest, ServerError

    advice = _("Look at LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.")
    try:
        await api.room.list_rooms(ListRoomsRequest(names=["-"]))
    except ServerError as error:
        refused = error.status in (401, 403)
        why = _("It does not know the key, or the secret is another.") if refused else str(error)
        what = _("The LiveKit server {url} refuses us.").format(url=url)
        raise CallError(what, hide_tokens(why), advice) from None
    except (ClientError, TimeoutError, OSError) as error:
        what = _("The LiveKit server {url} does not answer.").format(url=url)
        raise CallError(what, f"{type(error).__name__}.", advice) from None


def livekit(
    *,
    max_participants: int | None = None,
    empty_timeout_s: int = 30,
    departure_timeout_s: int = 20,
    auto_create: bool = True,
    enable_remote_unmute: bool = False,
    playout_delay_ms: tuple[int, int] | None = None,
    turn: bool | TurnAddress | Coturn = False,
    port: int | None = None,
    udp_port: int | None = None,
    lan: str | None = None,
    log_level: str = "info",
    own: bool = False,
    build: bool = True,
    progress: BuildProgress | None = None,
) -> LivekitServer | ForeignServer:
    """Return a LiveKit server that ``async with`` or ``await server.start()`` starts.

    Where ``LIVEKIT_URL``, ``LIVEKIT_API_KEY`` and ``LIVEKIT_API_SECRET`` name a server, it is
    that one, which is used as it is and never ended.

    Args:
        max_participants: Most people in a room, 1 or more; None for no limit.
        empty_timeout_s: Seconds that a room nobody has joined is kept.
        departure_timeout_s: Seconds that a room is kept after the last one left.
        auto_create: Whether joining an unknown room makes it.
        enable_remote_unmute: Whether a backend may un-mute somebody.
        playout_delay_ms: Least and most delay that receivers are asked to play with.
        turn: Whether the server's own TURN is on; or another TURN server that clients are told of,
            for instance a running ``rooms.coturn()``.
        port: TCP port; None for a free one.
        udp_port: UDP port of all media; None for a free one.
        lan: An address of this machine, to be reached from its network; None for loopback.
        log_level: ``debug``, ``info``, ``warn`` or ``error``.
        own: Whether to start one of the lab's own even where the environment names another.
        build: Whether a missing server is built.
        progress: Told how far the build is; None writes a line.

    Raises:
        BadValue: A value is out of range, ``lan`` is not an address of this machine, the
            environment names a server only in part, or settings were given for a foreign one.
    """
    options = ServerOptions(
        max_participants=max_participants,
        empty_timeout_s=empty_timeout_s,
        departure_timeout_s=departure_timeout_s,
        auto_create=auto_create,
        enable_remote_unmute=enable_remote_unmute,
        playout_delay_ms=playout_delay_ms,
        turn=turn if isinstance(turn, bool | TurnAddress) else turn.address,
        port=port,
        udp_port=udp_port,
        lan=lan,
        log_level=log_level,
    )
    named = {name: os.environ.get(name, "") for name in ENVIRONMENT}
    if own or not any(named.values()):
        return LivekitServer(options, build=build, progress=progress)
    if options != replace(ServerOptions(), api_secret=options.api_secret):
        raise BadValue(
            _("The LiveKit server of LIVEKIT_URL has its own settings."),
            _("The lab cannot give it others."),
            _("Leave them out, or use “lab.livekit(own=True, …)”."),
        )
    return _foreign(named)


def _foreign(named: dict[str, str]) -> ForeignServer:
    missing = [name for name, value in named.items() if not value]
    if missing:
        raise BadValue(
            _("The environment names a LiveKit server only in part."),
            _("Missing: {names}.").format(names=", ".join(missing)),
            _("Set all three, or none of them for a server of the lab's own."),
        )
    url, key, secret = named.values()
    if not url.startswith(("ws://", "wss://", "http://", "https://")):
        raise BadValue(
            _("{url!r} in LIVEKIT_URL is no address of a server.").format(url=url),
            next_step=_("It begins with ws://, wss://, http:// or https://."),
        )
    return ForeignServer(ServerAddress(url, key, secret))
