"""What a Run says of its wire: the recorded part, and fates that the relay has seen."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

import labkit as lab
from tests.experiments.helpers import SMALL, run


def test_a_link_bent_before_the_recording_is_measured_as_it_was_recorded() -> None:
    async def work() -> lab.Run:
        async with lab.call(video=SMALL) as call:
            while (await call.counts())["alice->bob"]["received"] < 300:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            call.set_link("alice->bob", loss=0.2, loss_model="exact")
            recording = call.start_recording(60)
            while (await call.counts())["alice->bob"]["received"] < 700:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            recording.stop()
            return await recording

    figures = run(work()).summary()
    assert figures["datagrams"]["sent"] < 500
    assert figures["loss_achieved"] == pytest.approx(0.2, abs=0.04)


def test_packets_of_a_way_longer_than_a_second_are_not_lost() -> None:
    one = run(lab.call(video=SMALL, link=(lab.Link(delay_ms=1200), None)).record(3))
    rtp = one.packets[(one.packets["layer"] == "rtp") & (one.packets["sender"] == "alice")]
    rtp = rtp[rtp["kind"] == "rtp"]
    assert "lost" not in set(rtp["fate"])
    assert (rtp["fate"] == "delivered").sum() > 40


def test_loading_a_run_stops_no_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    """A long run takes seconds to load; panels and other cells go on meanwhile."""
    import labkit.run

    loaded_in: list[int] = []

    def slowly(source: Any) -> str:
        loaded_in.append(threading.get_ident())
        return "the run"

    monkeypatch.setattr(labkit.run, "load_run", slowly)
    assert run(lab.call(video=SMALL, place="kernel").record(0.3)) == "the run"
    assert loaded_in != [threading.get_ident()]


def test_a_recording_knows_that_nothing_is_missing() -> None:
    one = run(lab.call(video=SMALL, place="kernel").record(0.3))
    assert one.meta["missing_rows"] == 0
