"""Twelve functions, tried on a real server: what was done was seen, and what was not is told."""

from __future__ import annotations

import asyncio

import pytest

from labkit.rooms import rights
from labkit.rooms.rights import FUNCTIONS, ROLES, _table, try_rights, who_may
from labkit.rooms.rightsaround import forged
from labkit.rooms.running import LivekitServer
from labkit.rooms.tokens import claims_of, room_token
from tests.timing import SECOND


def test_the_twelve_functions_and_who_may_do_them(livekit_server: LivekitServer) -> None:
    table = asyncio.run(asyncio.wait_for(try_rights(livekit_server), 40 * SECOND))
    who = dict(zip(table["function"], table["who"], strict=True))
    assert len(who) == len(FUNCTIONS) == 12
    assert who == {
        "connect": "client",
        "publish a camera": "token",
        "subscribe": "token",
        "send data": "token",
        "set own attributes": "token",
        "create a room": "backend",
        "list participants": "backend",
        "mute another": "backend",
        "un-mute another": "nobody",
        "remove another": "backend",
        "change another's rights": "backend",
        "mint a token": "backend",
    }
    usual = dict(zip(table["function"], table["usual"], strict=True))
    assert sum(outcome == "done" for outcome in usual.values()) == 4
    assert usual["set own attributes"] == "silently ignored"
    assert usual["mute another"] == "refused"
    assert any("permissions denied" in said for said in table["said"])
    text = table.to_csv()
    assert "eyJ" not in text and livekit_server.api_secret not in text


@pytest.mark.parametrize(
    ("done", "who"),
    [
        (("bare", "usual", "full"), "client"),
        (("usual", "full"), "token"),
        (("full",), "token"),
        (("backend",), "backend"),
        ((), "nobody"),
    ],
)
def test_the_poorest_token_that_is_enough_decides(done: tuple[str, ...], who: str) -> None:
    assert who_may({role: "done" if role in done else "refused" for role in ROLES}) == who


def test_the_words_that_a_cell_compares_are_the_same_in_every_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rights, "_", str.upper)
    outcomes = dict(zip(ROLES, ("done", "refused", "ignored", "not tried"), strict=True))
    found = {(role, name): (said, "") for name in FUNCTIONS for role, said in outcomes.items()}
    row = _table(found).iloc[0]
    assert row["function"] == "CONNECT"
    assert list(row[list(ROLES)]) == ["done", "refused", "silently ignored", "–"]


def test_a_token_made_without_the_secret_is_for_somebody_else(
    livekit_server: LivekitServer,
) -> None:
    own = room_token(livekit_server, "alice", "here")
    made = forged(own)
    claims = {claim.claim: claim.value for claim in claims_of(made)}
    assert claims["sub"] == "mallory" and claims["video.room"] == "here"
    assert made.split(".")[2] != own.split(".")[2]
