"""No token leaves the worker in a text: what a cell shows is saved with the notebook."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

import labkit as lab
from labkit.errors import CallError, LabError
from labkit.experiments.roombreaks import RoomErrors
from labkit.experiments.saying import CallErrors
from labkit.experiments.worker import _readable
from labkit.rooms.forging import wrong_secret_token
from labkit.rooms.running import LivekitServer
from labkit.signaling.whiperrors import WhipError
from tests.experiments.helpers import run

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJib2IifQ.c2lnbmF0dXJl"


def test_a_wrong_secret_is_told_without_the_token(livekit_server: LivekitServer) -> None:
    url = livekit_server.url
    token = wrong_secret_token(livekit_server, "eve", "secrets")

    async def connect(_peer: Any) -> None:
        from livekit import rtc

        await rtc.Room().connect(url, token)

    async def work() -> CallError:
        sue = lab.participant("sue", engine="livekit")
        async with lab.room("alice", sue, server=livekit_server) as room:
            with pytest.raises(CallError) as told:
                await room.ask("sue", connect)
        return told.value

    told = str(run(work()))
    assert "ConnectError" in told and "401" in told
    assert "eyJ" not in told


@pytest.mark.parametrize("errors", [CallErrors(), RoomErrors()])
def test_a_start_that_failed_is_told_without_the_token(errors: CallErrors) -> None:
    told = str(errors.did_not_start(RuntimeError(f"invalid token: {TOKEN}, error: 401")))
    assert told.endswith("doctor”.") and "invalid token: …, error: 401" in told


def test_every_error_that_travels_has_lost_its_tokens() -> None:
    refused = WhipError(f"It says {TOKEN}.", TOKEN, f"Use {TOKEN}.", status=401)
    for error in (refused, LabError("It failed.", f"The SDK says: {TOKEN}.")):
        told = pickle.loads(pickle.dumps(_readable(error)))
        assert type(told) is type(error) and "eyJ" not in repr(told) + str(told)
    assert told.why == "The SDK says: …."
    assert _readable({"alice": 2}) == {"alice": 2}
