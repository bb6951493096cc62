from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import av
import numpy as np
import pytest

from labkit.errors import BadValue, CallError, MediaError
from labkit.media import TestPattern
from labkit.peers import sdkerrors
from labkit.peers.clock import Clock
from labkit.peers.sdk import SdkPeer
from labkit.peers.sdkchirps import ChirpBook, book_of
from labkit.peers.sdkevents import detail_of
from labkit.peers.sdkoptions import (
    CONNECT_S,
    RELAY_CONNECT_S,
    SdkOptions,
    check_sdk_codec,
    preset_kbps,
)
from labkit.peers.sdkreceive import SdkPicture, layer_of
from labkit.peers.sdksend import i420_bytes
from labkit.peers.sdkseries import Answers
from tests.timing import SECOND

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln-_0"


def test_an_unknown_option_names_the_known_ones() -> None:
    with pytest.raises(BadValue, match=r"no option 'bitrate'.*bitrate_kbps"):
        SdkOptions.of({"bitrate": 1})


@pytest.mark.parametrize("name", ["bitrate_kbps", "max_fps", "audio_kbps", "connect_timeout_s"])
@pytest.mark.parametrize("value", [0, -1, "fast"])
def test_numbers_are_above_zero(name: str, value: Any) -> None:
    with pytest.raises(BadValue, match=name):
        SdkOptions.of({name: value})


def test_a_degradation_is_one_of_three() -> None:
    with pytest.raises(BadValue, match="maintain_framerate"):
        SdkOptions.of({"degradation": "none"})
    options = SdkOptions.of({"degradation": "balanced"}).video_options("vp8", TestPattern())
    assert options.HasField("degradation_preference")


def test_a_codec_is_one_of_five() -> None:
    check_sdk_codec("av1")
    with pytest.raises(BadValue, match="vp8, h264, vp9, av1, h265"):
        check_sdk_codec("vp10")


def test_a_relay_is_waited_for_less_long_than_the_sdk_would() -> None:
    assert SdkOptions().connect_s == CONNECT_S
    assert SdkOptions(relay_only=True).connect_s == RELAY_CONNECT_S
    assert SdkOptions(relay_only=True, connect_timeout_s=2).connect_s == 2


def test_video_is_published_at_the_rate_of_its_source() -> None:
    options = SdkOptions().video_options("h264", TestPattern(640, 480, 30))
    assert options.video_encoding.max_framerate == 30
    assert options.video_encoding.max_bitrate == 450_000
    assert not options.HasField("simulcast")
    assert list(options.frame_metadata_features) == [1, 0]
    wanted = SdkOptions.of({"bitrate_kbps": 1500, "max_fps": 15, "simulcast": False})
    options = wanted.video_options("vp9", TestPattern())
    assert (options.video_encoding.max_bitrate, options.video_encoding.max_framerate) == (
        1_500_000,
        15,
    )
    assert options.HasField("simulcast")


@pytest.mark.parametrize(
    ("size", "kbps"), [((320, 180), 160), ((640, 480), 450), ((1280, 720), 1700), ((1, 1920), 3000)]
)
def test_presets_go_by_the_longer_side(size: tuple[int, int], kbps: float) -> None:
    assert preset_kbps(*size) == kbps


def test_room_options() -> None:
    plain = SdkOptions().room_options()
    assert (plain.rtc_config, plain.encryption, plain.single_peer_connection) == (None, None, True)
    bent = SdkOptions(relay_only=True, encryption_key="k", single_peer_connection=False)
    options = bent.room_options()
    assert options.rtc_config is not None
    assert options.encryption is not None
    assert options.encryption.key_provider_options.shared_key == b"k"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("engine: signal failure: handshake error: 500 Internal Server Error", "may be full"),
        (f"401 Unauthorized - invalid token: {TOKEN}, error: token is expired", "has expired"),
        (f"401 - invalid token: {TOKEN}, error: signature is invalid", "another secret"),
        ("401 Unauthorized - invalid API key: nokey", "does not know the key"),
        ("401 Unauthorized - permissions denied", "right to join"),
        ("401 Unauthorized - invalid authorization token", "does not accept"),
        ("404 Not Found - requested room does not exist", "room_create=True"),
        ("404 Not Found - 404 page not found", "no LiveKit server"),
        ("handshake error: 502 Bad Gateway", "does not answer"),
        ("IO error: Connection refused (os error 111)", "Nothing listens"),
        ("received corrupt message of type InvalidContentType", "ws://, not wss://"),
        ("failed to parse the url: relative URL without a base", "address is none"),
        ("engine: connection error: wait_pc_connection timed out", "no datagram came through"),
        (f"something new with {TOKEN}", "The SDK says: something new with …."),
    ],
)
def test_each_refusal_has_its_sentence_and_no_token(said: str, reason: str) -> None:
    told = str(sdkerrors.join_error("alice", said))
    assert told.startswith("alice could not join the room.")
    assert reason in told
    assert "eyJ" not in told


def test_a_full_room_is_named_when_somebody_has_asked() -> None:
    said = "handshake error: 500 Internal Server Error"
    assert sdkerrors.is_refusal(said)
    assert "It is full." in str(sdkerrors.join_error("alice", said, "It is full."))


def test_a_publication_that_timed_out_had_no_right() -> None:
    said = "track publication timed out, no response received from the server"
    assert "no right to publish video" in str(sdkerrors.publish_error("alice", "video", said))
    assert "The SDK says: odd." in str(sdkerrors.publish_error("alice", "video", "odd"))


