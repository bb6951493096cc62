"""A film: files that players can read, with the times of the media, whatever comes in."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.errors import BadValue, MediaError
from labkit.media.film import Film, FilmWriter, film_facts


def picture(shade: int, width: int = 64, height: int = 48) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(np.full((height, width, 3), shade, np.uint8), "rgb24")


def sound(samples: int = 960, rate: int = 48_000) -> av.AudioFrame:
    wave = (8000 * np.sin(np.arange(samples * 2) / 9)).astype(np.int16).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(wave, "s16", "stereo")
    frame.sample_rate = rate
    return frame


def decoded(path: Path, kind: str) -> list[Any]:
    with av.open(str(path)) as file:
        return list(file.decode(**{kind: 0}))


def write(film: Film, seconds: float, *, begin_s: float = 100.0, audio: bool = True) -> FilmWriter:
    writer = FilmWriter(film, fps=15)
    for number in range(round(seconds * 15)):
        writer.add_video(picture(number % 200), begin_s + number / 15)
        for block in range(round(number * 50 / 15), round((number + 1) * 50 / 15)):
            if audio:
                writer.add_audio(sound(), begin_s + block / 50)
    writer.close()
    return writer


def test_both_files_hold_every_picture_at_its_time(tmp_path: Path) -> None:
    writer = write(Film(mp4=tmp_path / "talk.mp4", hls=tmp_path / "talk"), 5)
    assert (writer.pictures, writer.key_frames) == (75, 3)
    for path in (tmp_path / "talk.mp4", tmp_path / "talk" / "film.m3u8"):
        assert film_facts(path) == {
            "codecs": ["h264", "aac"],
            "size": "64x48",
            "pictures": 75,
            "key_frames_at_s": [0, 2, 4],
            "last_picture_at_s": pytest.approx(74 / 15, abs=0.001),
        }
        heard_s = sum(f.samples for f in decoded(path, "audio")) / 48_000
        assert heard_s == pytest.approx(5, abs=0.1)
    playlist = (tmp_path / "talk" / "film.m3u8").read_text("utf-8")
    assert playlist.count("#EXTINF") == 3 and playlist.rstrip().endswith("#EXT-X-ENDLIST")


def test_every_segment_can_be_played_alone(tmp_path: Path) -> None:
    write(Film(hls=tmp_path / "talk"), 5)
    segments = sorted((tmp_path / "talk").glob("*.ts"))
    assert len(segments) == 3
    for segment in segments:
        first = decoded(segment, "video")[0]
        assert isinstance(first, av.VideoFrame) and first.key_frame
        assert decoded(segment, "audio")


def test_a_playlist_tells_true_durations_whatever_rate_was_expected(tmp_path: Path) -> None:
    writer = FilmWriter(Film(hls=tmp_path / "slow", audio=False), fps=30)
    for number in range(31):
        writer.add_video(picture(number), number / 10)
    writer.close()
    playlist = (tmp_path / "slow" / "film.m3u8").read_text("utf-8")
    assert [float(s) for s in re.findall(r"#EXTINF:([\d.]+)", playlist)] == pytest.approx(
        [2, 1.1], abs=0.11
    )


def test_a_pause_of_the_pictures_stays_a_pause(tmp_path: Path) -> None:
    path = tmp_path / "pause.mp4"
    writer = FilmWriter(Film(mp4=path, audio=False))
    for at_s in (0, 0.1, 0.2, 3.0, 3.1):
        writer.add_video(picture(50), at_s)
    writer.close()
    assert [round(frame.time, 2) for frame in decoded(path, "video")] == [0, 0.1, 0.2, 3.0, 3.1]
    assert film_facts(path)["key_frames_at_s"] == [0, 3]


def test_sound_that_is_missing_is_silent_and_what_follows_stays_in_place(tmp_path: Path) -> None:
    path = tmp_path / "gap.mp4"
    writer = FilmWriter(Film(mp4=path), fps=10)
    for number in range(40):
        writer.add_video(picture(60), number / 10)
        for block in range(number * 5, number * 5 + 5):
            if not 50 <= block < 100:  # silent from second 1 to second 2
                writer.add_audio(sound(), block / 50)
    writer.close()
    frames = decoded(path, "audio")
    levels = np.concatenate([np.abs(frame.to_ndarray()[0]) for frame in frames])
    loud = [float(levels[round(s * 48_000) :][:4800].mean()) for s in (0.5, 1.3, 1.8, 2.3, 3.5)]
    assert [level > 0.02 for level in loud] == [True, False, False, True, True]


def test_no_sound_at_all_is_awaited_for_a_second_only(tmp_path: Path) -> None:
    write(Film(mp4=tmp_path / "mute.mp4"), 4, audio=False)
    assert film_facts(tmp_path / "mute.mp4")["pictures"] == 60
    heard = decoded(tmp_path / "mute.mp4", "audio")
    assert 3 < sum(frame.samples for frame in heard) / 48_000 < 4
    assert not any(np.abs(frame.to_ndarray()).max() > 0.001 for frame in heard)


def test_another_size_is_scaled_and_a_picture_of_the_past_left_out(tmp_path: Path) -> None:
    writer = FilmWriter(Film(mp4=tmp_path / "sizes.mp4", audio=False))
    writer.add_video(picture(10, 64, 48), 1.0)
    writer.add_video(picture(20, 128, 96), 1.1)
    writer.add_video(picture(30, 64, 48), 1.05)
    writer.close()
    writer.close()
    assert film_facts(tmp_path / "sizes.mp4")["pictures"] == writer.pictures == 2


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.001, 0.7), min_size=1, max_size=25))
def test_whatever_the_pace_each_picture_is_where_it_was(
    tmp_path_factory: pytest.TempPathFactory, pauses: list[float]
) -> None:
    path = tmp_path_factory.mktemp("film") / "pace.mp4"
    times = [math.fsum(pauses[:n]) for n in range(len(pauses) + 1)]
    writer = FilmWriter(Film(mp4=path, audio=False))
    for at_s in times:
        writer.add_video(picture(99), at_s)
    writer.close()
    seen = [frame.time for frame in decoded(path, "video")]
    assert seen == pytest.approx(times, abs=1 / 10_000)


def test_a_recording_that_nobody_sends_to_leaves_no_file(tmp_path: Path) -> None:
    writer = FilmWriter(Film(mp4=tmp_path / "nobody.mp4"))
    writer.add_audio(sound(), 1.0)  # before the first picture there is no film
    writer.close()
    assert not (tmp_path / "nobody.mp4").exists()


def test_a_film_needs_a_place_that_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="needs a place"):
        Film()
    with pytest.raises(BadValue, match="mp4=5 is no path"):
        Film(mp4=5)  # type: ignore[arg-type]
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadValue, match="is a file"):
        Film(hls=tmp_path / "file")
    writer = FilmWriter(Film(mp4=tmp_path / "file" / "talk.mp4"))
    with pytest.raises(MediaError, match="cannot be written"):
        writer.add_video(picture(1), 0.0)
    assert Film(mp4=tmp_path / "talk.mp4").describe() == {"mp4": "talk.mp4", "hls": None}


def test_an_unfinished_film_is_said_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "half.mp4"
    write(Film(mp4=path), 1)
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(MediaError, match="unfinished"):
        film_facts(path)
