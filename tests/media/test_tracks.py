"""Tracks: numbered, stamped, paced; what is late is skipped and never comes in a burst."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.media import AudioSourceTrack, Chirp, MediaFile, SourceTrack, TestPattern, read_frame
from labkit.media.audio import AudioReader, AudioSource
from labkit.media.sources import PictureReader, VideoSource
from labkit.media.stamp import NUMBERS
from labkit.media.tracks import Clock, Pacer
from tests.media.files import write_video
from tests.timing import SECOND

T = TypeVar("T")


class FakeClock(Clock):
    """Time that moves only when somebody sleeps, or is stalled."""

    def __init__(self) -> None:
        self.time = 100.0
        self.oversleep = 0.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds + self.oversleep


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def limited() -> T:
        async with asyncio.timeout(20 * SECOND):
            return await work()

    return asyncio.run(limited())


Captured = list[tuple[int, float]]


def recorded(captured: Captured) -> Callable[[int, float], None]:
    return lambda number, at_s: captured.append((number, at_s))


def test_ticks_are_numbered_stamped_and_timed(clock: FakeClock) -> None:
    captured: Captured = []
    track = SourceTrack(TestPattern(320, 240, fps=25), on_captured=recorded(captured), clock=clock)
    frames = [run(track.recv) for _k in range(10)]
    track.stop()
    assert captured == [(k, pytest.approx(100 + k / 25)) for k in range(10)]
    assert [read_frame(frame) for frame in frames] == list(range(10))
    assert [frame.pts for frame in frames] == [k * 3600 for k in range(10)]
    assert {frame.time_base for frame in frames} == {Fraction(1, 90_000)}


def test_numbers_may_begin_later(clock: FakeClock) -> None:
    captured: Captured = []
    options: Any = {"on_captured": recorded(captured), "clock": clock}
    video = SourceTrack(TestPattern(320, 240, fps=25), first=NUMBERS - 2, **options)
    audio = AudioSourceTrack(Chirp(), first=200, **options)
    frames = [run(track.recv) for track in (video, video, video, audio, audio)]
    video.stop()
    audio.stop()
    assert [number for number, _at_s in captured] == [NUMBERS - 2, NUMBERS - 1, 0, 200, 201]
    assert [read_frame(frame) for frame in frames[:3]] == [NUMBERS - 2, NUMBERS - 1, 0]
    assert [frame.pts for frame in frames] == [0, 3600, 7200, 0, 960]


@pytest.mark.parametrize("stall_s", [0.05, 0.11, 0.349, 7.01])
def test_late_ticks_are_skipped_with_their_numbers(clock: FakeClock, stall_s: float) -> None:
    captured: Captured = []
    track = SourceTrack(TestPattern(320, 240, fps=30), on_captured=recorded(captured), clock=clock)
    frames = []
    for k in range(20):
        frames.append(run(track.recv))
        clock.time += stall_s if k == 5 else 0.001
    track.stop()
    numbers = [number for number, _at_s in captured]
    late = 5 + int(stall_s * 30)
    assert numbers == [*range(6), *range(late, late + 14)]
    assert [frame.pts for frame in frames] == [number * 3000 for number in numbers]
    times = np.array([at_s for _number, at_s in captured])
    assert (times >= 100 + np.array(numbers) / 30 - 1e-9).all(), "never before its tick"
    assert (np.diff(times)[7:] > 1 / 30 - 1e-6).all(), "never a burst"


def test_a_stall_while_waiting_shows_the_tick_that_is_due_then(clock: FakeClock) -> None:
    track = SourceTrack(TestPattern(320, 240, fps=30), clock=clock)
    run(track.recv)
    clock.oversleep = 4.5 / 30
    frame = run(track.recv)
    track.stop()
    expected = TestPattern(320, 240, fps=30).open().picture(5).to_ndarray()
    assert read_frame(frame) == 5
    assert (frame.to_ndarray()[16:240] == expected[16:240]).all(), "the digits agree"


@given(st.lists(st.floats(0, 0.3), max_size=60), st.integers(1, 60))
@settings(deadline=None)
def test_pacing_never_goes_back_never_early_never_bursts(work: list[float], rate: int) -> None:
    clock = FakeClock()
    pacer = Pacer(rate, clock)

    async def paced() -> None:
        last = -1
        for seconds in work:
            asked_s = clock.time
            k = pacer.next()
            assert await pacer.wait(k) == k
            assert k == last + 1 or last + 1 < k <= (asked_s - 100) * rate + 1e-6
            assert clock.time >= 100 + k / rate - 1e-9
            last = k
            clock.time += seconds

    asyncio.run(paced())


def test_numbers_wrap_and_timestamps_do_not(clock: FakeClock) -> None:
    captured: Captured = []
    track = SourceTrack(TestPattern(320, 240, fps=60), on_captured=recorded(captured), clock=clock)
    run(track.recv)
    clock.time = 100 + (NUMBERS - 0.5) / 60
    frames = [run(track.recv) for _k in range(3)]
    track.stop()
    assert [number for number, _at_s in captured] == [0, NUMBERS - 1, 0, 1]
    assert [read_frame(frame) for frame in frames] == [NUMBERS - 1, 0, 1]
    assert frames[1].pts == NUMBERS * 1500


def test_without_stamp_the_picture_is_left_alone(clock: FakeClock) -> None:
    track = SourceTrack(TestPattern(320, 240), stamp=False, clock=clock)
    frame = run(track.recv)
    track.stop()
    assert read_frame(frame) is None


class Counted(PictureReader):
    """A reader that notes when it draws and that it was closed."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.drawn: list[tuple[int, float]] = []
        self.closed = False
        self._inner = TestPattern(320, 240).open()

    def picture(self, k: int):  # type: ignore[no-untyped-def]
        self.drawn.append((k, self.clock()))
        return self._inner.picture(k)

    def close(self) -> None:
        self.closed = True


