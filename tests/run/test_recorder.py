"""The recorder's process and the road to it: feeds that never wait, taps that remember."""

from __future__ import annotations

import asyncio
import contextlib
import pickle
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit.errors import RecordingError
from labkit.run import load_run
from labkit.run.feed import BUFFER_BYTES, TOKEN_BYTES, Feed, read_batch, token_matches
from labkit.run.recorder_handle import RecorderHandle
from labkit.run.schema import row
from labkit.run.tap import KEPT_ROWS, Tap
from tests.experiments.helpers import nothing_left, run
from tests.timing import SECOND

TOKEN = b"t" * TOKEN_BYTES


def events(*names: str, peer: str = "alice") -> dict[str, list[tuple[Any, ...]]]:
    return {"events": [row("events", at_s=0.1, peer=peer, name=name) for name in names]}


@contextlib.asynccontextmanager
async def recorder(path: Path | None = None, **options: Any) -> AsyncIterator[RecorderHandle]:
    async with await RecorderHandle.start() as handle:
        await handle.open(path, {}, time_zero=time.perf_counter(), **options)
        yield handle


@contextlib.contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection: the producer's, and the recorder's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        near = socket.create_connection(server.getsockname())
        far, _address = server.accept()
    with near, far:
        far.settimeout(5 * SECOND)
        yield near, far


def test_producers_side_by_side_and_what_arrives_late(tmp_path: Path) -> None:
    async def work() -> None:
        async with recorder(tmp_path / "a.run") as handle:
            feeds = [Feed.connect(handle.address, handle.token) for _two in range(2)]
            for k in range(50):
                for feed, peer in zip(feeds, ("alice", "bob"), strict=True):
                    feed.send(events(f"{k}", peer=peer))
            handle.set_meta(seed=3)
            finishing = asyncio.create_task(handle.finish())
            await asyncio.sleep(0.1)
            feeds[0].send(events("last"))  # finish waits for feeds that are still open
            for feed in feeds:
                assert feed.flush()
                feed.close()
            assert await finishing == tmp_path / "a.run"

    with nothing_left(tmp_path, ("a.run",)):
        run(work())
    one = load_run(tmp_path / "a.run")
    assert one.complete and not one.altered and one.meta["seed"] == 3
    alice, bob = (one.events[one.events["peer"] == peer]["name"] for peer in ("alice", "bob"))
    numbers = [str(k) for k in range(50)]
    assert list(alice) == [*numbers, "last"] and list(bob) == numbers


def test_a_recording_in_memory_comes_back_as_bytes() -> None:
    async def work() -> bytes | Path:
        async with recorder() as handle:
            feed = Feed.connect(handle.address, handle.token)
            feed.send(events("one"))
            feed.flush()
            feed.close()
            return await handle.finish()

    data = run(work())
    assert isinstance(data, bytes)
    assert list(load_run(data).events["name"]) == ["one"]


def test_a_stranger_without_the_token_writes_nothing() -> None:
    async def work() -> bytes | Path:
        async with recorder() as handle:
            stranger = Feed.connect(handle.address, TOKEN)
            stranger.send(events("forged"))
            stranger.flush()
            guest = Feed.connect(handle.address, handle.token)
            guest.send(events("true"))
            guest.flush()
            guest.close()
            await asyncio.sleep(0.1)
            stranger.send(events("forged"))
            stranger.send(events("forged"))
            assert stranger.broken  # the recorder has hung up
            stranger.close()
            return await handle.finish()

    one = load_run(run(work()))
    assert list(one.events["name"]) == ["true"]


@pytest.mark.parametrize("garbage", [b"\x00\x00\x00\x05ab", b"\x00\x00\x00\x02ab", b"\x00"])
def test_a_producer_that_dies_or_talks_nonsense_costs_only_itself(garbage: bytes) -> None:
    async def work() -> tuple[bytes | Path, float]:
        async with recorder() as handle:
            with socket.create_connection(handle.address) as dying:
                dying.sendall(handle.token)
                data = pickle.dumps(events("whole"))
                dying.sendall(len(data).to_bytes(4, "big") + data + garbage)
            other = Feed.connect(handle.address, handle.token)
            other.send(events("other"))
            other.flush()
            other.close()
            began = time.monotonic()
            return await handle.finish(), time.monotonic() - began

    data, took_s = run(work())
    assert set(load_run(data).events["name"]) == {"whole", "other"}
    assert took_s < 1.5 * SECOND  # it did not wait for a producer that is gone


def test_a_recording_that_never_began_leaves_no_file(tmp_path: Path) -> None:
    async def work() -> None:
        async with recorder(tmp_path / "a.run") as handle:
            await handle.discard()
            with pytest.raises(RecordingError, match="Nothing is being recorded"):
                await handle.finish()

    with nothing_left(tmp_path):
        run(work())


