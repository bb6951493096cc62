"""A page as a participant of a room, without a page and without LiveKit: what is asked and said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from aiohttp import web

from labkit.errors import CallError, WaitTimeout
from labkit.media.page import CAMERA, TEST_PICTURE, PageMedia, page_media
from labkit.peers import pageroom, remote
from labkit.peers.clock import Clock
from labkit.peers.pageroom import PageInRoom
from labkit.peers.whip import PublishedTrack
from labkit.run.schema import COLUMNS
from labkit.run.tap import Tap
from labkit.signaling.whip import WhipError
from tests.experiments.helpers import run
from tests.peers.pages import KeptRows
from tests.signaling.whipserver import WhipServer, saying, whip_server
from tests.timing import SECOND

ZERO_S = 100.0
TOKEN = "secret.to.ken"
SDP = (
    "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\n"
    "a=rtpmap:96 VP8/90000\r\n"
)
ANSWER = SDP + (
    "a=msid:PA_alice TR_alice\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=msid:PA_x TR_nobody_asked_for\r\n"
    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=msid:PA_carol TR_carol\r\n"
)
ALICE = PublishedTrack("alice", "TR_alice", "picture", "video")
CAROL = PublishedTrack("carol", "TR_carol", "camera", "video", stamped=False)
BESIDES = PublishedTrack("dave", "TR_nobody_asked_for", "voice", "audio")


class Side:
    """A participant in a page with a recorder attached; a script stands for its page."""

    def __init__(self, *says: dict[str, Any]) -> None:
        self.tap, self.kept = Tap(), KeptRows()
        self.tap.attach(self.kept)  # type: ignore[arg-type]
        self.asked: list[dict[str, Any]] = []
        self.decoded: list[tuple[str, int | None]] = []
        self.noted: list[tuple[str, str, str]] = []
        self.rewritten: list[tuple[str, str]] = []
        self.says = list(says)
        self.side = PageInRoom(
            "me",
            sends={"video": PageMedia("video"), "audio": None},
            codec="vp8",
            ask=self._ask,
            tap=self.tap,
            clock=Clock(ZERO_S),
            on_decoded=lambda track, frame, number, at: self.decoded.append((track, number)),
        )

    def _ask(self, question: dict[str, Any]) -> None:
        self.asked.append(question)
        if self.says:
            said = {"number": question["number"], **self.says.pop(0)}
            asyncio.get_running_loop().call_soon(lambda: self.say(**said))

    def say(self, **message: Any) -> None:
        self.side.said({"v": remote.VERSION, **message})

    def rows(self, table: str) -> list[dict[str, Any]]:
        self.tap.flush()
        lines = self.kept.rows.get(table, [])
        named = [dict(zip(COLUMNS[table], line, strict=True)) for line in lines]
        return [{k: v for k, v in row.items() if v is not None} for row in named]

    def events(self) -> dict[str, Any]:
        return {row["name"]: row.get("detail") for row in self.rows("events")}

    async def join(
        self, server: WhipServer, wanted: Sequence[PublishedTrack] = (ALICE, CAROL)
    ) -> None:
        async def rewrite(sender: str, receiver: str, sdp: str) -> str:
            self.rewritten.append((sender, receiver))
            return sdp

        def note(sender: str, receiver: str, name: str, body: str) -> None:
            self.noted.append((sender, receiver, name))

        await self.side.join(server.url, TOKEN, wanted, [BESIDES], rewrite=rewrite, note=note)


def offers(**more: Any) -> dict[str, Any]:
    media = [{"kind": "video", "label": "canvas", "settings": {"width": 640}}]
    return {"type": "answer", "sdp": SDP, "media": media, "agent": "Browser 1", **more}


def answered(asked: Any) -> web.Response:
    headers = {"Location": "/session/PA_me", "Content-Type": "application/sdp"}
    return web.Response(status=201, text=ANSWER, headers=headers)


def joined(side: Side) -> WhipServer:
    """Let a side join a server that answers, and leave again."""

    async def work() -> WhipServer:
        async with whip_server() as server:
            server.replies["POST"] = answered
            await side.join(server)
            await side.side.close()
            return server

    return run(work())


def test_the_lab_speaks_whip_and_the_page_sees_no_token() -> None:
    side = Side(offers(), {"type": "answer"})
    server = joined(side)
    assert server.methods() == ["POST", "DELETE"]
    post = server.asked[0]
    assert (post.body, post.headers["Authorization"]) == (SDP, f"Bearer {TOKEN}")
    wish = json.loads(post.headers["X-LiveKit-ClientInfo"])
    assert wish == {"subscribedParticipantTrackNames": {"alice": ["picture"], "carol": ["camera"]}}
    create, answer = side.asked
    assert (create["what"], create["receive"]) == ("create_offer", ["video", "video", "audio"])
    assert (answer["what"], answer["sdp"]) == ("set_answer", ANSWER)
    assert answer["names"] == {"0": "alice", "2": "carol"}
    assert TOKEN not in json.dumps(side.asked)


def test_both_descriptions_go_by_the_relay_and_are_noted() -> None:
    side = Side(offers(), {"type": "answer"})
    joined(side)
    assert side.rewritten == [("me", "sfu"), ("sfu", "me")]
    assert side.noted[:2] == [("me", "sfu", "POST /whip"), ("sfu", "me", "201 Created")]
    events = side.events()
    assert json.loads(events["joined"]) == {
        "sid": "PA_me", "receives": ["alice:video", "carol:video"],
    }  # fmt: skip
    assert "not_subscribed" not in events
    assert (side.side.agent, side.side.opened) == ("Browser 1", ("video",))


def test_what_the_server_does_not_send_is_told() -> None:
    other = PublishedTrack("erin", "TR_erin", "picture", "video")
    side = Side(offers(), {"type": "answer"})

    async def work() -> None:
        async with whip_server() as server:
            server.replies["POST"] = answered
            await side.join(server, [other])
            await side.side.close()

    run(work())
    assert json.loads(side.events()["not_subscribed"]) == ["erin:video"]
    assert side.side.receives == []


def test_a_refusal_of_the_server_and_one_of_the_page() -> None:
    async def work(side: Side) -> list[str]:
        async with whip_server() as server:
            server.replies["POST"] = saying(401, "no permission")
            try:
                await side.join(server)
            finally:
                await side.side.close()
                asked = server.methods()
            return asked

    with pytest.raises(WhipError, match=r"401|token"):
        run(work(Side(offers())))
    refused = Side({"type": "failed", "name": "NotAllowedError", "message": "no"})
    with pytest.raises(CallError, match="permission was denied"):
        run(work(refused))


def test_a_page_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ANSWER_S", 0.2 * SECOND)

    async def work() -> list[str]:
        async with whip_server() as server:
            with pytest.raises(WaitTimeout, match="The page did not answer"):
                await Side().join(server)
            return server.methods()

    assert run(work()) == []


def seeing(*tracks: tuple[str, str]) -> Side:
    """Return a side that receives tracks by section."""
    side = Side()
    side.side._by_mid = dict(tracks)
    side.side._wanted = [ALICE, CAROL]
    side.say(type="clock", offset_s=ZERO_S, rtt_s=0.002)
    return side


def test_frames_belong_to_the_section_that_they_came_in() -> None:
    side = seeing(("0", "alice:video"), ("2", "carol:video"))
    side.say(
        type="batch",
        at_ms=1000.0,
        captured=[],
        shown=[
            [8, 90_000, 930.0, 940.0, 956.0, 320, 240, 0, "0"],
            [None, 1, 931.0, 941.0, 957.0, 320, 240, 0, "0"],
            [3, 2, 932.0, 942.0, 958.0, 320, 240, 0, "2"],
            [9, 3, 933.0, 943.0, 959.0, 320, 240, 0, "1"],
        ],
        counts={"0": {"frames_read": 2}, "1": {"frames_read": 1}},
    )
    shown = [(row["track"], row.get("frame"), row["fate"]) for row in side.rows("frames")]
    assert shown == [
        ("alice:video", 8, "shown"),
        ("alice:video", None, "unreadable"),
        ("carol:video", None, "shown"),  # a camera has no stamp: what was read is chance
    ]
    counts = [row for row in side.rows("samples") if row["name"] == "frames_read"]
    assert [(row["track"], row["value"]) for row in counts] == [("alice:video", 2)]
    assert side.decoded[0] == ("alice:video", 8)


def test_statistics_belong_to_their_tracks() -> None:
    side = seeing(("0", "alice:video"), ("3", "carol:audio"))
    frames = {"type": "inbound-rtp", "kind": "video", "mid": "0", "jitterBufferDelay": 2.0}
    stats = [
        {**frames, "jitterBufferEmittedCount": 100},
        {"type": "inbound-rtp", "kind": "video", "mid": "1", "framesDecoded": 7},
        {"type": "inbound-rtp", "kind": "audio", "packetsReceived": 9},
        {"type": "outbound-rtp", "kind": "video", "mid": "4", "packetsSent": 12},
        {"type": "candidate-pair", "currentRoundTripTime": 0.051},
    ]
    side.say(type="stats", at_ms=1000.0, stats=stats)
    later = {**frames, "jitterBufferDelay": 2.9, "jitterBufferEmittedCount": 130}
    side.say(type="stats", at_ms=2000.0, stats=[later])
    told = {(row["name"], row.get("track")): row["value"] for row in side.rows("samples")}
    assert told["jitter_buffer_ms", "alice:video"] == pytest.approx(30)
    assert told["rtt_ms", None] == pytest.approx(51)
    assert told["outbound-rtp.packetsSent", "me:video"] == 12
    assert told["inbound-rtp.packetsReceived", "carol:audio"] == 9
    assert not any(name == "inbound-rtp.framesDecoded" for name, _track in told)
    assert side.decoded == [("carol:audio", None)]


def test_a_page_is_silent_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    side = seeing()
    assert not side.side.is_silent
    monkeypatch.setattr(pageroom, "ANSWER_S", -1.0)
    assert side.side.is_silent


@pytest.mark.parametrize(
    ("asked", "what"),
    [(True, TEST_PICTURE), ("camera", CAMERA), ({"width": 320}, TEST_PICTURE), (None, None)],
)
def test_what_a_page_can_publish(asked: Any, what: str | None) -> None:
    media = page_media("video", asked)
    assert (None if media is None else media.what) == what
