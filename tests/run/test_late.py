"""A call that was bent before it was recorded: its figures are about the recorded part."""

from __future__ import annotations

from typing import Any

import pytest

from labkit.run import Run, statistics
from labkit.run.schema import row

BENT_S, RECORDED_S = 4.0, 5.0


def late_run(*events: tuple[float, str]) -> Run:
    """Five clean seconds, then every fifth datagram lost, every tenth dropped by the queue."""
    packets = []
    for number in range(1000):
        sent_s = number / 100
        late = sent_s >= BENT_S
        fate = "lost" if late and number % 5 == 0 else "delivered"
        fate = "queue_full" if late and number % 10 == 1 else fate
        times: dict[str, Any] = {}
        if fate == "delivered":
            times = {"due_s": sent_s, "arrived_s": sent_s + (0.002 if late else 0.001)}
        packets.append(
            row("packets", sender="alice", receiver="bob", layer="wire", kind="rtp", copy=0,
                number=number, sent_s=sent_s, fate=fate, size_bytes=1000, **times)
        )  # fmt: skip
    told = [row("events", at_s=at_s, peer="alice", name=name) for at_s, name in events]
    meta = {"recorded_from_s": RECORDED_S + 0.2, "recorded_to_s": 10.0}
    return Run.from_tables(meta, packets=packets, events=told)


def test_figures_of_the_wire_begin_with_the_recording() -> None:
    started = "recording_started"
    run = late_run((0.0, "call_started"), (2.0, started), (RECORDED_S, started))
    assert statistics.datagrams(run) == {
        "sent": 500, "delivered": 350, "lost": 100, "queue_full": 50, "duplicates": 0,
    }  # fmt: skip
    assert statistics.loss_achieved(run) == pytest.approx(0.2)
    assert statistics.queue_drops(run) == 50
    error = statistics.link_error_ms(run)
    assert error["n"] == 350
    assert error["p50"] == pytest.approx(2.0)
    assert len(statistics.wire_packets(run)) == 1000  # for pcapng, all of them are there


def test_a_recording_that_opened_the_call_counts_the_set_up() -> None:
    for run in (late_run((0.0, "recording_started")), late_run()):
        assert statistics.datagrams(run)["sent"] == 1000
