"""A mixer's clock is not its cameras' clock: a recording has every wait in it."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from labkit.media import TestPattern
from labkit.media.mixer import Tiling
from labkit.peers.fanout import Item
from labkit.peers.mixing import SWEEP_S, Mixer, mixer_rate_hz
from tests.media.test_tracks import FakeClock
from tests.timing import SECOND

FPS = 15


def mosaics(count: int) -> list[Item]:
    async def work() -> list[Item]:
        picture = TestPattern(320, 180, fps=FPS).open().picture(0)
        mixer = Mixer(
            Tiling(1, 320, 180), lambda: [picture], fps=FPS, codec="vp8", clock=FakeClock(),
            on_made=lambda number, reading: None, on_failure=lambda error: None,
        )  # fmt: skip
        made = [await mixer.make() for _k in range(count)]
        await mixer.close()
        return made

    return asyncio.run(asyncio.wait_for(work(), 20 * SECOND))


@pytest.fixture(scope="module")
def sweep() -> list[Item]:
    return mosaics(round(mixer_rate_hz(FPS) * SWEEP_S))


@pytest.mark.parametrize("started_s", [0.0, 0.01, 0.033, 0.05])
def test_pictures_wait_half_a_tick_whenever_their_camera_began(
    sweep: list[Item], started_s: float
) -> None:
    tick_s = 1 / FPS
    waits = sorted((mosaic.reading - started_s) % tick_s for mosaic in sweep)
    assert sum(waits) / len(waits) == pytest.approx(tick_s / 2, abs=tick_s / 20)
    assert waits[0] < tick_s / 10 and waits[-1] > tick_s * 9 / 10


def test_its_timestamps_follow_its_own_clock(sweep: list[Item]) -> None:
    for one, other in pairwise(sweep):
        passed = (other.data.pts - one.data.pts) * float(one.data.time_base)
        assert passed == pytest.approx(other.reading - one.reading, abs=1e-4)


@pytest.mark.parametrize("fps", [1, 5, 15, 30, 60])
def test_no_picture_is_passed_over_and_few_are_drawn_twice(fps: int) -> None:
    assert fps < mixer_rate_hz(fps) <= fps * 31 / 30
