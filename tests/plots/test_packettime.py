"""The figure of packet times: a column a row, sound below and headers above."""

from __future__ import annotations

import pytest

from labkit import plots
from labkit.codecs import compare_packet_times, speech_like
from labkit.errors import BadValue
from tests.plots.test_capture import bars_of


def test_columns_are_sound_and_headers() -> None:
    table = compare_packet_times(speech_like(1), header_bytes=60, times_ms=(10, 20))
    figure, ax = plots.plot_packet_times(table)
    figure.draw_without_rendering()
    heights = [bar.get_height() for bar in bars_of(ax)]
    assert heights[:2] == pytest.approx(table["payload_kbps"].tolist())
    assert heights[2:] == pytest.approx([60 * 8 * 100 / 1000, 60 * 8 * 50 / 1000])
    assert "headers" in plots.alt_text(figure)
    with pytest.raises(BadValue, match="packet_ms"):
        plots.plot_packet_times(table.drop(columns="packet_ms"))
    figure, _ax = plots.plot_packet_times(table.iloc[:0])
    assert "Nothing was encoded" in plots.alt_text(figure)
