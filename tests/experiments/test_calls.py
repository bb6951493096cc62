"""Calls over loopback, with real processes, in both places."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

import labkit as lab
from labkit.errors import BadValue, CallError
from tests.experiments.helpers import PLACES, SMALL, nothing_left, run

BUFFER_IN_A_CELL = '''
class Patient:
    """Like aiortc's own: a frame is complete when a packet of the next one is there."""

    def __init__(self, capacity, is_video=True):
        from labkit.peers.jitterbuffers import MarkerJitterBuffer

        self.inner, self.late = MarkerJitterBuffer(capacity), None

    def add(self, packet):
        pli, frame = self.inner.add(packet)
        frame, self.late = self.late, frame or self.late
        return pli, frame if frame is not self.late else None


class Broken:
    def __init__(self, capacity, is_video=True):
        pass

    def add(self, packet):
        return 1 / 0
'''


def cell_class(name: str) -> type[Any]:
    """Return a class as a notebook's cell makes it: no file, and no module to import."""
    cell: dict[str, Any] = {"__name__": "__main__"}
    exec(BUFFER_IN_A_CELL, cell)
    return cell[name]


@pytest.mark.parametrize("place", PLACES)
def test_a_call_that_runs_is_recorded_twice(place: str, tmp_path: Path) -> None:
    async def work() -> tuple[lab.Run, lab.Run]:
        async with lab.call(
            video=SMALL, audio=lab.Tone(), back_video=SMALL, place=place, jitter_buffer="stock"
        ) as call:
            first = await call.record(1, tmp_path / "first.run")
            second = await call.record(0.5)
        return first, second

    with nothing_left(tmp_path, ("first.run",)):
        first, second = run(work())
    for one in (first, second):
        assert one.complete and not one.altered
        assert one.meta["closed_by"] == "the call"
        assert set(one.peers["place"]) == {place}
        assert set(one.tracks["track"]) == {"alice:video", "alice:audio", "bob:video"}
        for direction in (("alice", "bob"), ("bob", "alice")):
            frames = one.summary(*direction)["frames"]
            assert frames["shown"] > 0
            assert frames["sent"] == frames["shown"] + frames["unreadable"] + frames["lost"]
        assert (one.audio["fate"] == "shown").sum() > 10
        assert (one.messages["name"] == "offer").sum() == 1  # of the set-up, also when late
    assert first.meta["asked"]["jitter_buffer"] == "stock"
    assert second.meta["recorded_from_s"] > first.meta["recorded_to_s"]


@pytest.mark.parametrize("place", PLACES)
def test_recording_a_new_call_runs_it(place: str) -> None:
    call = lab.call(video=SMALL, codec="h264", place=place)
    with nothing_left():
        one = run(call.record(1))
    assert call.state == "closed"
    assert list(one.tracks["codec"]) == ["H264"]
    figures = one.summary()
    assert figures["frames"]["shown"] > 10
    latency, budget = figures["latency_ms"], figures["budget_ms"]
    assert sum(budget.values()) == pytest.approx(latency["mean"], abs=0.01)
    stamps = ["captured_s", "encoded_s", "first_sent_s", "last_arrived_s", "released_s"]
    shown = one.frames[one.frames["fate"] == "shown"]
    times = shown[[*stamps, "decoded_s"]].to_numpy()
    assert not np.isnan(times).any()
    assert (np.diff(times, axis=1) >= 0).all()
    names = list(one.events["name"])
    assert [names.count(n) for n in ("call_started", "first_frame", "nominated_pair")] == [1, 1, 2]
    # Second 0 is the start of the call: the tables tell the same set-up time as the summary.
    first_s = one.frames["decoded_s"].min()
    assert figures["setup_ms"] == pytest.approx(first_s * 1000, abs=1.0)


def test_nothing_bypasses_the_relay() -> None:
    async def work() -> tuple[lab.Run, list[Any]]:
        async with lab.call(video=SMALL) as call:
            for _attempt in range(50):  # until no datagram is between the four counters
                readings = [await counters(call) for _twice in range(2)]
                if readings[0] == readings[1]:
                    break
            return await call.record(0.5), readings

    async def counters(call: Any) -> dict[str, int]:
        alice, bob = [await call.ask(peer, lambda p: p.datagrams) for peer in ("alice", "bob")]
        ways = await call.counts()
        return {
            "alice sent": alice["sent"] - ways["alice->bob"]["received"],
            "bob received": bob["received"] - ways["alice->bob"]["delivered"],
            "bob sent": bob["sent"] - ways["bob->alice"]["received"],
            "alice received": alice["received"] - ways["bob->alice"]["delivered"],
        }

    one, readings = run(work())
    assert readings[1] == dict.fromkeys(readings[1], 0)
    relay = {
        e.detail.split('"is": ')[1].strip('"}'): e.peer
        for e in one.events.itertuples()
        if e.name == "relay_address"
    }
    pairs = one.events[one.events["name"] == "nominated_pair"]
    assert sorted(pairs["peer"]) == ["alice", "bob"]
    for pair in pairs.itertuples():
        remote = pair.detail.split('"remote": "')[1].split()[0]
        assert relay[remote] == pair.peer


def test_a_buffer_from_a_cell_carries_the_call() -> None:
    one = run(lab.call(video=SMALL, jitter_buffer=cell_class("Patient")).record(0.5))
    assert one.meta["asked"]["jitter_buffer"] == "Patient"
    assert one.summary()["budget_ms"]["buffer"] > 10  # it waits for the next frame


@pytest.mark.parametrize("place", PLACES)
def test_a_buffer_that_raises_is_named(place: str, tmp_path: Path) -> None:
    call = lab.call(video=SMALL, jitter_buffer=cell_class("Broken"), place=place)
    with nothing_left(tmp_path):
        with pytest.raises(CallError, match=r"Broken failed in add\(\): ZeroDivisionError"):
            run(call.record(1, tmp_path / "x.run"))


def test_a_media_file_is_called(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as file:
        stream = file.add_stream("libx264", rate=25, width=160, height=120, pix_fmt="yuv420p")
        for k in range(25):
            grey = np.full((120, 160, 3), 8 * k, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "rgb24")))
        file.mux(stream.encode())
    one = run(lab.call(video=lab.MediaFile(str(clip), 320, 240, fps=30)).record(1))
    assert one.summary()["frames"]["shown"] > 10
    assert "clip.mp4" in one.tracks["source"].iloc[0]


def test_a_link_is_bent_while_the_call_runs() -> None:
    async def work() -> lab.Run:
        async with lab.call(video=SMALL, back_video=SMALL) as call:
            recording = call.start_recording(10)
            await asyncio.sleep(0.5)
            call.set_link("alice->bob", delay_ms=100)
            await asyncio.sleep(1)
            with pytest.raises(BadValue):
                call.set_link("alice->carol", delay_ms=1)
            recording.stop()
            return await recording

    one = run(work())
    assert one.meta["recorded_to_s"] - one.meta["recorded_from_s"] < 9
    (change,) = one.events[one.events["name"] == "link_changed"].itertuples()
    assert '"direction": "alice->bob"' in change.detail
    frames = one.frames[one.frames["fate"] == "shown"]
    there = frames[frames["receiver"] == "bob"]
    after = there[there["first_sent_s"] > change.at_s]
    assert len(after) > 5
    assert (after["last_arrived_s"] - after["first_sent_s"]).min() > 0.0995
    assert there[there["decoded_s"] < change.at_s]["latency_ms"].median() < 100
    assert frames[frames["receiver"] == "alice"]["latency_ms"].median() < 100


def test_a_link_is_bent_while_the_call_starts() -> None:
    async def work() -> lab.Run:
        call = lab.call(video=SMALL)
        starting = asyncio.create_task(call.start())
        while call.state != "starting":  # noqa: ASYNC110
            await asyncio.sleep(0)
        await asyncio.sleep(0.2)
        call.set_link(delay_ms=100)
        await starting
        try:
            return await call.record(0.3)
        finally:
            await call.close()

    frames = run(work()).frames
    shown = frames[frames["fate"] == "shown"]
    assert (shown["last_arrived_s"] - shown["first_sent_s"]).min() > 0.0995


def test_one_seed_meets_one_fate() -> None:
    link = lab.Link(loss=0.1, duplicate=0.1, jitter_ms=1)

    def wire(place: str) -> dict[str, Any]:
        call = lab.call(video=SMALL, back_video=SMALL, link=link, seed=7, place=place)
        packets = run(call.record(1)).packets
        wire = packets[packets["layer"] == "wire"].sort_values(["number", "copy"])
        return dict(list(wire.groupby("sender")))

    one, other = wire("worker"), wire("kernel")
    assert one.keys() == other.keys() == {"alice", "bob"}
    for sender in one:
        last = min(rows["number"].max() for rows in (one[sender], other[sender])) - 5
        fates = [
            list(rows[rows["number"] < last][["number", "copy", "fate"]].itertuples(index=False))
            for rows in (one[sender], other[sender])
        ]
        assert last > 20
        assert fates[0] == fates[1]
        assert {row.fate for row in fates[0]} == {"delivered", "lost"}
        assert {row.copy for row in fates[0]} == {0, 1}


def test_exact_loss_is_exact() -> None:
    async def work() -> lab.Run:
        link = lab.Link(loss=0.05, loss_model="exact")
        async with lab.call(video=SMALL, audio=lab.Tone(), link=(link, None)) as call:
            recording = call.start_recording(30)
            while (await call.counts())["alice->bob"]["received"] < 205:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
            recording.stop()
            return await recording

    one = run(work())
    wire = one.packets[(one.packets["layer"] == "wire") & (one.packets["copy"] == 0)]
    there = wire[wire["sender"] == "alice"].sort_values("number")
    assert list(there["number"]) == list(range(len(there)))  # not one is missing
    full = len(there) // 100
    assert full >= 2
    lost = (there["fate"] == "lost").to_numpy()[: full * 100].reshape(full, 100).sum(axis=1)
    assert set(lost) == {5}
    assert (wire[wire["sender"] == "bob"]["fate"] == "delivered").all()


def test_two_calls_side_by_side() -> None:
    async def work() -> list[lab.Run]:
        calls = [lab.call(video=SMALL, place=place, seed=k) for k, place in enumerate(PLACES)]
        return list(await asyncio.gather(*(call.record(1) for call in calls)))

    with nothing_left():
        runs = run(work())
    assert [one.meta["seed"] for one in runs] == [0, 1]
    assert all(one.summary()["frames"]["shown"] > 5 for one in runs)
    assert runs[0].id != runs[1].id


@pytest.mark.parametrize("place", PLACES)
def test_a_peer_can_be_asked(place: str) -> None:
    async def work() -> None:
        async with lab.call(video=SMALL, place=place) as call:
            state = await call.ask("bob", lambda peer: peer.pc.connectionState)
            assert state == "connected"
            kinds = await call.ask("alice", _kinds_of_stats)
            assert "outbound-rtp" in kinds
            with pytest.raises(BadValue, match="carol"):
                await call.ask("carol", lambda peer: 1)
            if place == "worker":
                with pytest.raises(CallError, match="cannot leave the worker"):
                    await call.ask("bob", lambda peer: peer)
                lock = threading.Lock()
                with pytest.raises(CallError, match="cannot travel"):
                    await call.ask("bob", lambda peer: lock)
            with pytest.raises(Exception, match="division") as failed:
                await call.ask("bob", lambda peer: 1 / 0)
            assert "Start the call again" not in str(failed.value)  # it goes on
            assert await call.ask("bob", lambda peer: 42) == 42

    run(work())


async def _kinds_of_stats(peer: Any) -> list[str]:
    return [stat.type for stat in (await peer.pc.getStats()).values()]
