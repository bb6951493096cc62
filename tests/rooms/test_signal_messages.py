from __future__ import annotations

import base64
import gzip
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.protocol import models, rtc

from labkit.rooms.signal_messages import (
    Body,
    hide_secrets,
    open_join_request,
    read_body,
    to_client,
    to_server,
)

RELAY = ("127.0.0.1", 40_000)
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2ln-_0"
SDP = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
    "m=audio 7882 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 127.0.0.1\r\n"
    "a=ice-ufrag:abcd\r\na=ice-pwd:very-secret\r\n"
    "a=candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host\r\n"
    "a=candidate:2 1 tcp 1671430143 127.0.0.1 7881 typ host tcptype passive\r\n"
    "a=end-of-candidates\r\n"
)
SERVER = ("127.0.0.1", 7882)


def answer(**values: Any) -> bytes:
    return bytes(rtc.SignalResponse(**values).SerializeToString())


def request(**values: Any) -> bytes:
    return bytes(rtc.SignalRequest(**values).SerializeToString())


def trickle(line: str, **values: Any) -> rtc.TrickleRequest:
    init = json.dumps({"candidate": line, "sdpMid": "0", "usernameFragment": "abcd"})
    return rtc.TrickleRequest(candidateInit=init, **values)


UDP = "candidate:7 1 udp 2130706431 127.0.0.1 7882 typ host ufrag abcd"
TCP = "candidate:8 1 tcp 1671430143 127.0.0.1 7881 typ host tcptype passive"


@pytest.mark.parametrize("kind", ["answer", "offer"])
def test_a_description_of_the_server_names_the_relay_alone(kind: str) -> None:
    sent = answer(**{kind: rtc.SessionDescription(type=kind, sdp=SDP, id=3)})
    passage = to_client(sent, RELAY)
    assert (passage.name, passage.addresses) == (kind, (SERVER,))
    description = getattr(rtc.SignalResponse.FromString(passage.data), kind)
    candidates = [line for line in description.sdp.splitlines() if "candidate:" in line]
    assert len(candidates) == 1
    assert " 127.0.0.1 40000 typ host" in candidates[0]
    assert description.id == 3


def test_a_trickled_udp_candidate_becomes_the_relays() -> None:
    passage = to_client(answer(trickle=trickle(UDP)), RELAY)
    assert passage.addresses == (SERVER,)
    told = json.loads(rtc.SignalResponse.FromString(passage.data).trickle.candidateInit)
    assert told["candidate"] == "candidate:7 1 udp 2130706431 127.0.0.1 40000 typ host"
    assert told["usernameFragment"] == "abcd"


def test_a_reflexive_candidate_keeps_nothing_of_its_address() -> None:
    line = "candidate:7 1 udp 1 192.0.2.9 5 typ srflx raddr 127.0.0.1 rport 7882"
    passage = to_client(answer(trickle=trickle(line)), RELAY)
    assert passage.addresses == (("192.0.2.9", 5),)
    assert b"192.0.2.9" not in passage.data
    assert b"7882" not in passage.data


@pytest.mark.parametrize("line", [TCP, "candidate:9 1 udp 1 ::1 7 typ host", "nonsense", "x " * 9])
def test_other_candidates_are_kept_back(line: str) -> None:
    passage = to_client(answer(trickle=trickle(line)), RELAY)
    assert (passage.name, passage.data, passage.addresses) == ("trickle", None, ())


def test_the_end_of_candidates_arrives_with_and_without_one() -> None:
    end = to_client(answer(trickle=trickle("")), RELAY)
    assert end.data is not None
    last = to_client(answer(trickle=trickle(TCP, final=True)), RELAY)
    told = rtc.SignalResponse.FromString(last.data).trickle
    assert (told.final, told.candidateInit) == (True, "")


def test_a_trickle_that_is_no_json_is_kept_back() -> None:
    assert to_client(answer(trickle=rtc.TrickleRequest(candidateInit="{")), RELAY).data is None
    assert to_client(answer(trickle=rtc.TrickleRequest(candidateInit="[]")), RELAY).data is None


def test_join_loses_every_way_around_the_relay() -> None:
    join = rtc.JoinResponse(
        room=models.Room(name="lab", turn_password="pw2"),
        ice_servers=[rtc.ICEServer(urls=["turn:127.0.0.1:3478"], username="u", credential="pw")],
        alternative_url="ws://127.0.0.1:1",
    )
    passage = to_client(answer(join=join), RELAY)
    told = rtc.SignalResponse.FromString(passage.data).join
    assert (len(told.ice_servers), told.alternative_url, told.room.name) == (0, "", "lab")
    assert read_body(passage.body)["ice_servers"][0]["credential"] == "(hidden)"
    assert read_body(passage.body)["room"]["turn_password"] == "(hidden)"
    assert "turn:127.0.0.1:3478" in passage.body


def test_reconnect_and_leave_lose_them_too() -> None:
    again = rtc.ReconnectResponse(ice_servers=[rtc.ICEServer(urls=["turn:127.0.0.1:3478"])])
    told = rtc.SignalResponse.FromString(to_client(answer(reconnect=again), RELAY).data)
    assert len(told.reconnect.ice_servers) == 0
    regions = rtc.RegionSettings(regions=[rtc.RegionInfo(url="ws://127.0.0.1:1")])
    leave = rtc.LeaveRequest(action=rtc.LeaveRequest.RECONNECT, regions=regions)
    told = rtc.SignalResponse.FromString(to_client(answer(leave=leave), RELAY).data)
    assert not told.leave.HasField("regions")
    assert told.leave.action == rtc.LeaveRequest.RECONNECT


