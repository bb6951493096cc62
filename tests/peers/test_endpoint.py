"""Two peers in one process, and what their probes write down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from aiortc.codecs import get_encoder
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket

import labkit as lab
from labkit.errors import BadValue, CallError, LabError
from labkit.peers.clock import Clock
from labkit.peers.endpoint import Peer
from labkit.peers.packetbook import PacketBook, is_rtcp, rtp_header
from labkit.peers.receiveprobe import level_dbfs
from labkit.peers.sendprobe import _is_key_frame
from labkit.run.schema import COLUMNS
from labkit.run.tap import Tap
from tests.experiments.helpers import SMALL, nothing_left, run

SMALL_TIME_BASE = Fraction(1, 90_000)


class Rows:
    """A feed that keeps what it is given."""

    def __init__(self) -> None:
        self.batches: list[dict[str, list[Any]]] = []
        self.dropped_rows = 0

    def send(self, batch: Any) -> None:
        self.batches.append(batch)

    def flush(self, timeout: float = 1.0) -> bool:
        return True

    def close(self) -> None:
        pass

    def of(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table as dicts."""
        lines = [line for batch in self.batches for line in batch.get(table, ())]
        return [dict(zip(COLUMNS[table], line, strict=True)) for line in lines]


@asynccontextmanager
async def two_peers(**options: Any) -> AsyncIterator[tuple[Peer, Peer, Rows]]:
    """Alice sends video and sound to bob, with nothing between them."""
    tap, clock, rows = Tap(), Clock(0.0), Rows()
    common = {"tap": tap, "clock": clock, "book": PacketBook(tap, clock)}
    alice = Peer("alice", video=SMALL, audio=lab.Chirp(), **common)
    bob = Peer("bob", other="alice", receives=("video", "audio"), **common, **options)
    async with alice, bob:
        tap.attach(rows)  # type: ignore[arg-type]
        offer = await alice.create_offer()
        await alice.set_answer(await bob.create_answer(offer))
        yield alice, bob, rows
        tap.detach()


async def until(true: Any) -> None:
    while not true():  # noqa: ASYNC110
        await asyncio.sleep(0.02)


def test_every_step_of_a_frame_is_written_by_both_sides() -> None:
    async def work() -> Rows:
        shown: list[int] = []

        def on_decoded(track: str, frame: Any, number: int | None, at_s: float) -> None:
            if track == "alice:video" and number is not None:
                shown.append(number)

        async with two_peers(on_decoded=on_decoded) as (alice, bob, rows):
            await until(lambda: len(shown) > 10)
            pairs = [peer.nominated_pair() for peer in (alice, bob)]
            assert all(pair and pair["local"].startswith("127.0.0.1:") for pair in pairs)
            assert pairs[0]["remote"] == pairs[1]["local"]  # type: ignore[index]
            assert bob.datagrams["received"] > 10 and bob.received_bytes > 1000
            assert alice.senders[-1].target_kbps
        assert shown == sorted(set(shown))
        return rows

    with nothing_left():
        rows = run(work())
    halves: dict[Any, dict[str, dict[str, Any]]] = {}
    for row in rows.of("frames"):
        assert row["track"] == "alice:video"
        halves.setdefault(row["frame"], {})[row["receiver"] or "sender"] = row
    whole = [half for half in halves.values() if len(half) == 2]
    assert len(whole) > 8
    for half in whole:
        sent, received = half["sender"], half["bob"]
        assert sent["captured_s"] <= sent["encoded_s"] <= sent["first_sent_s"]
        assert sent["first_sent_s"] <= sent["last_sent_s"] and sent["packets"] >= 1
        assert received["first_arrived_s"] <= received["last_arrived_s"] <= received["released_s"]
        assert received["released_s"] <= received["decoded_s"]
        assert sent["first_sent_s"] <= received["first_arrived_s"]
        assert sent["rtp_timestamp"] == received["rtp_timestamp"]
        assert received["fate"] == "shown"
    assert halves[0]["sender"]["key_frame"] is True
    assert not all(half["sender"]["key_frame"] for half in whole)
    assert any(row["level_dbfs"] is not None for row in rows.of("audio") if row["receiver"])


