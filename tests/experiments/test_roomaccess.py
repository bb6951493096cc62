"""The tokens that a room takes along: for everybody, and for as long as it runs."""

from __future__ import annotations

import time

import jwt

import labkit as lab
from labkit.experiments.roomaccess import room_access
from labkit.experiments.roomspec import ear_for, second_ear
from labkit.rooms.address import ServerAddress
from labkit.rooms.base import Server
from tests.experiments.helpers import SMALL

HOURS_S = 8 * 3600


class Elsewhere(Server):
    """A server that nobody asks."""

    @property
    def address(self) -> ServerAddress:
        return ServerAddress("ws://127.0.0.1:7880", "key", "a secret of thirty-two letters...")


def test_every_token_of_a_room_lasts_for_hours() -> None:
    alice, bob = (lab.participant(name, video=SMALL) for name in ("alice", "bob"))
    access = room_access(lab.room(alice, bob, "carol").spec, Elsewhere(), ["bob"])
    wanted = {"alice", "bob", "carol", second_ear("alice"), ear_for("carol", "bob")}
    assert wanted <= access.tokens.keys()
    for token in (*access.tokens.values(), access.watcher):
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["exp"] - time.time() > HOURS_S, claims["sub"]