def test_other_answers_pass_byte_by_byte() -> None:
    sent = answer(track_published=rtc.TrackPublishedResponse(cid="cam"))
    passage = to_client(sent, RELAY)
    assert (passage.name, passage.data) == ("track_published", sent)
    assert read_body(passage.body) == {"cid": "cam"}
    assert passage.body.size_bytes == len(sent)


def test_a_new_token_is_passed_on_and_not_shown() -> None:
    sent = answer(refresh_token=TOKEN)
    passage = to_client(sent, RELAY)
    assert passage.data == sent
    assert passage.body == '"(hidden)"'


def test_the_server_never_learns_a_candidate_of_the_client() -> None:
    assert to_server(request(trickle=trickle(UDP))).data is None
    sent = request(offer=rtc.SessionDescription(type="offer", sdp=SDP))
    passage = to_server(sent)
    told = rtc.SignalRequest.FromString(passage.data).offer.sdp
    assert "candidate" not in told
    assert "a=ice-ufrag:abcd\r\n" in told
    assert "a=candidate:1 1 udp" in passage.body  # what the client wrote


def test_sync_state_is_stripped_too() -> None:
    state = rtc.SyncState(
        offer=rtc.SessionDescription(sdp=SDP), answer=rtc.SessionDescription(sdp=SDP)
    )
    told = rtc.SignalRequest.FromString(to_server(request(sync_state=state)).data).sync_state
    assert "candidate" not in told.offer.sdp + told.answer.sdp
    assert told.offer.sdp
    assert told.answer.sdp


def test_other_requests_pass_byte_by_byte() -> None:
    sent = request(add_track=rtc.AddTrackRequest(cid="cam", width=640))
    passage = to_server(sent)
    assert (passage.name, passage.data) == ("add_track", sent)
    assert read_body(passage.body) == {"cid": "cam", "width": 640}


def test_what_cannot_be_read_is_kept_back() -> None:
    for passage in (to_client(b"\xff\xff", RELAY), to_server(b"\xff\xff")):
        assert (passage.name, passage.data, passage.body.size_bytes) == ("unreadable", None, 2)


def test_a_body_travels_as_plain_text() -> None:
    copy = pickle.loads(pickle.dumps(Body.of("text", 7)))
    assert (type(copy), copy) == (str, "text")


def test_a_description_is_readable_below_the_json_without_its_password() -> None:
    passage = to_server(request(offer=rtc.SessionDescription(type="offer", sdp=SDP)))
    assert read_body(passage.body) == {"type": "offer", "sdp": "(below)"}
    assert "\n\nv=0\no=- 1 1 IN IP4 0.0.0.0\n" in passage.body
    assert "a=ice-pwd:(hidden)\n" in passage.body
    assert "very-secret" not in passage.body


def test_secrets_are_hidden_in_any_text() -> None:
    text = hide_secrets(f"401 Unauthorized - invalid token: {TOKEN}, error: expired")
    assert text == "401 Unauthorized - invalid token: …, error: expired"
    assert hide_secrets("eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9.") == "…"


def join_request(sdp: str, *, packed: bool, standard: bool = False) -> str:
    plain = rtc.JoinRequest(
        client_info=models.ClientInfo(sdk=models.ClientInfo.PYTHON, version="1.2.1"),
        publisher_offer=rtc.SessionDescription(type="offer", sdp=sdp),
    ).SerializeToString()
    wrapped = rtc.WrappedJoinRequest(
        compression=rtc.WrappedJoinRequest.GZIP if packed else rtc.WrappedJoinRequest.NONE,
        join_request=gzip.compress(plain) if packed else plain,
    ).SerializeToString()
    encode = base64.b64encode if standard else base64.urlsafe_b64encode
    return encode(wrapped).decode().rstrip("=")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("standard", [False, True])
def test_a_join_request_is_read_and_left_as_it_is(packed: bool, standard: bool) -> None:
    sent = join_request("v=0\r\n", packed=packed, standard=standard)
    opened = open_join_request(sent.replace("+", " "))
    assert opened is not None
    assert opened[0] == sent.replace("+", " ")
    assert read_body(opened[1])["client_info"] == {"sdk": "PYTHON", "version": "1.2.1"}


def test_candidates_in_a_join_request_are_taken_out() -> None:
    opened = open_join_request(join_request(SDP, packed=True))
    assert opened is not None
    again = open_join_request(opened[0])
    assert again is not None
    assert "a=candidate" not in again[1]
    assert "a=ice-ufrag:abcd" in again[1]


def test_a_join_request_that_is_none_is_named_so() -> None:
    assert open_join_request("%%%") is None
    assert open_join_request("AAAA") is None
    bomb = rtc.WrappedJoinRequest(
        compression=rtc.WrappedJoinRequest.GZIP, join_request=gzip.compress(bytes(2 << 20))
    )
    assert open_join_request(base64.b64encode(bomb.SerializeToString()).decode()) is None


@given(st.binary(max_size=200))
def test_any_bytes_give_a_passage(data: bytes) -> None:
    for passage in (to_client(data, RELAY), to_server(data)):
        assert passage.name
        assert isinstance(passage.body, Body)
        read_body(passage.body)