def test_the_set_up_is_told_step_by_step() -> None:
    async def work() -> Rows:
        async with two_peers() as (_alice, bob, rows):
            await until(lambda: bob.pc.connectionState == "connected")
        return rows

    rows = run(work())
    events = [(row["peer"], row["name"]) for row in rows.of("events")]
    steps = ["offer_created", "gathering_complete", "remote_answer_set", "ice_connected"]
    places = [events.index(("alice", step)) for step in [*steps, "dtls_connected"]]
    assert places == sorted(places)
    assert [row["peer"] for row in rows.of("peers")] == ["alice", "bob"]
    assert {row["track"]: row["codec"] for row in rows.of("tracks")} == {
        "alice:video": "VP8",
        "alice:audio": "opus",
    }
    roles = sorted((row["track"], row["role"]) for row in rows.of("streams"))
    assert roles == [("alice:audio", "media"), ("alice:video", "media"), ("alice:video", "rtx")]
    packets = [row for row in rows.of("packets") if row["layer"] == "rtp"]
    assert {row["sender"] for row in packets} <= {"alice", "bob"}


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return 1 / 0", "ZeroDivisionError"),
        ("return None", "TypeError"),
        ("return False, b'no frame'", "AttributeError"),
    ],
)
def test_a_buffer_that_fails_is_told_and_the_call_can_be_closed(body: str, told: str) -> None:
    cell: dict[str, Any] = {}
    exec(f"class Mine:\n def __init__(s, c, is_video): 0\n def add(s, packet): {body}", cell)
    failures: list[LabError] = []

    async def work() -> None:
        async with two_peers(jitter_buffer=cell["Mine"], on_failure=failures.append):
            await until(lambda: failures)

    with nothing_left():
        run(work())
    assert f"Mine failed in add(): {told}" in str(failures[0])


def test_a_buffer_that_cannot_be_made_is_told() -> None:
    class NoArguments:
        def add(self, packet: Any) -> None: ...

    async def work() -> None:
        async with two_peers(jitter_buffer=NoArguments):
            pass

    with nothing_left(), pytest.raises(CallError, match="NoArguments could not be made"):
        run(work())


def test_what_is_no_buffer_is_refused() -> None:
    with pytest.raises(BadValue, match="marker"):
        lab.peer(jitter_buffer="none of these")
    with pytest.raises(BadValue, match="add"):
        lab.peer(jitter_buffer=int)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_key_frames_are_told_from_others(codec: str) -> None:
    parameters = RTCRtpCodecParameters(mimeType=f"video/{codec}", clockRate=90_000, payloadType=97)
    encoder = get_encoder(parameters)
    with SMALL.open() as reader:
        asked = [True, False, False, True]
        found = []
        for k, force in enumerate(asked):
            picture = reader.picture(k)
            picture.pts, picture.time_base = k * 3000, SMALL_TIME_BASE
            payloads, _timestamp = encoder.encode(picture, force_keyframe=force)
            found.append(_is_key_frame(codec, payloads))
    assert found == asked


def test_a_packet_is_one_row_with_both_times_or_lost() -> None:
    tap, rows = Tap(), Rows()
    book = PacketBook(tap, Clock(0.0))
    data = [RtpPacket(sequence_number=n, ssrc=5, timestamp=9, marker=1).serialize() for n in (1, 2)]
    header = rtp_header(data[0])
    assert header[2:] == (1, 9, 5) and header.marker and not is_rtcp(data[0])
    book.sent("alice", "bob", header, data[0], "rtp")  # nobody records: nothing is kept
    tap.attach(rows)  # type: ignore[arg-type]
    for packet in data:
        book.sent("alice", "bob", rtp_header(packet), packet, "rtp")
    book.arrived(5, 2, 1.5)
    book.arrived(5, 99, 1.5)
    book.sent_rtcp("bob", "alice", bytes([0x80, 200, 0, 0]))
    book.sweep()  # too young to be lost
    tap.flush()
    assert [(r["kind"], r["sequence"], r["fate"]) for r in rows.of("packets")] == [
        ("rtp", 2, "delivered"),
        ("rtcp", None, None),
    ]
    book.sweep(0.0)
    tap.flush()
    last = rows.of("packets")[-1]
    assert (last["sequence"], last["fate"], last["arrived_s"]) == (1, "lost", None)


def test_levels_are_below_full_scale() -> None:
    full = np.full(960, -1.0)
    assert level_dbfs(full) == pytest.approx(0.0)
    assert level_dbfs(full / 10) == pytest.approx(-20.0)
    assert level_dbfs(full * 0) is None
