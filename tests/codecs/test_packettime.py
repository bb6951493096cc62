"""Longer packets of sound share their headers."""

from __future__ import annotations

import pytest

from labkit.codecs import compare_packet_times, speech_like
from labkit.errors import BadValue


def test_longer_packets_share_their_headers() -> None:
    table = compare_packet_times(speech_like(1), header_bytes=60)
    assert table["packet_ms"].tolist() == [10, 20, 40, 60]
    assert table["header_share"].is_monotonic_decreasing
    assert table["sent_kbps"].is_monotonic_decreasing
    assert table["payload_kbps"].between(12, 30).all()
    row = table.set_index("packet_ms").loc[20]
    assert row["payload_bytes"] == pytest.approx(row["payload_kbps"] * 1000 / 8 / 50)


def test_nothing_is_left_out_of_the_sound() -> None:
    table = compare_packet_times(speech_like(1), header_bytes=0, times_ms=(2.5, 60))
    assert table["header_share"].eq(0).all()
    assert table["sent_kbps"].tolist() == table["payload_kbps"].tolist()


@pytest.mark.parametrize(("seconds", "packet_ms"), [(0.5, 30), (0.5, 120)])
def test_a_length_that_opus_lacks_is_refused(seconds: float, packet_ms: float) -> None:
    with pytest.raises(BadValue, match=f"packets of {packet_ms} ms"):
        compare_packet_times(speech_like(seconds), header_bytes=60, times_ms=[packet_ms])
