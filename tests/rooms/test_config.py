"""The settings: what they say, what they refuse; a network is opened on request alone."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import psutil
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.rooms import livekit, token_endpoint
from labkit.rooms.config import ServerConfig
from labkit.rooms.metrics import parse_metrics
from labkit.rooms.ports import free_port, free_udp_range, port_is_free
from labkit.rooms.running import LivekitServer
from labkit.rooms.settings import ServerOptions, check_lan_address, own_addresses
from tests.timing import SECOND


def config(**changes: Any) -> ServerConfig:
    plain: dict[str, Any] = {
        "api_key": "labkey",
        "api_secret": "s" * 32,
        "port": 7880,
        "udp_port": 7882,
        "metrics_port": 6789,
        "metrics_password": "p",
    }
    return ServerConfig(**(plain | changes))


@given(st.integers(1, 65535), st.integers(1, 1000), st.booleans())
def test_the_yaml_says_what_was_asked_for(port: int, limit: int, create: bool) -> None:
    told = yaml.safe_load(config(port=port, max_participants=limit, auto_create=create).to_yaml())
    assert told["port"] == port
    assert told["room"]["max_participants"] == limit
    assert told["room"]["auto_create"] is create


def test_nothing_in_it_leaves_this_machine() -> None:
    told = config(turn_port=3478, relay_ports=range(31000, 31020)).to_dict()
    assert told["bind_addresses"] == told["turn"]["bind_addresses"] == ["127.0.0.1"]
    assert told["rtc"]["tcp_port"] == 0
    assert told["rtc"]["stun_servers"] == ["127.0.0.1:3478"]
    assert told["rtc"]["use_external_ip"] is False
    assert told["rtc"]["ips"] == {"includes": ["127.0.0.1/32"]}
    assert (told["turn"]["relay_range_start"], told["turn"]["relay_range_end"]) == (31000, 31019)
    assert "turn" not in config().to_dict()
    assert config().to_dict()["rtc"]["stun_servers"] == ["127.0.0.1:6789"]


def test_no_limit_and_no_delay_without_being_asked() -> None:
    room = config().to_dict()["room"]
    assert room["max_participants"] == 0
    assert "playout_delay" not in room
    delayed = config(playout_delay_ms=(0, 200)).to_dict()["room"]["playout_delay"]
    assert delayed == {"enabled": True, "min": 0, "max": 200}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"api_secret": "short"}, "too short"),
        ({"port": 0}, "port"),
        ({"udp_port": 70000}, "udp_port"),
        ({"max_participants": 0}, "max_participants"),
        ({"empty_timeout_s": 0}, "empty_timeout_s"),
        ({"departure_timeout_s": -1}, "departure_timeout_s"),
        ({"playout_delay_ms": (0, 10_001)}, "playout_delay_ms"),
        ({"log_level": "loud"}, "loud"),
    ],
)
def test_values_out_of_range_are_said(changes: dict[str, Any], word: str) -> None:
    with pytest.raises(BadValue, match=word):
        config(**changes)


def test_lab_livekit_says_it_at_once() -> None:
    with pytest.raises(BadValue, match="max_participants"):
        livekit(own=True, max_participants=0)


def test_ports_are_free_until_they_are_taken() -> None:
    for transport, kind in (("tcp", socket.SOCK_STREAM), ("udp", socket.SOCK_DGRAM)):
        port = free_port("127.0.0.1", transport)  # type: ignore[arg-type]
        assert port_is_free("127.0.0.1", port, transport)  # type: ignore[arg-type]
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", port))
            if kind == socket.SOCK_STREAM:
                taken.listen()
            assert not port_is_free("127.0.0.1", port, transport)  # type: ignore[arg-type]
    assert len(free_udp_range("127.0.0.1", 40)) == 40


@pytest.mark.parametrize(
    "address", ["0.0.0.0", "127.0.0.1", "localhost", "::1", "198.51.100.7", ""]
)
def test_an_address_that_is_no_network_of_ours_is_refused(address: str) -> None:
    with pytest.raises(BadValue, match="address"):
        check_lan_address(address)
    with pytest.raises(BadValue, match="address"):
        ServerOptions(lan=address)


@pytest.fixture
def lan() -> str:
    addresses = own_addresses()
    if not addresses:
        pytest.skip("needs an address other than loopback")
    return addresses[0]


@pytest.mark.parametrize("turn", [False, True])
def test_a_network_is_opened_on_request_and_all_that_is_open_is_said(
    livekit_binary: object, lan: str, turn: bool
) -> None:
    async def work() -> None:
        server = livekit(own=True, build=False, lan=lan, turn=turn)
        assert isinstance(server, LivekitServer)
        async with server:
            assert server.url.startswith(f"ws://{lan}:")
            assert lan in server.opened
            found = psutil.Process(server.pid).net_connections("inet")
            open_ones = [s for s in found if s.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)]
            assert {s.laddr.ip for s in open_ones} == {lan}
            kinds = {socket.SOCK_STREAM: "TCP", socket.SOCK_DGRAM: "UDP"}
            open_now = {f"{kinds[s.type]} port {s.laddr.port} (" for s in open_ones}
            assert len(open_now) == (4 if turn else 3)
            assert {said for said in open_now if said not in server.opened} == set()
            relayed = server.config.relay_ports
            assert (f"UDP ports {relayed.start} to {relayed.stop - 1} " in server.opened) == turn
            async with token_endpoint(server, lan=lan) as endpoint:
                assert endpoint.url.startswith(f"http://{lan}:")
            with pytest.raises(BadValue, match="600 s"):
                token_endpoint(server, lan=lan, ttl_s=3600)

    asyncio.run(asyncio.wait_for(work(), 20 * SECOND))


def test_counters_are_read_from_prometheus_text() -> None:
    text = (
        "# TYPE livekit_room_total gauge\n"
        'livekit_room_total{node_id="ND_x",node_type="SERVER"} 2\n'
        "# TYPE livekit_packet_total counter\n"
        'livekit_packet_total{direction="incoming",node_id="ND_x",transmission="initial"} 7\n'
        "# TYPE livekit_t histogram\n"
        'livekit_t_bucket{le="1"} 1\nlivekit_t_sum 0.5\nlivekit_t_count 1\n'
        "# TYPE go_threads gauge\ngo_threads 9\n"
        "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 0.25\n"
    )
    assert parse_metrics(text) == {
        "livekit_room_total": 2.0,
        'livekit_packet_total{direction="incoming",transmission="initial"}': 7.0,
        "livekit_t_sum": 0.5,
        "livekit_t_count": 1.0,
        "process_cpu_seconds_total": 0.25,
    }
