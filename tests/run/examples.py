"""A believable two-way Run, made without a call: for the tests of statistics, export and plots."""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass, field
from typing import Any

from labkit.run.run import Run

__all__ = ["example_run", "rtp_bytes"]

FRAME_S = 1 / 30
SETUP = {
    "call_started": 0.0,
    "offer_created": 0.004,
    "gathering_complete": 0.012,
    "remote_offer_set": 0.015,
    "remote_answer_set": 0.024,
    "ice_checking": 0.025,
    "ice_connected": 0.041,
    "dtls_connected": 0.118,
    "first_packet": 0.131,
    "first_frame": 0.142,
}


def example_run(
    seconds: float = 6.0,
    *,
    delay_ms: float = 20.0,
    loss: float = 0.02,
    two_way: bool = True,
    jitter_buffer: str = "marker",
    seed: int = 1,
    with_data: bool = True,
) -> Run:
    """Return a Run as a call alice → bob (and back) over a bent link would have made it.

    Args:
        seconds: How long it was recorded; at least 1.
        delay_ms: Delay of each link.
        loss: Share of datagrams that each link loses.
        two_way: Whether bob sends video too.
        jitter_buffer: ``marker``, or ``stock``, which holds each frame for one frame more.
        seed: The same seed makes the same Run, but for its ``run_id``.
        with_data: Whether packets keep their bytes.
    """
    link = {"delay_ms": delay_ms, "jitter_ms": 0.0, "loss": loss, "rate_kbps": None}
    link |= {"loss_model": "iid", "queue_bytes": 30_000, "duplicate": 0.0}
    hold_s = FRAME_S if jitter_buffer == "stock" else 0.0001
    made = _Made(random.Random(seed), delay_ms / 1000, loss, hold_s, seconds, with_data)
    made.setup("alice", "bob")
    made.video("alice", "bob", ssrc=1001)
    if two_way:
        made.video("bob", "alice", ssrc=2001)
    made.audio("alice", "bob", ssrc=3001)
    for name, value in (("target_kbps", 500.0), ("loop_lag_ms", 0.4)):
        made.sample_every_second(name, value)
    meta = {
        "lab_version": "0.1.0",
        "created": "2026-01-01T12:00:00+00:00",
        "seed": seed,
        "engine": "labkit",
        "place": "worker",
        "sender": "alice",
        "receiver": "bob",
        "seconds": seconds,
        "settle_s": 2.0 if seconds >= 4 else seconds / 2,
        "recorded_from_s": made.from_s,
        "recorded_to_s": made.from_s + seconds,
        "committed_s": made.from_s + seconds + 1.5,
        "versions": {"python": "3.11.7", "aiortc": "1.16.0"},
        "machine": {"system": "Linux", "cores": 2},
        "asked": {
            "video": "TestPattern(640, 480, fps=30)",
            "codec": "vp8",
            "jitter_buffer": jitter_buffer,
            "link": {"alice->bob": link, "bob->alice": link},
        },
        "closed_by": "record",
    }
    return Run.from_tables(meta, **made.tables)


def rtp_bytes(ssrc: int, sequence: int, timestamp: int, size: int, *, marker: bool) -> bytes:
    """Return an RTP packet (RFC 3550) of payload type 96 with ``size`` bytes in all."""
    second = 96 | (0x80 if marker else 0)
    head = struct.pack("!BBHII", 0x80, second, sequence % 2**16, timestamp % 2**32, ssrc)
    return head + bytes(size - len(head))


