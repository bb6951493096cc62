"""The pcapng file, read by the real tshark."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import LabError
from labkit.run import Run, load_run
from labkit.run.pcapng import (
    INTERFACES,
    RTCP_PORT,
    RTP_PORT,
    SRTCP_CLEAR_BYTES,
    WIRE_PORT,
    pcapng_bytes,
)
from tests.run.examples import example_run, rtp_bytes
from tests.timing import SECOND

DATA = Path(__file__).parents[1] / "data"
TSHARK = shutil.which("tshark")
needs_tshark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")

RTCP_RECEIVER_REPORT = struct.pack("!BBHI", 0x80, 201, 1, 7)
SCTP_INIT = struct.pack("!HHII", 5000, 5000, 0, 0) + struct.pack(
    "!BBHIIHHI", 1, 0, 20, 1, 131072, 10, 10, 1
)


def packet(at_s: float | None, layer: str, data: bytes | None, **more: Any) -> dict[str, Any]:
    values = {
        "sender": "alice",
        "receiver": "bob",
        "layer": layer,
        "kind": "rtp",
        "sent_s": at_s,
        "arrived_s": None if at_s is None else at_s + 0.02,
        "size_bytes": None if data is None else len(data),
        "fate": "delivered",
        "data": data,
    }
    return {**values, **more}


def tshark(path: Path, *arguments: str) -> list[str]:
    assert TSHARK is not None
    done = subprocess.run(
        [TSHARK, "-n", "-r", str(path), *arguments],
        capture_output=True,
        text=True,
        timeout=60 * SECOND,
        check=False,
    )
    problems = [line for line in done.stderr.splitlines() if "Running as user" not in line]
    assert (done.returncode, problems) == (0, [])
    return done.stdout.splitlines()


def fields(path: Path, *names: str, only: str = "") -> list[tuple[str, ...]]:
    columns = [word for name in names for word in ("-e", name)]
    chosen = ["-Y", only] if only else []
    lines = tshark(path, "-T", "fields", *columns, *chosen)
    return [tuple(line.split("\t")) for line in lines]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    run = example_run(2.0)
    return run, run.to_pcapng(tmp_path_factory.mktemp("pcapng") / "call.pcapng")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rtp = rtp_bytes(9, 1, 2, 100, marker=True)
    packets = [
        packet(0.5, "wire", rtp, copy=1),
        packet(0.3, "wire", rtp, fate="lost", arrived_s=None),
        packet(0.4, "wire", rtp, fate="queue_full", arrived_s=None),
        packet(0.1, "rtp", rtp, sender="bob", receiver="alice", kind="rtx"),
        packet(0.2, "rtp", RTCP_RECEIVER_REPORT, kind="rtcp"),
        packet(0.6, "sctp", SCTP_INIT, kind="sctp"),
        packet(0.7, "wire", None, size_bytes=500),
        packet(0.8, "sctp", None, size_bytes=60, kind="sctp"),
        packet(None, "wire", rtp),
    ]
    run = Run.from_tables({"run_id": "small"}, packets=packets)
    return run.to_pcapng(tmp_path_factory.mktemp("small") / "small.pcapng")


@needs_tshark
def test_every_packet_is_there_and_none_is_malformed(recorded: tuple[Run, Path]) -> None:
    run, path = recorded
    lines = fields(path, "frame.interface_id", "frame.time_epoch")
    on = [int(interface) for interface, _time in lines]
    for number, layer in enumerate(INTERFACES):
        assert on.count(number) == int((run.packets["layer"] == layer).sum())
    times = [float(at_s) for _interface, at_s in lines]
    assert times == sorted(times)
    assert tshark(path, "-Y", "_ws.malformed || _ws.expert.severity == error") == []
    assert tshark(path, "-o", "ip.check_checksum:TRUE", "-Y", 'ip.checksum.status != "Good"') == []


@needs_tshark
@pytest.mark.parametrize("options", [(), ("--enable-heuristic", "rtp_udp")])
def test_a_real_calls_packets_are_understood(tmp_path: Path, options: tuple[str, ...]) -> None:
    # handshake.run: STUN, DTLS, SRTCP and a little SRTP of a real call (AES-256-GCM).
    run = load_run(DATA / "handshake.run")
    path = run.to_pcapng(tmp_path / "real.pcapng")
    assert tshark(path, *options, "-Y", "_ws.malformed || _ws.expert.severity == error") == []
    wire = run.packets[run.packets["layer"] == "wire"]
    for kind in ("stun", "dtls"):
        assert len(tshark(path, *options, "-Y", kind)) == int((wire["kind"] == kind).sum())
    notes = fields(path, "frame.comment", only="frame.comment")
    left_out = sum("encrypted body left out" in note for (note,) in notes)
    assert left_out == int((wire["kind"] == "rtcp").sum()) > 10
    assert min(len(data) for data in wire.loc[wire["kind"] == "rtcp", "data"]) > SRTCP_CLEAR_BYTES


@needs_tshark
def test_plain_rtp_is_read_as_rtp(recorded: tuple[Run, Path]) -> None:
    run, path = recorded
    plain = run.packets[run.packets["layer"] == "rtp"]
    decoded = tshark(
        path, "-d", f"udp.port=={RTP_PORT},rtp", "-Y", "rtp", "-T", "fields", "-e", "rtp.seq"
    )
    assert sorted(map(int, decoded)) == sorted(plain["sequence"].tolist())
    guessed = tshark(path, "--enable-heuristic", "rtp_udp", "-Y", f"rtp && udp.port == {RTP_PORT}")
    assert len(guessed) == len(plain)


@needs_tshark
def test_interfaces_have_names(small: Path) -> None:
    names = dict(fields(small, "frame.interface_id", "frame.interface_name"))
    assert names == {str(i): name for i, (name, _link) in enumerate(INTERFACES.values())}


@needs_tshark
def test_each_packet_stands_where_it_belongs_and_says_its_fate(small: Path) -> None:
    found = fields(small, "frame.time_epoch", "frame.interface_id", "frame.comment", "frame.len")
    assert [(round(float(at), 6), int(i), note, int(n)) for at, i, note, n in found] == [
        (0.12, 1, "retransmission (RTX)", 128),
        (0.22, 1, "", 36),
        (0.3, 0, "lost on the link", 128),
        (0.4, 0, "dropped: the queue was full", 128),
        (0.52, 0, "duplicate", 128),
        (0.62, 2, "", 32),
        (0.72, 0, "bytes not kept", 528),
        (0.82, 2, "bytes not kept", 60),
    ]


@needs_tshark
def test_peers_have_addresses_and_layers_have_ports(small: Path) -> None:
    names = ("ip.src", "udp.srcport", "ip.dst", "udp.dstport")
    wire = {fields_[0:4] for fields_ in fields(small, *names, only="frame.interface_id == 0")}
    assert wire == {("10.0.0.1", str(WIRE_PORT), "10.0.0.2", str(WIRE_PORT + 1))}
    plain = fields(small, *names, only="frame.interface_id == 1")
    assert plain == [
        ("10.0.0.2", str(RTP_PORT), "10.0.0.1", str(RTP_PORT)),
        ("10.0.0.1", str(RTCP_PORT), "10.0.0.2", str(RTCP_PORT)),
    ]


@needs_tshark
def test_sctp_and_rtcp_are_understood(small: Path) -> None:
    assert fields(small, "sctp.chunk_type", only="sctp && frame.cap_len > 0") == [("1",)]
    assert fields(small, "frame.number", only="frame.interface_id == 2") == [("6",), ("8",)]
    rtcp = tshark(small, "-d", f"udp.port=={RTCP_PORT},rtcp", "-Y", "rtcp.pt == 201")
    assert len(rtcp) == 1


def test_blocks_are_whole_and_the_left_out_are_counted(small: Path) -> None:
    data = small.read_bytes()
    place, kinds = 0, []
    while place < len(data):
        kind, length = struct.unpack_from("<II", data, place)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, place + length - 4) == (length,)
        kinds.append(kind)
        place += length
    assert kinds == [0x0A0D0D0A, 1, 1, 1, *[6] * 8]
    assert b"1 packets without a time" in data
    assert b"without a time" not in pcapng_bytes(example_run(1.0))


def test_a_run_without_packets_is_an_empty_capture() -> None:
    assert len(pcapng_bytes(Run.from_tables())) > 100


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="could not be written"):
        Run.from_tables().to_pcapng(tmp_path)
