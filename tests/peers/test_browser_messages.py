"""What a page says, without a browser, and what the lab makes of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from labkit.errors import CallError, WaitTimeout
from labkit.media.page import PageMedia
from labkit.peers import remote
from labkit.peers.clock import Clock
from labkit.peers.remote import RemoteSide
from labkit.run.schema import COLUMNS
from labkit.run.tap import Tap
from tests.experiments.helpers import run
from tests.peers.pages import KeptRows
from tests.timing import SECOND

ZERO_S = 100.0
SDP = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=rtpmap:96 VP8/90000\r\na=ssrc-group:FID 11 12\r\n"
    "a=ssrc:11 cname:a\r\na=ssrc:12 cname:a\r\n"
)


class Side:
    """A remote side with a recorder attached, and everything it asked and wrote."""

    def __init__(self) -> None:
        self.tap, self.kept = Tap(), KeptRows()
        self.tap.attach(self.kept)  # type: ignore[arg-type]
        self.asked: list[dict[str, Any]] = []
        self.decoded: list[tuple[str, int | None, float]] = []
        self.side = RemoteSide(
            "browser",
            other="lab",
            sends={"video": PageMedia("video", True, "test picture"), "audio": None},
            codec="vp8",
            ask=self.asked.append,
            tap=self.tap,
            clock=Clock(ZERO_S),
            on_decoded=lambda track, frame, number, at: self.decoded.append((track, number, at)),
        )

    def rows(self, table: str) -> list[dict[str, Any]]:
        self.tap.flush()
        rows = self.kept.rows.get(table, [])
        return [
            {k: v for k, v in zip(COLUMNS[table], line, strict=True) if v is not None}
            for line in rows
        ]

    def say(self, **message: Any) -> None:
        self.side.said({"v": remote.VERSION, **message})


async def asking(side: Side, work: Any, *says: dict[str, Any]) -> Any:
    """Let the side ask, and the page say things; return the answer."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    for message in says:
        side.say(number=side.asked[-1]["number"], **message)
    return await task


def test_an_offer_from_the_page_brings_its_media_and_its_streams() -> None:
    side = Side()
    media = [{"kind": "video", "label": "canvas", "settings": {"width": 640}}]
    answer = {"type": "answer", "sdp": SDP, "media": media, "agent": "Browser 1"}
    assert run(asking(side, side.side.create_offer(), answer)) == SDP
    assert side.asked == [{"v": remote.VERSION, "number": 1, "what": "create_offer"}]
    assert side.side.agent == "Browser 1"
    (track,) = side.rows("tracks")
    assert track["source"] == "test picture of the browser"
    assert [(row["ssrc"], row["role"]) for row in side.rows("streams")] == [
        (11, "media"),
        (12, "rtx"),
    ]
    assert side.rows("events")[0]["name"] == "media_settings"


def test_an_offer_and_an_answer_can_be_given_to_the_page() -> None:
    side = Side()
    run(asking(side, side.side.set_answer("an answer"), {"type": "answer"}))
    run(asking(side, side.side.create_answer("an offer"), {"type": "answer", "sdp": SDP}))
    assert [(q["what"], q["sdp"]) for q in side.asked] == [
        ("set_answer", "an answer"),
        ("create_answer", "an offer"),
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NotAllowedError", "permission was denied"),
        ("NotFoundError", "no camera"),
        ("NotReadableError", "Another program"),
        ("OverconstrainedError", "what was asked for"),
        ("InsecureContext", "HTTPS"),
        ("TypeError", "TypeError: of the page"),
    ],
)
def test_what_the_page_could_not_do_is_said_in_words(name: str, words: str) -> None:
    side = Side()
    failed = {"type": "failed", "name": name, "message": "of the page"}
    with pytest.raises(CallError, match=words) as caught:
        run(asking(side, side.side.create_offer(), failed))
    assert caught.value.next_step
    if name != "TypeError":
        assert "Use a test picture" in str(caught.value)


def test_a_codec_that_the_browser_lacks_has_a_name() -> None:
    side = Side()
    failed = {"type": "failed", "name": "NoSuchCodec", "message": "h264"}
    with pytest.raises(CallError, match="browser has no H264") as caught:
        run(asking(side, side.side.create_offer(), failed))
    assert "VP8" in str(caught.value)


def test_a_page_of_another_version_is_asked_to_reload() -> None:
    side = Side()
    with pytest.raises(CallError, match="Reload the page"):
        run(asking(side, side.side.create_offer(), {"type": "answer", "sdp": SDP, "v": 0}))


def test_a_silent_page_and_a_person_who_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ANSWER_S", 0.3 * SECOND)
    with pytest.raises(WaitTimeout, match="Bring the notebook to the front"):
        run(Side().side.create_offer())

    monkeypatch.setattr(remote, "PERMISSION_S", 0.8 * SECOND)
    side = Side()

    async def thinking() -> None:
        asked = asyncio.ensure_future(side.side.create_offer())
        while not asked.done():
            side.say(type="waiting")
            await asyncio.sleep(0.05)
        await asked

    with pytest.raises(WaitTimeout, match="may use the camera"):
        run(thinking())