@dataclass
class _Made:
    random: random.Random
    delay_s: float
    loss: float
    hold_s: float
    seconds: float
    with_data: bool
    from_s: float = 0.25
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)

    def add(self, table: str, **values: Any) -> None:
        self.tables.setdefault(table, []).append(values)

    def setup(self, *peers: str) -> None:
        for peer in peers:
            late_s = 0.0 if peer == peers[0] else 0.003
            self.add("peers", peer=peer, engine="labkit", place="worker", clock_offset_s=0.0)
            for name, at_s in SETUP.items():
                self.add("events", peer=peer, name=name, at_s=at_s + late_s)
        for at_s, sender, receiver, name in (
            (0.012, *peers, "offer"),
            (0.022, *reversed(peers), "answer"),
        ):
            self.add(
                "messages",
                at_s=at_s,
                sender=sender,
                receiver=receiver,
                channel="signaling",
                name=name,
                size_bytes=12,
                body="v=0 “offer”",
            )
        self.handshake(*peers)

    def handshake(self, one: str, other: str) -> None:
        for sender, receiver in ((one, other), (other, one)):
            binding = struct.pack("!HHI12s", 1, 0, 0x2112A442, bytes(12))
            self.datagram(sender, receiver, "stun", 0.030, binding)
            change_cipher_spec = struct.pack("!BHQHB", 20, 0xFEFD, 0, 1, 1)
            self.datagram(sender, receiver, "dtls", 0.045, change_cipher_spec)

    def video(self, sender: str, receiver: str, *, ssrc: int) -> None:
        track = f"{sender}:video"
        self.add(
            "tracks", track=track, peer=sender, kind="video", source="TestPattern", codec="vp8"
        )
        self.add("streams", ssrc=ssrc, track=track, role="media")
        self.add("streams", ssrc=ssrc + 1, track=track, role="rtx")
        sequence = 0
        for frame in range(int((self.seconds + 0.2) / FRAME_S)):
            captured_s = self.from_s - 0.1 + frame * FRAME_S
            encoded_s = captured_s + self.random.gauss(0.0035, 0.0003)
            key_frame = frame % 150 == 0
            packets = 9 if key_frame else self.random.randint(2, 4)
            sent_s = [encoded_s + 0.0002 + i * 0.00005 for i in range(packets)]
            timestamp = 5000 + frame * 3000
            arrived_s = []
            for i, at_s in enumerate(sent_s):
                data = rtp_bytes(ssrc, sequence, timestamp, 1000, marker=i == packets - 1)
                arrived_s.append(self.rtp(sender, receiver, "rtp", at_s, data))
                if arrived_s[-1] is None:
                    again_s = at_s + 2 * self.delay_s + 0.004
                    data = rtp_bytes(ssrc + 1, sequence, timestamp, 1002, marker=i == packets - 1)
                    arrived_s[-1] = self.rtp(sender, receiver, "rtp", again_s, data)
                sequence += 1
            common = {"track": track, "rtp_timestamp": timestamp}
            self.add(
                "frames",
                **common,
                frame=frame,
                width=640,
                height=480,
                size_bytes=988 * packets,
                packets=packets,
                key_frame=key_frame,
                captured_s=captured_s,
                encoded_s=encoded_s,
                first_sent_s=sent_s[0],
                last_sent_s=sent_s[-1],
            )
            self.received(common, receiver, frame, arrived_s)

    def received(
        self, common: dict[str, Any], receiver: str, frame: int, arrived_s: list[float | None]
    ) -> None:
        there = [at_s for at_s in arrived_s if at_s is not None]
        if not there:
            return
        times: dict[str, Any] = {"first_arrived_s": min(there), "last_arrived_s": max(there)}
        if len(there) == len(arrived_s):
            times["released_s"] = max(there) + self.hold_s
            times["decoded_s"] = times["released_s"] + abs(self.random.gauss(0.0013, 0.0002))
            readable = self.random.random() > 0.01
            times["frame"] = frame if readable else None
        self.add("frames", **common, receiver=receiver, **times)

    def audio(self, sender: str, receiver: str, *, ssrc: int) -> None:
        track = f"{sender}:audio"
        self.add("tracks", track=track, peer=sender, kind="audio", source="Tone", codec="opus")
        self.add("streams", ssrc=ssrc, track=track, role="media")
        for frame in range(int(self.seconds / 0.02)):
            captured_s = self.from_s + frame * 0.02
            common = {"track": track, "rtp_timestamp": 700 + frame * 960}
            data = rtp_bytes(ssrc, frame, common["rtp_timestamp"], 200, marker=False)
            arrived_s = self.rtp(sender, receiver, "rtp", captured_s + 0.0205, data)
            self.add(
                "audio", **common, frame=frame, captured_s=captured_s, sent_s=captured_s + 0.0205
            )
            if arrived_s is not None:
                times = {"arrived_s": arrived_s, "decoded_s": arrived_s + 0.08}
                self.add("audio", **common, receiver=receiver, level_dbfs=-20.0, **times)

    def rtp(
        self, sender: str, receiver: str, kind: str, sent_s: float, data: bytes
    ) -> float | None:
        header = struct.unpack("!BBHII", data[:12])
        fields = {"sequence": header[2], "rtp_timestamp": header[3], "ssrc": header[4]}
        arrived_s = self.datagram(sender, receiver, kind, sent_s, data + bytes(16), **fields)
        self.packet(sender, receiver, "rtp", kind, sent_s, arrived_s, data, **fields)
        return arrived_s

    def datagram(
        self, sender: str, receiver: str, kind: str, sent_s: float, data: bytes, **fields: Any
    ) -> float | None:
        direction = f"{sender}->{receiver}"
        number = self.numbers[direction] = self.numbers.get(direction, -1) + 1
        lost = self.random.random() < self.loss and kind == "rtp"
        due_s = None if lost else sent_s + self.delay_s
        arrived_s = None if due_s is None else due_s + abs(self.random.gauss(0, 0.0001))
        fields |= {"number": number, "due_s": due_s}
        self.packet(sender, receiver, "wire", kind, sent_s, arrived_s, data, **fields)
        return arrived_s

    def packet(
        self,
        sender: str,
        receiver: str,
        layer: str,
        kind: str,
        sent_s: float,
        arrived_s: float | None,
        data: bytes,
        **fields: Any,
    ) -> None:
        self.add(
            "packets",
            sender=sender,
            receiver=receiver,
            layer=layer,
            kind=kind,
            copy=0,
            sent_s=sent_s,
            arrived_s=arrived_s,
            size_bytes=len(data),
            fate="lost" if arrived_s is None else "delivered",
            data=data if self.with_data else None,
            **fields,
        )

    def sample_every_second(self, name: str, value: float) -> None:
        for second in range(int(self.seconds)):
            wobble = value * self.random.uniform(0.9, 1.1)
            at_s = self.from_s + second
            self.add(
                "samples", at_s=at_s, peer="alice", track="alice:video", name=name, value=wobble
            )
