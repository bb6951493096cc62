from __future__ import annotations

import select
import time

from labkit.net.udp import _age_s, open_udp, receive
from tests.timing import SECOND


def test_tells_when_a_datagram_came_even_if_it_is_read_late() -> None:
    sender, receiver = open_udp(), open_udp()
    try:
        assert receive(receiver) is None
        before = time.perf_counter()
        sender.sendto(b"hello", receiver.getsockname())
        select.select([receiver], [], [], SECOND)
        after = time.perf_counter()
        datagram = receive(receiver)
        assert datagram is not None
        data, source, came = datagram
        assert (data, source) == (b"hello", sender.getsockname())
        # The wall clock, by which the system stamps, may be slewed by a little meanwhile.
        assert before - 0.001 < came < after + SECOND
    finally:
        sender.close()
        receiver.close()


def test_a_stamp_that_cannot_be_true_counts_as_now() -> None:
    in_a_while = time.time_ns() + 10**10
    long_ago = time.time_ns() - 10**11
    for stamp in (in_a_while, long_ago):
        assert _age_s([(1, 35, stamp_bytes(stamp))]) == 0
    assert 0.4 < _age_s([(1, 35, stamp_bytes(time.time_ns() - 5 * 10**8))]) < 1
    assert _age_s([(1, 99, b"x")]) == 0
    assert _age_s([]) == 0


def stamp_bytes(nanoseconds: int) -> bytes:
    import struct

    return struct.pack("@ll", *divmod(nanoseconds, 10**9))