def test_leaving_has_a_reason() -> None:
    assert "was shut down" in str(sdkerrors.left_error("alice", "SERVER_SHUTDOWN"))
    assert "given up" in str(sdkerrors.left_error("alice", "UNKNOWN_REASON"))
    assert "NEW_ONE" in str(sdkerrors.left_error("alice", "NEW_ONE"))


def test_a_relay_that_is_missing_is_named() -> None:
    assert "turn=True" in str(sdkerrors.join_timeout("alice", 10, relay_only=True))
    assert "less loss" in str(sdkerrors.join_timeout("alice", 15, relay_only=False))


@pytest.mark.parametrize(
    ("width", "full", "layer"),
    [
        (640, None, None),
        (320, 320, "q"),
        (640, 640, "h"),
        (480, 640, "q"),
        (1280, 1280, "f"),
        (640, 1280, "h"),
        (320, 1280, "q"),
    ],
)
def test_layers_go_by_width(width: int, full: int | None, layer: str | None) -> None:
    assert layer_of(width, full) == layer


def test_a_picture_becomes_as_many_bytes_as_the_sdk_reads() -> None:
    frame = av.VideoFrame(162, 122, "yuv420p")
    assert len(i420_bytes(frame)) == 162 * 122 * 3 // 2


@pytest.mark.parametrize("frame", [(160, 120, "rgb24"), (161, 120, "yuv420p")])
def test_a_picture_that_would_end_the_process_is_refused(frame: tuple[int, int, str]) -> None:
    with pytest.raises(MediaError, match="yuv420p of even width"):
        i420_bytes(av.VideoFrame(*frame))


class FakeFrame:
    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        chroma = 2 * ((width + 1) // 2) * ((height + 1) // 2)
        self.data = memoryview(bytearray(range(256)) * 900)[: width * height + chroma]


def test_a_delivered_picture_can_be_looked_at() -> None:
    picture = SdkPicture(FakeFrame(320, 240))  # type: ignore[arg-type]
    assert picture.luma().shape == (240, 320)
    frame = picture.reformat(width=160, height=120, format="rgb24")
    assert (frame.width, frame.height) == (160, 120)
    luma = np.frombuffer(picture.to_av().planes[0], np.uint8)[:320]
    assert (luma == picture.luma()[0]).all()


def test_an_odd_picture_is_shown_without_colours() -> None:
    assert SdkPicture(FakeFrame(161, 121)).to_av().format.name == "gray"  # type: ignore[arg-type]


def test_a_chirp_is_the_newest_of_its_shape() -> None:
    book = ChirpBook()
    for second in range(6):
        book.sent("alice:audio", 50 * second, 10.0 + second)
    assert book.heard("alice:audio", 1, 15.1) == (250, 15.0)
    assert book.heard("alice:audio", 1, 14.9) == (50, 11.0)
    assert book.heard("alice:audio", 1, 19.1) is None
    assert book.heard("bob:audio", 1, 15.1) is None


def test_the_participants_of_a_call_share_a_book() -> None:
    book = book_of(Clock(1.5))
    assert book_of(Clock(1.5)) is book
    assert book_of(Clock(2.5)) is not book


def test_percentiles_of_answers_leave_the_missing_out() -> None:
    answers = Answers("rpc", 4, (3.0, None, 1.0, 2.0))
    assert (answers.answered, answers.percentile(0), answers.percentile(100)) == (3, 1.0, 3.0)
    assert Answers("rpc", 1, (None,)).percentile(50) is None


def test_details_of_events_are_plain() -> None:
    assert detail_of("disconnected", (3,)) == {"disconnected": "SERVER_SHUTDOWN"}
    assert detail_of("room_metadata_changed", ("a", "b")) == {"said": "b"}
    changed = detail_of("participant_attributes_changed", ({"hand": "up"},))
    assert changed == {"changed": {"hand": "up"}}
    assert detail_of("reconnecting", ()) == {}


def lone_peer(failures: list[Any]) -> SdkPeer:
    return SdkPeer("alice", url="ws://127.0.0.1:9", token="", on_failure=failures.append)


def test_a_connection_that_breaks_is_told_once() -> None:
    failures: list[Any] = []
    peer = lone_peer(failures)
    peer._heard("reconnecting")
    assert peer.connection_state == "disconnected"
    peer._heard("reconnected")
    assert peer.connection_state == "connected"
    peer._heard("disconnected", 0)
    assert peer.connection_state == "failed"
    assert "given up" in str(failures[0])


def test_leaving_on_purpose_is_no_failure() -> None:
    failures: list[Any] = []
    peer = lone_peer(failures)
    peer._heard("disconnected", 2)
    assert (peer.connection_state, failures) == ("closed", [])


def test_a_participant_that_is_not_open_says_so() -> None:
    with pytest.raises(CallError, match="alice is not in a room"):
        _room = lone_peer([]).room


def test_the_sdk_comes_to_rest_after_its_own_end() -> None:
    script = (
        "import time, labkit.peers.sdk\n"
        "from livekit.rtc._ffi_client import FfiClient\n"
        "dispose = FfiClient._dispose\n"
        "FfiClient._dispose = lambda self: (print('disposed'), dispose(self))\n"
        "time.sleep = lambda seconds: print('rested', seconds)\n"
        "FfiClient.instance\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30 * SECOND
    )
    assert (ended.returncode, ended.stdout.split()) == (0, ["disposed", "rested", "0.1"])


def test_what_fails_beside_is_an_event() -> None:
    async def scene() -> None:
        peer = lone_peer([])
        told: list[Any] = []
        peer.event = lambda name, detail="": told.append((name, detail))  # type: ignore[method-assign]

        async def fail() -> None:
            raise ValueError(f"no {TOKEN}")

        await peer.spawn(fail())
        assert told == [("failed_beside", "ValueError: no …")]

    asyncio.run(scene())