class CountedSource(VideoSource):
    width, height, fps = 320, 240, 30

    def __init__(self, reader: Counted) -> None:
        self.reader = reader

    def open(self) -> PictureReader:
        return self.reader

    def describe(self) -> str:
        return "counted"


def test_a_picture_is_drawn_before_its_tick(clock: FakeClock) -> None:
    reader = Counted(clock.now)
    track = SourceTrack(CountedSource(reader), clock=clock)
    for _k in range(5):
        run(track.recv)
    assert reader.drawn[1:] == [(k, pytest.approx(100 + (k - 1) / 30)) for k in range(1, 5)]
    track.stop()
    assert reader.closed


def test_a_stopped_track_ends(clock: FakeClock) -> None:
    video = SourceTrack(TestPattern(320, 240), clock=clock)
    audio = AudioSourceTrack(Chirp(), clock=clock)
    for track in (video, audio):
        run(track.recv)
        track.stop()
        track.stop()
        with pytest.raises(MediaStreamError):
            run(track.recv)


def test_stopping_while_someone_waits_ends_the_wait() -> None:
    async def work() -> None:
        track = SourceTrack(TestPattern(320, 240, fps=10))
        await track.recv()
        waiting = asyncio.create_task(track.recv())
        await asyncio.sleep(0)
        track.stop()
        with pytest.raises(MediaStreamError):
            await waiting

    run(work)


def test_a_file_on_a_track_keeps_its_numbers_over_the_loop(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=5, fps=50, tone_s=0.1)
    file = MediaFile(path, 320, 240, fps=50)

    async def work() -> tuple[list[int | None], Captured]:
        captured: Captured = []
        track = SourceTrack(file, on_captured=recorded(captured))
        sound = AudioSourceTrack(file)
        read = []
        for _k in range(15):
            read.append(read_frame(await track.recv()))
            await sound.recv()
        track.stop()
        sound.stop()
        return read, captured

    read, captured = run(work)
    assert read == [number for number, _at_s in captured]
    assert read == sorted(read) and read[-1] >= 14, "the tracks' own numbers, not the file's"


def test_real_time_is_kept() -> None:
    async def work() -> tuple[float, Captured]:
        captured: Captured = []
        begin_s = time.perf_counter()
        track = SourceTrack(TestPattern(320, 240, fps=50), on_captured=recorded(captured))
        for k in range(12):
            await track.recv()
            if k == 3:
                time.sleep(0.15)  # what a busy loop does to a track  # noqa: ASYNC251
        track.stop()
        return begin_s, captured

    begin_s, captured = run(work)
    for number, at_s in captured:
        assert at_s - begin_s >= number / 50, "no tick comes before its time"
    assert captured[4][0] >= 3 + 7


def test_sound_is_exact_and_late_blocks_are_skipped(clock: FakeClock) -> None:
    captured: Captured = []
    track = AudioSourceTrack(Chirp(), on_captured=recorded(captured), clock=clock)
    frames = []
    for k in range(20):
        frames.append(run(track.recv))
        clock.time += 0.11 if k == 9 else 0.0
    track.stop()
    numbers = [number for number, _at_s in captured]
    assert numbers == [*range(10), *range(14, 24)]
    assert [frame.pts for frame in frames] == [number * 960 for number in numbers]
    with Chirp().open_audio() as reader:
        for number, frame in zip(numbers, frames, strict=True):
            assert (frame.to_ndarray()[0] == reader.block(number)).all()
    first = frames[0]
    assert (first.samples, first.sample_rate, first.format.name) == (960, 48_000, "s16")
    assert first.time_base == Fraction(1, 48_000) and first.layout.name == "mono"


def test_a_source_of_ones_own_is_enough(clock: FakeClock) -> None:
    class Steps(AudioSource):
        def open_audio(self) -> AudioReader:
            return StepsReader()

        def describe(self) -> str:
            return "steps"

    class StepsReader(AudioReader):
        def block(self, k: int) -> np.ndarray:
            return np.full(960, k, np.int16)

    track = AudioSourceTrack(Steps(), clock=clock)
    heard = [int(run(track.recv).to_ndarray()[0, 0]) for _k in range(3)]
    track.stop()
    assert heard == [0, 1, 2]
