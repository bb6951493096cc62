"""Which way out there is: the sockets of this process and of what it has started."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

import pandas as pd
import psutil
import pytest

from labkit.net import Link
from labkit.net.relay_handle import Relay
from labkit.rooms.running import LivekitServer
from labkit.rooms.sockets import OpenSocket, is_loopback, open_sockets
from tests.experiments.helpers import run

LISTENS = """
import socket, sys
one = socket.socket()
one.bind(("127.0.0.1", 0))
one.listen()
print("ready", flush=True)
sys.stdin.read()
"""


def rows(table: pd.DataFrame, **wanted: Any) -> pd.DataFrame:
    for name, value in wanted.items():
        table = table[table[name] == value]
    return table


@pytest.mark.parametrize(
    ("address", "stays"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_which_addresses_stay_here(address: str, stays: bool) -> None:
    assert is_loopback(address) is stays


def test_one_loopback_end_is_enough() -> None:
    assert OpenSocket("app", "UDP", "127.0.0.1", None).stays
    assert OpenSocket("app", "TCP", "192.0.2.7", "127.0.0.1").stays
    assert not OpenSocket("app", "UDP", "0.0.0.0", None).stays
    assert not OpenSocket("app", "TCP", "192.0.2.7", "192.0.2.1").stays


def test_a_socket_that_anybody_may_reach_is_told_apart() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as everywhere, socket.socket() as here:
        before = open_sockets()
        everywhere.bind(("0.0.0.0", 0))
        here.bind(("127.0.0.1", 0))
        here.listen()
        after = open_sockets()
    own = rows(after, program="this notebook")
    udp = rows(own, protocol="UDP", here="0.0.0.0")
    assert list(udp["stays"]) == [False] and bool(udp["there"].isna().all())
    tcp = rows(own, protocol="TCP", here="127.0.0.1")
    assert bool(tcp["stays"].all()) and bool(tcp["there"].isna().any())
    assert after["count"].sum() >= before["count"].sum()


def test_what_was_started_belongs_to_it() -> None:
    command = [sys.executable, "-c", LISTENS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None and child.stdout is not None
        assert child.stdout.readline().strip() == b"ready"
        table, name = open_sockets(), psutil.Process(child.pid).name()
        child.stdin.close()
    others = rows(table, program=name)
    assert list(others["here"]) == ["127.0.0.1"] and bool(others["stays"].all())


def test_the_labs_own_children_are_called_by_their_module() -> None:
    async def look() -> pd.DataFrame:
        async with await Relay.start() as relay:
            await relay.open("alice", "bob", forward=Link(), back=Link(), seed=1)
            return open_sockets()

    relay = rows(run(look()), program="labkit.net.relay")
    assert set(relay["protocol"]) == {"UDP"} and set(relay["here"]) == {"127.0.0.1"}
    assert relay["count"].sum() >= 2


def test_a_servers_sockets_are_all_on_loopback(livekit_server: LivekitServer) -> None:
    table = open_sockets()
    server = table[table["program"].str.startswith("livekit-server")]
    assert set(server["protocol"]) == {"TCP", "UDP"}
    assert bool(server["stays"].all()) and set(server["here"]) == {"127.0.0.1"}