def test_leaving_without_finish_keeps_the_file(tmp_path: Path) -> None:
    async def work() -> None:
        async with recorder(tmp_path / "a.run") as handle:
            feed = Feed.connect(handle.address, handle.token)
            feed.send(events("one"))
            feed.flush()
            feed.close()

    with nothing_left(tmp_path, ("a.run",)):
        run(work())
    one = load_run(tmp_path / "a.run")
    assert one.complete and list(one.events["name"]) == ["one"]
    assert "parent ended" in one.meta["closed_by"]


def test_a_taken_name_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.run"
    path.write_text("old")

    async def work(force: bool) -> None:
        async with recorder(path, force=force) as handle:
            await handle.finish()

    with pytest.raises(RecordingError, match="exists already"):
        run(work(False))
    assert path.read_text() == "old"
    run(work(True))
    assert load_run(path).complete


def test_a_killed_recorder_is_told_with_the_path(tmp_path: Path) -> None:
    async def work() -> str:
        async with recorder(tmp_path / "a.run") as handle:
            handle.kill()
            error = await asyncio.wait_for(handle.failed, 5 * SECOND)
            with pytest.raises(RecordingError, match="ended in the middle"):
                await handle.finish()
            await handle.discard()  # nothing left to discard: no error
            return str(error)

    assert str(tmp_path / "a.run") in run(work())


def test_a_feed_never_waits_for_a_slow_recorder() -> None:
    with connected() as (near, far):
        feed = Feed(near, TOKEN)
        batch = {"packets": [row("packets", data=bytes(1_000_000))]}
        began = time.monotonic()
        for _k in range(80):  # more than it keeps
            feed.send(batch)
        assert time.monotonic() - began < 5 * SECOND
        assert not feed.flush(0.05)
        kept = 80 - feed.dropped_rows
        assert 50 < kept < BUFFER_BYTES / 1e6 + 10  # what the system's own buffers took included
        assert token_matches(far, TOKEN)
        for _k in range(kept):  # what was kept arrives whole, and in order
            assert len(read_batch_while_pushing(far, feed)["packets"]) == 1
        feed.close()
        with pytest.raises(EOFError):
            read_batch(far)


def read_batch_while_pushing(far: socket.socket, feed: Feed) -> Any:
    size = int.from_bytes(read(far, 4, feed), "big")
    return pickle.loads(read(far, size, feed))


def read(far: socket.socket, size: int, feed: Feed) -> bytes:
    data = b""
    while len(data) < size:
        feed.flush(0.001)
        data += far.recv(size - len(data))
    return data


def test_a_feed_whose_recorder_is_gone_breaks_quietly() -> None:
    with connected() as (near, far):
        feed = Feed(near, TOKEN)
        far.close()
        for _k in range(5):
            feed.send(events("x"))
            time.sleep(0.02)
        assert feed.broken
        assert feed.flush(0.1)  # nothing is left to hand over
        feed.close()


def test_a_recorder_that_comes_late_gets_the_set_up() -> None:
    tap = Tap()
    tap.add("events", at_s=0.1, peer="alice", name="early")
    tap.add("samples", at_s=0.1, name="unseen", value=1.0)
    assert not tap.recording
    told = []
    for name in ("first", "second"):
        with connected() as (near, far):
            tap.attach(Feed(near, TOKEN))
            assert tap.recording
            tap.add("samples", at_s=0.2, name=name, value=2.0)
            tap.add("events", at_s=0.2, peer="alice", name=name)
            tap.flush()
            tap.flush()  # nothing to send: no empty batch
            tap.add("samples", at_s=0.3, name="last", value=3.0)
            tap.detach()
            tap.detach()
            assert token_matches(far, TOKEN)
            told.append((read_batch(far), read_batch(far)))
            with pytest.raises(EOFError):
                read_batch(far)
    for (batch, last), names in zip(
        told, (["early", "first"], ["early", "first", "second"]), strict=True
    ):
        assert [line[2] for line in batch["events"]] == names
        assert [line[3] for line in batch["samples"]] == [names[-1]]
        assert [line[3] for line in last["samples"]] == ["last"]


def test_a_tap_keeps_a_bounded_set_up() -> None:
    tap = Tap()
    for k in range(KEPT_ROWS + 10):
        tap.add("events", at_s=float(k), name="x")
    with connected() as (near, far):
        tap.attach(Feed(near, TOKEN))
        tap.detach()
        assert token_matches(far, TOKEN)
        rows = read_batch(far)["events"]
    assert (len(rows), rows[0][0]) == (KEPT_ROWS, 10.0)