def test_late_answers_and_unknown_messages_change_nothing() -> None:
    side = Side()
    side.say(type="answer", number=7, sdp=SDP)
    side.say(type="of a newer page")
    assert side.rows("events") == side.rows("tracks") == []


def test_the_clock_with_the_shortest_way_counts_until_it_is_settled() -> None:
    side = Side()
    side.say(type="clock", offset_s=ZERO_S + 1.010, rtt_s=0.040)
    side.say(type="clock", offset_s=ZERO_S + 1.000, rtt_s=0.004)
    side.say(type="clock", offset_s=ZERO_S + 1.020, rtt_s=0.050)
    side.side.settle_clock()
    side.say(type="clock", offset_s=ZERO_S + 1.001, rtt_s=0.001)
    side.side.settle_clock()
    (peer,) = side.rows("peers")
    assert peer["clock_offset_s"] == pytest.approx(1.0)
    assert peer["clock_error_s"] == 0.002
    side.say(type="event", name="first_frame", at_ms=500.0)
    assert side.rows("events")[-1]["at_s"] == pytest.approx(1.5)
    drifts = [row["value"] for row in side.rows("samples") if row["name"] == "clock_drift_ms"]
    assert drifts[-1] == pytest.approx(1.0)


def test_without_a_clock_nothing_has_a_time() -> None:
    side = Side()
    side.say(type="event", name="ice_checking", at_ms=10.0)
    side.side.settle_clock()
    assert side.rows("events") == []
    (peer,) = side.rows("peers")
    assert "clock_offset_s" not in peer
    assert "clock_error_s" not in peer
    side.say(type="clock", offset_s=ZERO_S, rtt_s=0.002)
    assert side.rows("events")[0]["at_s"] == pytest.approx(0.01)


def test_a_batch_becomes_halves_of_frames() -> None:
    side = Side()
    side.say(type="clock", offset_s=ZERO_S, rtt_s=0.002)
    side.say(
        type="batch",
        at_ms=1000.0,
        captured=[[3, 900.0, 640, 480]],
        shown=[
            [8, 90_000, 930.0, 940.0, 956.0, 320, 240, 0, "1"],
            [None, None, None, 970.0, None, 320, 240, 2, "1"],  # as Firefox tells it
        ],
        counts={"1": {"frames_presented": 9}},
    )
    sent, shown, broken = side.rows("frames")
    assert sent == {"track": "browser:video", "frame": 3, "width": 640, "height": 480,
                    "captured_s": pytest.approx(0.9)}  # fmt: skip
    assert (shown["track"], shown["receiver"], shown["frame"]) == ("lab:video", "browser", 8)
    times = [shown[name] for name in ("last_arrived_s", "decoded_s", "shown_s")]
    assert times == pytest.approx([0.93, 0.94, 0.956])
    assert (shown["rtp_timestamp"], shown["fate"]) == (90_000, "shown")
    assert broken["fate"] == "unreadable"
    assert "last_arrived_s" not in broken
    assert "shown_s" not in broken
    (seen,) = (row for row in side.rows("samples") if row["name"] == "frames_presented")
    assert (seen["track"], seen["value"]) == ("lab:video", 9)
    (unread,) = (row for row in side.rows("samples") if row["name"] == "presented_unread")
    assert (unread["track"], unread["peer"], unread["value"]) == ("lab:video", "browser", 2)
    assert unread["at_s"] == broken["decoded_s"]  # the join finds it there
    assert side.decoded == [
        ("lab:video", 8, pytest.approx(0.94)),
        ("lab:video", None, pytest.approx(0.97)),
    ]
    assert side.side.told_until_s == pytest.approx(1.0)


def test_stats_become_samples() -> None:
    side = Side()
    side.say(type="clock", offset_s=ZERO_S, rtt_s=0.002)
    stats = [
        {"type": "inbound-rtp", "kind": "video", "jitterBufferDelay": 0.5, "mid": "0"},
        {"type": "outbound-rtp", "kind": "audio", "packetsSent": 12, "active": True},
        {"type": "candidate-pair", "currentRoundTripTime": 0.001},
        {"type": "codec", "payloadType": 96},
    ]
    side.say(type="stats", at_ms=2000.0, stats=stats)
    found = {(r["name"], r.get("track")): r["value"] for r in side.rows("samples")}
    assert found["inbound-rtp.jitterBufferDelay", "lab:video"] == 0.5
    assert found["outbound-rtp.packetsSent", "browser:audio"] == 12
    assert found["candidate-pair.currentRoundTripTime", None] == 0.001
    assert not any(name.startswith(("codec", "outbound-rtp.active")) for name, _track in found)


def test_the_first_sound_is_told_once() -> None:
    side = Side()
    side.say(type="clock", offset_s=ZERO_S, rtt_s=0.002)
    for packets in (0, 20, 70):
        stats = [{"type": "inbound-rtp", "kind": "audio", "packetsReceived": packets}]
        side.say(type="stats", at_ms=1000.0 + packets, stats=stats)
    assert side.decoded == [("lab:audio", None, pytest.approx(1.02))]
