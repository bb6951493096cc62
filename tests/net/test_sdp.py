from __future__ import annotations

import re

import pytest
from aiortc.sdp import SessionDescription

from labkit.net.sdp import replace_candidates

OFFER = """v=0
o=- 1 2 IN IP4 0.0.0.0
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=msid-semantic:WMS *
m=audio 54210 UDP/TLS/RTP/SAVPF 96
c=IN IP4 192.168.1.5
a=rtcp:54211 IN IP4 192.168.1.5
a=mid:0
a=rtpmap:96 opus/48000/2
a=candidate:1 1 udp 2130706431 192.168.1.5 54210 typ host
a=candidate:1 2 udp 2130706430 192.168.1.5 54211 typ host
a=candidate:2 1 tcp 1518280447 192.168.1.5 9 typ host tcptype active
a=candidate:3 1 UDP 2130706432 127.0.0.1 54300 typ host generation 0
a=candidate:4 1 udp 2113937151 0c7d-44.local 54301 typ host
a=candidate:5 1 udp 2122262783 ::1 54302 typ host
a=candidate:6 1 udp 1677729535 203.0.113.7 61000 typ srflx raddr 192.168.1.5 rport 54210
a=end-of-candidates
a=ice-ufrag:abcd
m=video 9 UDP/TLS/RTP/SAVPF 97
c=IN IP4 0.0.0.0
a=mid:1
m=application 0 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=bundle-only
a=mid:2
""".replace("\n", "\r\n")


def sections(sdp: str) -> list[str]:
    return re.split(r"(?m)^(?=m=)", sdp)[1:]


def test_returns_the_far_addresses_best_first() -> None:
    _sdp, far = replace_candidates(OFFER, "127.0.0.1", 40000)
    assert far == [("127.0.0.1", 54300), ("192.168.1.5", 54210), ("203.0.113.7", 61000)]


def test_one_candidate_per_section_and_no_other_address() -> None:
    sdp, _far = replace_candidates(OFFER, "127.0.0.1", 40000)
    candidate = "a=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\n"
    audio, video, data = sections(sdp)
    assert audio.count("a=candidate:") == 1
    assert candidate + "a=end-of-candidates\r\n" in audio
    assert video.endswith(candidate)
    assert "candidate" not in data
    for secret in ("192.168", "203.0", "local", "::1", "54"):
        assert secret not in sdp


def test_ports_and_addresses_follow() -> None:
    audio, video, data = sections(replace_candidates(OFFER, "127.0.0.1", 40000)[0])
    assert audio.startswith("m=audio 40000 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 127.0.0.1\r\n")
    assert "a=rtcp:40000 IN IP4 127.0.0.1\r\n" in audio
    assert video.startswith("m=video 40000 ")
    assert data.startswith("m=application 0 ")


def test_every_other_line_stays() -> None:
    def others(sdp: str) -> list[str]:
        skipped = ("m=", "c=", "a=rtcp:", "a=candidate:")
        return [line for line in sdp.split("\r\n") if not line.startswith(skipped)]

    assert others(replace_candidates(OFFER, "127.0.0.1", 40000)[0]) == others(OFFER)


def test_doing_it_again_gives_the_relay_as_the_far_side() -> None:
    once, _far = replace_candidates(OFFER, "127.0.0.1", 40000)
    again, far = replace_candidates(once, "127.0.0.1", 40000)
    assert again == once
    assert far == [("127.0.0.1", 40000)]


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_keeps_the_line_endings(ending: str) -> None:
    text = "v=0\nc=IN IP4 10.0.0.1\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0"
    sdp, far = replace_candidates(text + ending.replace("\r\n", "\n"), "127.0.0.1", 7)
    assert far == []
    assert sdp.splitlines() == [
        "v=0",
        "c=IN IP4 127.0.0.1",
        "m=audio 7 UDP/TLS/RTP/SAVPF 0",
        "a=mid:0",
        "a=candidate:1 1 udp 2130706431 127.0.0.1 7 typ host",
    ]


def test_an_engine_can_read_the_result() -> None:
    sdp, _far = replace_candidates(OFFER, "127.0.0.1", 40000)
    media = SessionDescription.parse(sdp).media
    for section in media[:2]:
        (candidate,) = section.ice_candidates
        assert (candidate.ip, candidate.port, section.port) == ("127.0.0.1", 40000, 40000)
    assert media[0].ice_candidates_complete


@pytest.mark.parametrize("line", ["a=candidate:", "a=candidate:1 1 udp x 1.2.3.4 y typ host", ""])
def test_lines_that_are_no_candidates_are_no_addresses(line: str) -> None:
    text = f"v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 0\n{line}\n"
    assert replace_candidates(text, "127.0.0.1", 7)[1] == []
