"""Who may do it: twelve functions of a room, each tried with four tokens on a real server."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from labkit.rooms.base import Server
from labkit.rooms.tokens import room_token
from labkit.words import _

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ROLES", "try_rights"]

ROLES = ("bare", "usual", "full", "backend")
"""Tokens from the poorest to the richest."""

FUNCTIONS = (
    "connect",
    "publish",
    "subscribe",
    "send_data",
    "set_attributes",
    "create_room",
    "list",
    "mute",
    "unmute",
    "remove",
    "change_rights",
    "mint",
)

IN_TABLE = {"done": "done", "refused": "refused", "ignored": "silently ignored"}
"""What the table says of an outcome; a cell compares with it, so it is never translated."""

TARGET, STRANGER = "bob", "mallory"

TRIES_WITHIN_S = 45.0


async def try_rights(server: Server) -> pd.DataFrame:
    """Try twelve functions with four tokens, and tell what was done, refused or ignored.

    The tokens: *bare* may join and nothing else; *usual* is what an endpoint gives out; *full*
    may change its own attributes, too; *backend* has the rights of an API call and joins nothing.
    *Done* means that the effect was seen by somebody else; *ignored*, that there was neither an
    error nor an effect. It takes about six seconds, in a process of its own, which never learns
    the secret.

    Args:
        server: A running ``lab.livekit()``.

    Returns:
        A row for each function: ``function``, an outcome for each token (``done``, ``refused``,
        ``silently ignored`` or ``–``: these words are for programs too, and in every language
        the same), ``who`` (``client``: any token, ``token``: a right in it, ``backend``, or
        ``nobody``), and ``said``: what the usual token was told.

    Raises:
        CallError: The trial broke off; the text says why.
        WaitTimeout: It did not end in time.

    Notebook: notebooks/09-rooms.ipynb
    """
    from labkit.process import Child

    arguments = _arguments(server, f"rights-{uuid.uuid4().hex[:6]}")
    async with await Child.start("labkit.rooms.righttries") as child:
        found = await child.call("try_all", timeout=TRIES_WITHIN_S, url=server.url, **arguments)
    return _table({(role, name): (outcome, said) for role, name, outcome, said, _ms in found})


def _arguments(server: Server, room: str) -> dict[str, object]:

    nothing: dict[str, Any] = {
        "can_publish": False,
        "can_subscribe": False,
        "can_publish_data": False,
    }
    everything: dict[str, Any] = {"room_create": True, "room_list": True, "room_admin": True}
    tokens = {
        "bare": room_token(server, "bare", room, **nothing),
        "usual": room_token(server, "usual", room),
        "full": room_token(server, "full", room, can_update_own_metadata=True),
        "backend": room_token(server, "backend", room, room_join=False, **everything),
    }
    return {
        "room": room,
        "tokens": tokens,
        "target": room_token(server, TARGET, room),
        "watcher": room_token(server, "watcher", room, room_join=False, room_admin=True),
        "minted": room_token(server, STRANGER, room),
    }


def _table(found: dict[tuple[str, str], tuple[str, str]]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for name in FUNCTIONS:
        outcomes = {role: found[role, name][0] for role in ROLES}
        words = {role: IN_TABLE.get(outcome, "–") for role, outcome in outcomes.items()}
        who = who_may(outcomes)
        rows.append(
            {"function": _words()[name], **words, "who": who, "said": found["usual", name][1]}
        )
    return pd.DataFrame(rows)


def who_may(outcomes: dict[str, str]) -> str:
    """Return who may do a function: the poorest token that was enough.

    Args:
        outcomes: ``done`` and alike, by role.
    """
    for who, roles in {
        "client": ("bare",),
        "token": ("usual", "full"),
        "backend": ("backend",),
    }.items():
        if any(outcomes[role] == "done" for role in roles):
            return who
    return "nobody"


def _words() -> dict[str, str]:
    return {
        "connect": _("connect"),
        "publish": _("publish a camera"),
        "subscribe": _("subscribe"),
        "send_data": _("send data"),
        "set_attributes": _("set own attributes"),
        "create_room": _("create a room"),
        "list": _("list participants"),
        "mute": _("mute another"),
        "unmute": _("un-mute another"),
        "remove": _("remove another"),
        "change_rights": _("change another's rights"),
        "mint": _("mint a token"),
    }
