"""One camera for many connections, and one encoding for many: nobody waits for a slow one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import av
import pytest
from aiortc import RTCRtpCodecParameters
from aiortc.codecs import get_decoder
from aiortc.jitterbuffer import JitterFrame
from aiortc.mediastreams import MediaStreamError
from av.video.frame import PictureType

from labkit.errors import LabError
from labkit.media import TestPattern
from labkit.media.mixer import Tiling
from labkit.media.stamp import read_frame, read_stamp, stamp_frame
from labkit.peers.fanout import Capture, Fanout, Item
from labkit.peers.mixing import Mixer
from tests.timing import SECOND

SOURCE = TestPattern(320, 180, fps=30)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 20 * SECOND))


class Fails:
    """Takes what ended the making."""

    def __init__(self) -> None:
        self.errors: list[LabError] = []

    def __call__(self, error: LabError) -> None:
        self.errors.append(error)


class Counter(Fanout):
    """Makes numbered packets as fast as it is let; every tenth one stands alone."""

    depth = 3

    def __init__(self, fails: Callable[[LabError], None]) -> None:
        super().__init__(lambda number, reading: None, fails)
        self.wanted = 0
        self.gate: asyncio.Queue[int] = asyncio.Queue()

    def describe(self) -> str:
        return "counter"

    def want_key_frame(self) -> None:
        self.wanted += 1

    async def make(self) -> Item:
        number = await self.gate.get()
        if number < 0:
            raise ValueError("no more")
        return Item(av.Packet(bytes([number])), number, time.perf_counter(), number % 10 == 0)


async def settle() -> None:
    for _step in range(10):
        await asyncio.sleep(0)


def test_all_connections_get_pictures_of_one_capture_each_its_own() -> None:
    async def work() -> None:
        made: list[int] = []
        taken: dict[str, list[int]] = {"bob": [], "carol": []}
        fails = Fails()
        capture = Capture(SOURCE, lambda number, reading: made.append(number), fails)
        bob = capture.track(lambda number, reading: taken["bob"].append(number))
        carol = capture.track(lambda number, reading: taken["carol"].append(number))
        for _k in range(4):
            one, other = await asyncio.gather(bob.recv(), carol.recv())
            one.pict_type = PictureType.I  # as an encoder does that was asked for a key frame
            assert other.pict_type != PictureType.I
            assert read_frame(one) == read_frame(other) == taken["bob"][-1]
            assert one.pts == other.pts
        assert taken["bob"] == taken["carol"] == made[:4]
        assert capture.newest == made[-1]
        await capture.close()
        assert not fails.errors

    run(work())


def test_nothing_is_made_before_somebody_asks() -> None:
    async def work() -> None:
        made: list[int] = []
        capture = Capture(SOURCE, lambda number, reading: made.append(number), Fails())
        capture.track(lambda number, reading: None)
        await asyncio.sleep(0.1 * SECOND)
        await capture.close()
        assert not made

    run(work())


def test_a_connection_begins_with_something_that_stands_alone() -> None:
    async def work() -> None:
        counter = Counter(Fails())
        track = counter.track(lambda number, reading: None)
        waiting = asyncio.create_task(track.recv())
        await settle()
        assert counter.wanted == 1
        for number in (7, 8, 9, 10, 11):
            counter.gate.put_nowait(number)
        assert bytes(await waiting) == bytes([10])
        assert bytes(await track.recv()) == bytes([11])
        await counter.close()

    run(work())


def test_a_slow_connection_loses_what_it_is_behind_and_goes_on_at_a_key_frame() -> None:
    async def work() -> None:
        counter = Counter(Fails())
        slow, quick = (counter.track(lambda number, reading: None) for _track in range(2))
        got: list[int] = []

        async def take() -> None:
            while True:
                got.append(bytes(await quick.recv())[0])

        taking = asyncio.create_task(take())
        counter.gate.put_nowait(0)
        waiting = asyncio.create_task(slow.recv())
        await settle()
        counter.gate.put_nowait(10)
        assert bytes(await waiting)[0] in (0, 10)
        for number in range(11, 22):
            counter.gate.put_nowait(number)
            await settle()
        assert counter.wanted == 3  # two began, and one was behind
        assert [bytes(await slow.recv())[0] for _k in range(2)] == [20, 21]
        assert got == [0, *range(10, 22)]
        taking.cancel()
        await counter.close()

    run(work())


def test_a_stopped_track_lets_its_sender_go_and_the_others_on() -> None:
    async def work() -> None:
        counter = Counter(Fails())
        one, other = (counter.track(lambda number, reading: None) for _track in range(2))
        waiting = [asyncio.create_task(track.recv()) for track in (one, other)]
        await settle()
        one.stop()
        with pytest.raises(MediaStreamError):
            await waiting[0]
        counter.gate.put_nowait(0)
        assert bytes(await waiting[1]) == bytes([0])
        await counter.close()

    run(work())


def test_what_ends_the_making_is_told_once() -> None:
    async def work() -> None:
        fails = Fails()
        counter = Counter(fails)
        waiting = asyncio.create_task(counter.track(lambda number, reading: None).recv())
        counter.gate.put_nowait(-1)
        await settle()
        (error,) = fails.errors
        assert "counter" in error.what
        assert "ValueError: no more" in error.what
        waiting.cancel()
        await counter.close()

    run(work())


@pytest.mark.parametrize("codec", ["vp8", "h264"])
def test_one_mosaic_is_encoded_for_all_and_its_stamps_are_there(codec: str) -> None:
    async def work() -> None:
        picture = TestPattern(320, 180, fps=30).open().picture(3)
        stamp_frame(picture, 4711)
        tiling, fails = Tiling(2, 320, 180), Fails()
        mixer = Mixer(tiling, lambda: [picture, None], fps=30, codec=codec,
                      on_made=lambda number, reading: None, on_failure=fails)  # fmt: skip
        tracks = [mixer.track(lambda number, reading: None) for _track in range(2)]
        first, same = await asyncio.gather(*(track.recv() for track in tracks))
        assert first is same  # the same packet: it was encoded once
        mosaic = _decoded(codec, bytes(first))
        assert read_frame(mosaic) is not None
        assert read_stamp(tiling.cut(mosaic, 0)) == 4711
        assert read_stamp(tiling.cut(mosaic, 1)) is None
        assert await mixer.busy() > 0
        await mixer.close()
        assert not fails.errors

    run(work())


def test_a_key_frame_is_made_for_everybody_when_one_asks() -> None:
    async def work() -> None:
        picture = TestPattern(320, 180, fps=30).open().picture(3)
        made: list[bool] = []
        mixer = Mixer(Tiling(1, 320, 180), lambda: [picture], fps=30, codec="vp8",
                      on_made=lambda number, reading: None, on_failure=Fails())  # fmt: skip
        for k in range(6):
            if k == 4:
                mixer.want_key_frame()
            made.append((await mixer.make()).alone)
        assert made == [True, False, False, False, True, False]

    run(work())


class FarEnd:
    """A sender as the mixer sees it: what its receiver has asked for."""

    def __init__(self, target_bitrate: int) -> None:
        self._RTCRtpSender__encoder = SimpleNamespace(target_bitrate=target_bitrate)
        self.told = 0

    def _send_keyframe(self) -> None:
        self.told += 1


def test_the_slowest_receiver_decides_for_all_and_anybody_may_ask_for_a_key_frame() -> None:
    async def work() -> None:
        picture = TestPattern(320, 180, fps=30).open().picture(3)
        mixer = Mixer(Tiling(1, 320, 180), lambda: [picture], fps=30, codec="vp8",
                      on_made=lambda number, reading: None, on_failure=Fails())  # fmt: skip
        ends = [FarEnd(900_000), FarEnd(300_000), FarEnd(600_000)]
        for end in ends:
            mixer.listen_to(end)  # type: ignore[arg-type]
        assert (await mixer.make()).alone
        assert mixer.target_kbps == 300
        assert not (await mixer.make()).alone
        ends[2]._send_keyframe()
        assert (await mixer.make()).alone
        assert ends[2].told == 1

    run(work())


def _decoded(codec: str, data: bytes) -> Any:
    decoder = get_decoder(RTCRtpCodecParameters(f"video/{codec}", 90_000, payloadType=96))
    frames = decoder.decode(JitterFrame(data=data, timestamp=0))
    return frames[0] if frames else decoder.codec.decode(None)[0]  # type: ignore[attr-defined]
