"""A server whose media are on another machine: said at once, and not after a wait."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.experiments import elsewhere
from labkit.experiments.elsewhere import check_here
from labkit.experiments.seats import SdkSeat
from labkit.rooms.server import livekit
from labkit.rooms.settings import own_addresses
from tests.experiments.helpers import SMALL, nothing_left, run

THERE = ("192.0.2.7", 7882)
HERE = ("127.0.0.1", 7882)


@pytest.fixture
def nothing_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "own_addresses", list)


def test_this_machine_is_where_one_address_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elsewhere, "own_addresses", lambda: ["192.0.2.8"])
    for fine in ([], [HERE], [THERE, HERE], [("192.0.2.8", 1)]):
        check_here(fine)
    with pytest.raises(CallError, match=r"are at 192\.0\.2\.7\. That is another machine"):
        check_here([THERE, ("192.0.2.7", 7883)])


@pytest.mark.usefixtures("nothing_is_ours")
def test_whip_is_told_at_once(livekit_binary: object) -> None:
    address = next(iter(own_addresses()), None)
    if address is None:
        pytest.skip("needs an address other than loopback")

    async def work() -> None:
        async with livekit(own=True, build=False, lan=address) as server:
            alice = lab.participant("alice", video=SMALL)
            made = lab.room(alice, "bob", server=server, place="kernel")
            with pytest.raises(CallError, match=f"are at {address}"):
                await made.start()
            assert made.state == "closed"

    with nothing_left():
        run(work())


class _Peer:
    """One that never gets in by itself."""

    left = False

    async def join(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            self.left = True


class _Bridge:
    def __init__(self) -> None:
        self.far: list[Any] = []

    async def set_far(self, _name: str, addresses: list[Any]) -> None:
        self.far = addresses


@pytest.mark.usefixtures("nothing_is_ours")
def test_the_sdk_is_told_too_when_no_better_address_follows() -> None:
    async def work(*told: tuple[str, int]) -> tuple[SdkSeat, Any]:
        seat = SdkSeat(lab.participant("sue", engine="livekit"), None)  # type: ignore[arg-type]
        seat.peer, seat._bridge = _Peer(), _Bridge()  # type: ignore[assignment]
        joining = asyncio.create_task(seat._join_here())
        for address in told:
            await seat._server_is_at([address])
        done, _pending = await asyncio.wait([joining], timeout=elsewhere.MORE_ADDRESSES_S + 1)
        joining.cancel()
        (answer,) = await asyncio.gather(joining, return_exceptions=True)
        assert seat.peer.left and seat._bridge.far == [told[-1]]  # type: ignore[union-attr]
        return seat, answer if done else None

    assert isinstance(run(work(THERE))[1], CallError)
    assert run(work(THERE, HERE))[1] is None
