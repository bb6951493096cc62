"""A participant that writes down what it receives."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

import labkit as lab
from labkit.errors import BadValue
from labkit.media import film_facts
from labkit.media.stamp import read_frame
from labkit.rooms.running import LivekitServer
from tests.experiments.helpers import SMALL, nothing_left, run


def test_what_a_recorder_receives_becomes_two_films(
    livekit_server: LivekitServer, tmp_path: Path
) -> None:
    film = lab.Film(mp4=tmp_path / "talk.mp4", hls=tmp_path / "talk")
    alice = lab.participant("alice", video=SMALL, audio=lab.Tone(), codec="h264")
    recorder = lab.participant("recorder", film=film, grants={"hidden": True, "recorder": True})

    async def work() -> lab.Run:
        async with lab.room(alice, recorder, server=livekit_server) as room:
            return await room.record(5)

    with nothing_left():
        one = run(work())
    assert one.meta["asked"]["participants"]["recorder"]["film"] == {
        "mp4": "talk.mp4",
        "hls": "talk",
    }
    shown = one.frames[one.frames["fate"] == "shown"]
    for path in (tmp_path / "talk.mp4", tmp_path / "talk" / "film.m3u8"):
        facts = film_facts(path)
        assert facts["codecs"] == ["h264", "aac"] and facts["size"] == "320x240"
        assert facts["pictures"] >= len(shown) > 20  # the film began before the recording
        assert facts["last_picture_at_s"] > 4 and facts["key_frames_at_s"][:2] == [0, _about(2)]
    numbers = stamps(tmp_path / "talk.mp4")
    readable = [n for n, _at in numbers if n is not None]
    assert readable == sorted(set(readable)) and set(shown["frame"].astype(int)) & set(readable)
    (first, from_s), (last, to_s) = numbers[0], numbers[-1]
    assert first is not None and last is not None
    assert (last - first) / SMALL.fps == pytest.approx(to_s - from_s, abs=0.05)


def _about(seconds: float) -> object:
    return pytest.approx(seconds, abs=0.7)


def stamps(path: Path) -> list[tuple[int | None, float]]:
    """Return number and second of each picture of a film whose stamp can be read."""
    with av.open(str(path)) as file:
        found = [(read_frame(frame), float(frame.time or 0)) for frame in file.decode(video=0)]
    return [one for one in found if one[0] is not None]


def test_who_publishes_or_joins_by_the_sdk_makes_no_film(tmp_path: Path) -> None:
    film = lab.Film(mp4=tmp_path / "talk.mp4")
    for options in ({"engine": "livekit"}, {"video": SMALL}, {"subscribe": False}):
        with pytest.raises(BadValue, match="cannot make a film"):
            lab.participant("recorder", film=film, **options)


def test_a_film_that_cannot_be_written_ends_the_room_in_words(
    livekit_server: LivekitServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    film = lab.Film(mp4=tmp_path / "file" / "talk.mp4")
    people = [lab.participant("alice", video=SMALL), lab.participant("recorder", film=film)]

    async def work() -> None:
        async with lab.room(*people, server=livekit_server) as room:
            await room.record(3)

    with nothing_left(), pytest.raises(lab.LabError, match="cannot be written"):
        run(work())
