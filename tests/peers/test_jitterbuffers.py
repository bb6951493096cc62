"""The marker jitter buffer against packets in any order."""

from __future__ import annotations

import pytest
from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from labkit.errors import BadValue
from labkit.peers.jitterbuffers import GIVE_UP_S, MarkerJitterBuffer, jitter_buffer_class

TICKS = 3000


def packets(frames: int, size: int, first: int = 0) -> list[RtpPacket]:
    """Return the packets of some frames, ``size`` packets each."""
    made = []
    for number in range(frames * size):
        packet = RtpPacket(
            sequence_number=(first + number) & 0xFFFF, timestamp=number // size * TICKS
        )
        packet.marker = int(number % size == size - 1)
        packet._data = bytes([number % 256])  # type: ignore[attr-defined]
        made.append(packet)
    return made


def feed(buffer: MarkerJitterBuffer, some: list[RtpPacket]) -> list[tuple[int, bytes]]:
    """Return timestamp and data of each frame that comes out."""
    out = []
    for packet in some:
        _pli, frame = buffer.add(packet)
        if frame is not None:
            out.append((frame.timestamp, frame.data))
    return out


@given(size=st.integers(1, 9), frames=st.integers(1, 30), first=st.integers(0, 65535))
def test_every_frame_comes_out_with_its_last_packet(size: int, frames: int, first: int) -> None:
    buffer = MarkerJitterBuffer(512)
    for index, packet in enumerate(packets(frames, size, first)):
        pli, frame = buffer.add(packet)
        assert not pli
        assert (frame is not None) == (index % size == size - 1)


@given(st.data())
def test_order_within_the_buffer_does_not_matter(data: st.DataObject) -> None:
    made = packets(4, 3)
    rest = data.draw(st.permutations(made[1:]))
    buffer = MarkerJitterBuffer(512)
    out = feed(buffer, [made[0], *rest])
    # A frame that waits behind a hole leaves with a later packet; a last add fetches the tail.
    out += [frame for _ in range(4) for frame in feed(buffer, packets(5, 3)[12:13])]
    assert [timestamp for timestamp, _ in out[:4]] == sorted(timestamp for timestamp, _ in out[:4])


def test_duplicates_and_late_packets_are_ignored() -> None:
    made = packets(3, 2)
    buffer = MarkerJitterBuffer(512)
    assert len(feed(buffer, [made[0], made[0], made[1], made[1], made[0], *made[2:]])) == 3


def test_a_hole_is_given_up_and_a_key_frame_asked_for() -> None:
    made = packets(40, 3)
    del made[4]  # the middle of the second frame
    buffer = MarkerJitterBuffer(512)
    asked, out = [], []
    for packet in made:
        pli, frame = buffer.add(packet)
        if pli:
            asked.append(packet.timestamp)
        if frame is not None:
            out.append(frame.timestamp)
    assert len(asked) == 1
    assert asked[0] > GIVE_UP_S * 90_000
    assert out[0] == 0
    assert TICKS not in out
    assert out[-1] == 39 * TICKS


def test_a_full_buffer_is_not_a_dead_end() -> None:
    made = packets(600, 1)
    del made[1]
    for packet in made:
        packet.timestamp = 0  # no time passes, so that only the capacity can end the wait
    buffer = MarkerJitterBuffer(64)
    assert len(feed(buffer, made)) > 400


@pytest.mark.parametrize("choice", ["fast", 3, None, object, int])
def test_what_is_no_jitter_buffer_is_refused(choice: object) -> None:
    with pytest.raises(BadValue, match="is not a jitter buffer"):
        jitter_buffer_class(choice)  # type: ignore[arg-type]
