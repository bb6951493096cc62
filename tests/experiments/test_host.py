"""A relay that ends while a call starts is named, and not taken for the call's own process."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import labkit as lab
from labkit.errors import CallError
from labkit.experiments.host import Host
from labkit.net.relay_handle import Relay
from labkit.process import ChildDied


class Dead:
    """A relay whose process has ended."""

    async def set_time_zero(self, time_zero: float) -> None:
        raise ChildDied("The helper process labkit.net.relay ended.")

    async def close(self) -> None:
        pass


def test_a_relay_that_ends_at_once_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ended() -> Any:
        raise ChildDied("The helper process labkit.net.relay ended.")

    monkeypatch.setattr(Relay, "start", ended)
    with pytest.raises(CallError, match="relay between the peers ended"):
        asyncio.run(Host(lambda name, payload: None).prepare())


def test_so_is_one_that_ends_before_the_call_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dead() -> Any:
        return Dead()

    monkeypatch.setattr(Relay, "start", dead)
    with pytest.raises(CallError, match="relay between the peers ended"):
        asyncio.run(Host(lambda name, payload: None).open(lab.call().spec, 0.0))
