"""Media that pass a server have two hops, each with figures of its own."""

from __future__ import annotations

import pytest

from labkit.rooms.metrics import is_about_media, lines_about_media, parse_metrics
from labkit.run import Run
from labkit.run.statistics import hops
from labkit.run.summary import describe, summary
from tests.run.topologies import FPS, PACKET, SECONDS, topology_run


@pytest.mark.parametrize("server", ["sfu", "mcu"])
def test_a_server_makes_two_hops(server: str) -> None:
    run = topology_run(server, 3)
    assert hops(run, "alice", "bob") == [("alice", server), (server, "bob")]
    figures = summary(run, "alice", "bob")
    assert set(figures["hops"]) == {f"alice->{server}", f"{server}->bob"}
    kbps = 8 * (PACKET + 28) * FPS / 1000
    for hop in figures["hops"].values():
        assert hop["bitrate_kbps"] == pytest.approx(kbps, rel=0.02)
        assert hop["datagrams"]["sent"] == SECONDS * FPS
        assert hop["loss_achieved"] == 0
    assert figures["bitrate_kbps"] is None


def test_each_hop_has_a_line() -> None:
    lines = describe(topology_run("sfu", 2))
    assert [line for line in lines if "→ sfu: bitrate" in line or "sfu → bob: bitrate" in line] == [
        line for line in lines if "bitrate" in line
    ]
    assert sum("bitrate" in line for line in lines) == 2


def test_a_call_has_one_way_and_no_hops() -> None:
    run = topology_run("mesh", 2)
    assert hops(run, "alice", "bob") == [("alice", "bob")]
    assert "hops" not in summary(run)
    assert sum("bitrate" in line for line in describe(run)) == 1


def test_without_packets_there_is_one_way() -> None:
    assert hops(Run.from_tables({}), "alice", "bob") == [("alice", "bob")]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ('livekit_packet_total{direction="outgoing"}', True),
        ("livekit_forward_latency", True),
        ("process_cpu_seconds_total", True),
        ("livekit_participant_total", True),
        ('livekit_participant_join_total{state="rtc_init"}', False),
        ('livekit_psrpc_bytes_total{kind="rpc"}', False),
        ("livekit_node_twirp_request_latency_ms_sum", False),
    ],
)
def test_a_run_keeps_the_counters_about_media(name: str, wanted: bool) -> None:
    assert is_about_media(name) is wanted


def test_what_is_not_about_media_is_not_even_parsed() -> None:
    text = """# HELP livekit_room_total rooms
# TYPE livekit_room_total gauge
livekit_room_total{node_id="N"} 2
# TYPE livekit_rtt_ms histogram
livekit_rtt_ms_bucket{le="1"} 3
livekit_rtt_ms_bucket{le="+Inf"} 3
livekit_rtt_ms_sum 4
livekit_rtt_ms_count 3
# TYPE livekit_psrpc_bytes_total counter
livekit_psrpc_bytes_total{kind="rpc"} 7
# TYPE go_goroutines gauge
go_goroutines 99
"""
    short = lines_about_media(text)
    assert "psrpc" not in short and "go_" not in short and "bucket" not in short
    assert parse_metrics(short) == {
        name: value for name, value in parse_metrics(text).items() if is_about_media(name)
    }
    assert parse_metrics(short)["livekit_rtt_ms_count"] == 3
