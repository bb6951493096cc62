from __future__ import annotations

from collections.abc import Iterator

import pytest

from labkit.net import Link
from labkit.net.bridge import Bridge, Side

HOME = ("127.0.0.1", 5000)
OTHER = ("127.0.0.1", 6000)
OUTSIDE = ("192.0.2.1", 5000)


@pytest.fixture
def side() -> Iterator[Side]:
    side = Side("alice")
    yield side
    side.socket.close()


def test_the_first_datagram_tells_the_address(side: Side) -> None:
    assert side.far is None
    assert side.admits(HOME)
    assert side.far == HOME
    assert not side.admits(OTHER)
    assert side.strangers == 1


def test_only_addresses_of_the_description_may_enter(side: Side) -> None:
    side.tell([OUTSIDE, HOME])
    assert side.far == HOME  # loopback goes first
    assert not side.admits(OTHER)
    assert side.admits(OUTSIDE)
    assert side.far == OUTSIDE
    assert not side.admits(HOME)
    assert side.strangers == 2


def test_a_description_corrects_what_a_stranger_said_first(side: Side) -> None:
    assert side.admits(OTHER)
    side.tell([HOME])
    assert side.far == HOME
    assert not side.admits(OTHER)
    assert side.admits(HOME)


def test_a_description_keeps_what_was_heard_if_it_names_it(side: Side) -> None:
    assert side.admits(OUTSIDE)
    side.tell([HOME, OUTSIDE])
    assert side.far == OUTSIDE
    assert not side.admits(HOME)


def test_an_empty_description_changes_nothing(side: Side) -> None:
    side.tell([])
    assert side.far is None
    assert side.admits(HOME)
    side.tell([])
    assert side.far == HOME


def test_ways_are_named_after_their_ends_and_sockets_are_on_loopback() -> None:
    bridge = Bridge(("alice", "bob"), Link(), Link(delay_ms=5), seed=1)
    try:
        assert list(bridge.ways) == ["alice->bob", "bob->alice"]
        assert bridge.ways["bob->alice"].model.link.delay_ms == 5
        assert bridge.way_from(bridge.sides["bob"]).name == "bob->alice"
        assert {side.address[0] for side in bridge.sides.values()} == {"127.0.0.1"}
    finally:
        bridge.close()
