"""One publisher and an audience: what is counted, and on a real server."""

from __future__ import annotations

import math

import pandas as pd
import pytest

import labkit as lab
from labkit.errors import BadValue
from labkit.experiments.broadcast import OUT_PACKETS, broadcast, broadcast_row
from labkit.experiments.counted import Counted
from labkit.experiments.crowd import Seen
from labkit.rooms.running import LivekitServer
from labkit.run.topology import SERVER_CPU_S as CPU
from tests.experiments.helpers import SMALL, nothing_left, run


def seen(**frames: list[tuple[int | None, float]]) -> Seen:
    return Seen(
        listeners=len(frames), frames=frames, packets=400, lost=3, decoded=90, seconds=2.0,
        cpu_percent=30.0,
    )  # fmt: skip


def recorded() -> lab.Run:
    rows = [
        {"track": "alice:video", "frame": n, "receiver": "bob", "captured_s": n * 0.1,
         "decoded_s": n * 0.1 + 0.006, "latency_ms": 6.0, "fate": "shown"}
        for n in range(30)
    ]  # fmt: skip
    meta = {"recorded_from_s": 0.0, "recorded_to_s": 3.0, "settle_s": 0.0}
    return lab.Run.from_tables(meta, frames=pd.DataFrame(rows))


def test_an_audience_in_figures() -> None:
    whole: list[tuple[int | None, float]] = [(n, n * 0.1 + 0.02) for n in range(10, 20)]
    gaps: list[tuple[int | None, float]] = [(n, n * 0.1 + 0.04) for n in (10, 11, 19)]
    gaps.append((None, 1.95))
    counted = Counted({CPU: 1.0}, {CPU: 1.06, OUT_PACKETS: 500.0}, 2.0)
    row = broadcast_row(recorded(), seen(a=whole, b=gaps), counted, [0.3, 0.5])
    assert row["n"] == 3
    assert row["server_cpu_percent"] == pytest.approx(3.0)
    assert row["server_cpu_percent_per_stream"] == pytest.approx(1.0)
    assert row["shown_share"] == pytest.approx(13 / 20)
    assert row["audience_p50_ms"] == pytest.approx(20)
    assert row["bob_p50_ms"] == pytest.approx(6) and row["bob_lost_frames"] == 0
    assert row["packets_lost"] == 3
    assert (row["arrived_per_s"], row["server_out_per_s"]) == (200, 250)
    assert (row["join_p50_s"], row["join_max_s"]) == (0.4, 0.5)


def test_a_full_machine_is_said_to_be_full(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[tuple[int | None, float]] = [(n, n * 0.1 + 0.02) for n in range(10, 20)]
    gaps: list[tuple[int | None, float]] = [(10, 1.0), (19, 1.9)]
    monkeypatch.setattr("os.cpu_count", lambda: 2)

    def full(cpu_s: float, **frames: list[tuple[int | None, float]]) -> bool:
        counted = Counted({CPU: 1.0}, {CPU: 1.0 + cpu_s}, 2.0)
        return bool(broadcast_row(recorded(), seen(**frames), counted, [])["full"])

    assert not full(0.1, a=whole)
    assert full(2.7, a=whole)  # 135 % and the audience's 30 %, of 200 %
    assert full(0.1, a=gaps)


def test_without_an_audience_its_figures_are_missing() -> None:
    row = broadcast_row(recorded(), seen(), Counted({}, {}, 2.0), [])
    assert row["n"] == 1 and row["bob_p50_ms"] == pytest.approx(6)
    for name in ("server_cpu_percent", "shown_share", "audience_p50_ms", "join_max_s"):
        assert math.isnan(row[name]), name


@pytest.mark.parametrize("counts", [[], [0, 1], [5, 1], [2, 2], [1, 501]])
def test_an_audience_grows(counts: list[int], livekit_server: LivekitServer) -> None:
    with pytest.raises(BadValue, match="no growing audience"):
        run(broadcast(counts, server=livekit_server))


def test_an_audience_sees_what_is_sent(livekit_server: LivekitServer) -> None:
    with nothing_left():
        table = run(broadcast([1, 3], server=livekit_server, seconds=1.5, video=SMALL))
    assert list(table["n"]) == [1, 3]
    last = table.iloc[-1]
    assert last["packets_lost"] == 0 and last["shown_share"] > 0.5
    assert last["audience_p50_ms"] > 0 and last["arrived_per_s"] > 20
    assert 0 <= last["server_cpu_percent"] < 100
