from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from livekit.rtc._proto import stats_pb2

from labkit.peers.sdksample import SdkSampling
from labkit.peers.sdkstats import SdkStats
from labkit.run.tap import Tap


def test_a_halt_on_the_way_is_told_once() -> None:
    told: list[tuple[str, Any]] = []
    receiver = SimpleNamespace(track="bob:video")
    sampling = SdkSampling(
        "alice",
        "vp8",
        tap=Tap(),
        event=lambda name, detail: told.append((name, detail)),
        publisher=SimpleNamespace(senders=[]),  # type: ignore[arg-type]
        subscriptions=SimpleNamespace(receivers=[receiver]),  # type: ignore[arg-type]
    )

    def read(packets: float, decoded: float, delivered: float) -> None:
        names = ("packets_received", "frames_decoded", "frames_delivered")
        steps = zip(names, (packets, decoded, delivered), strict=True)
        sampling._note_dark([("bob:video", name, value) for name, value in steps])

    sampling._note_dark([("bob:video", "packets_received", 5.0)])
    for steps in [(0, 0, 0), (50, 20, 20), (55, 20, 20), (90, 20, 20), (130, 20, 20)]:
        read(*steps)
    assert told == [("packets_without_pictures", "bob:video")]
    for steps in [(170, 40, 40), (210, 60, 40), (250, 80, 40)]:
        read(*steps)
    assert told[1:] == [("pictures_not_delivered", "bob:video")]


def stat(kind: str, identifier: str, **fields: Any) -> Any:
    """One entry of the SDK's statistics; fields by their path, with __ between the steps."""
    entry = stats_pb2.RtcStats()
    one = getattr(entry, kind)
    one.rtc.id = identifier
    for path, value in fields.items():
        *steps, last = path.split("__")
        target = one
        for step in steps:
            target = getattr(target, step)
        setattr(target, last, value)
    return entry


def connection(received: int) -> list[Any]:
    return [
        stat("transport", "T", transport__selected_candidate_pair_id="P",
             transport__bytes_received=received, transport__packets_received=10,
             transport__packets_sent=3),
        stat("candidate_pair", "P", candidate_pair__local_candidate_id="L",
             candidate_pair__remote_candidate_id="R",
             candidate_pair__current_round_trip_time=0.051),
        stat("candidate_pair", "other", candidate_pair__current_round_trip_time=9.0),
        stat("local_candidate", "L", candidate__address="192.0.2.1", candidate__port=5,
             candidate__candidate_type=stats_pb2.PRFLX),
        stat("remote_candidate", "R", candidate__address="127.0.0.1", candidate__port=6),
    ]  # fmt: skip


def take(stats: SdkStats, at_s: float, entries: list[Any]) -> dict[tuple[str | None, str], float]:
    rows = stats.take(at_s, entries, lambda kind, ssrc, arrives: f"{ssrc}:{kind}")
    return {(track, name): value for track, name, value in rows}


def test_the_nominated_pair_and_the_round_trip() -> None:
    stats = SdkStats()
    first = take(stats, 1.0, connection(1000))
    assert first == {(None, "rtt_ms"): pytest.approx(51)}
    assert stats.pair == {"local": "192.0.2.1:5 prflx", "remote": "127.0.0.1:6 host"}
    assert stats.received_bytes == 1000 + 10 * 28
    assert stats.datagrams == {"sent": 3, "received": 10}
    second = take(stats, 3.0, connection(3000))
    assert second[None, "received_kbps"] == pytest.approx(2000 * 8 / 1000 / 2)


def inbound(delay_s: float, emitted: int) -> Any:
    return stat("inbound_rtp", "I", stream__ssrc=7, stream__kind="video",
                inbound__jitter_buffer_delay=delay_s,
                inbound__jitter_buffer_emitted_count=emitted)  # fmt: skip


def test_means_are_over_the_time_since_the_last_reading() -> None:
    stats = SdkStats()
    assert ("7:video", "jitter_buffer_ms") not in take(stats, 1.0, [inbound(10.0, 10)])
    second = take(stats, 2.0, [inbound(10.3, 40)])
    assert second["7:video", "jitter_buffer_ms"] == pytest.approx(10)
    assert ("7:video", "jitter_buffer_ms") not in take(stats, 3.0, [inbound(10.3, 40)])
    assert ("7:video", "jitter_buffer_ms") not in take(stats, 4.0, [inbound(0.1, 5)])


def test_layers_have_their_own_samples_and_ssrcs() -> None:
    entries = [
        stat("codec", "C", codec__mime_type="video/VP8"),
        *(
            stat("outbound_rtp", rid, stream__ssrc=ssrc, stream__kind="video",
                 stream__codec_id="C", outbound__rid=rid, outbound__rtx_ssrc=ssrc + 1,
                 outbound__target_bitrate=450_000, outbound__frame_width=640)
            for rid, ssrc in (("q", 10), ("h", 20))
        ),
    ]  # fmt: skip
    stats = SdkStats()
    rows = take(stats, 1.0, entries)
    assert rows["20:video", "target_kbps:h"] == 450
    assert rows["10:video", "width:q"] == 640
    assert stats.streams[20] == ("video", "media", "h")
    assert stats.streams[11] == ("video", "rtx", "q")
    assert stats.codecs == {"video": "VP8"}
    assert not any("concealed" in name for _track, name in rows)
