"""Media that pass a server have two hops, each with figures of its own."""

from __future__ import annotations

import pytest

from labkit.rooms.metrics import is_about_media
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
