"""Media files: good ones loop to the frame, bad ones are refused in one sentence."""

from __future__ import annotations

import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import labkit as lab
from labkit.errors import BadValue, MediaError
from labkit.media import MediaFile, TestPattern, read_frame
from labkit.media.file import _FileReader
from labkit.media.stamp import planes
from tests.media.files import write_video
from tests.timing import SECOND


def shown(file: MediaFile, ticks: range) -> list[int | None]:
    """The numbers that the file's pictures carry, tick by tick, as an unhurried reader sees."""
    with file.open() as reader:
        assert isinstance(reader, _FileReader)
        seen = []
        for k in ticks:
            reader.wait_for(k, 10 * SECOND)
            seen.append(read_frame(reader.picture(k)))
    return seen


def test_pictures_follow_media_time_and_the_loop_has_no_seam(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=20, fps=20)
    assert shown(MediaFile(path, 320, 240, fps=20), range(65)) == [k % 20 for k in range(65)]


@pytest.mark.parametrize("fps", [7, 10, 30, 60])
def test_other_rates_are_resampled_by_media_time(tmp_path: Path, fps: int) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=20, fps=20)
    expected = [int(Fraction(k, fps) % 1 * 20) for k in range(2 * fps + 5)]
    assert shown(MediaFile(path, 320, 240, fps), range(2 * fps + 5)) == expected


def test_variable_frame_rate(tmp_path: Path) -> None:
    times = [0, 0.1, 0.15, 0.5, 0.55, 0.9]
    path = write_video(tmp_path / "vfr.mkv", frames=6, times=times)
    seen = shown(MediaFile(path, 320, 240, fps=20), range(18))
    assert seen == [sum(at <= k / 20 + 1e-9 for at in times) - 1 for k in range(18)]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("clip.mkv", "libx264", "yuv444p"),
        ("clip.webm", "libvpx", "yuv420p"),
        ("clip.avi", "mjpeg", "yuvj420p"),
    ],
)
def test_many_formats(tmp_path: Path, name: str, codec: str, pixel_format: str) -> None:
    path = write_video(tmp_path / name, codec=codec, pixel_format=pixel_format)
    seen = shown(MediaFile(path, 320, 240, fps=20), range(45))
    assert None not in seen and seen[:10] == list(range(10))
    assert 0 in seen[15:25], "it begins again after about a second"


def test_a_raw_stream_has_no_times_and_is_played_by_count(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.h264", frames=20, fps=25)
    assert shown(MediaFile(path, 320, 240, fps=25), range(45)) == [k % 20 for k in range(45)]


def black_borders(file: MediaFile) -> tuple[int, int]:
    """Rows above and columns left of the picture that are black."""
    with file.open() as reader:
        y, u, v = planes(reader.picture(0))
    assert u[0, 0] == v[0, 0] == 128
    black = y < 30
    rows, columns = black.all(axis=1), black.all(axis=0)
    return int(rows.argmin()), int(columns.argmin())


@pytest.mark.parametrize(
    ("size", "box", "borders"),
    [
        ((320, 180), (640, 480), (60, 0)),
        ((320, 240), (640, 360), (0, 80)),
        ((320, 240), (320, 240), (0, 0)),
        ((180, 320), (640, 480), (0, 184)),
    ],
)
def test_the_aspect_is_kept(
    tmp_path: Path, size: tuple[int, int], box: tuple[int, int], borders: tuple[int, int]
) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=2, size=size)
    above, left = black_borders(MediaFile(path, *box))
    assert above == pytest.approx(borders[0], abs=2) and left == pytest.approx(borders[1], abs=2)


@pytest.mark.parametrize("degrees", [90, -90, 180])
def test_a_film_that_lies_on_its_side_stands_up(tmp_path: Path, degrees: int) -> None:
    upright = write_video(tmp_path / "upright.mp4", frames=2, size=(320, 240))
    lying = write_video(tmp_path / "lying.mp4", frames=2, size=(320, 240), turned_degrees=degrees)
    width, height = (320, 240) if degrees == 180 else (240, 320)
    pictures = []
    for path, size in ((upright, (320, 240)), (lying, (width, height))):
        with MediaFile(path, *size).open() as reader:
            pictures.append(reader.picture(0).to_ndarray(format="gray"))
    turned = np.rot90(pictures[0], degrees // 90)
    assert np.abs(turned.astype(int) - pictures[1]).mean() < 2


def test_pixels_that_are_not_square(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=2, size=(320, 240), aspect=Fraction(2, 1))
    assert black_borders(MediaFile(path, 640, 480))[0] == pytest.approx(120, abs=2)


def test_odd_and_large_sizes(tmp_path: Path) -> None:
    odd = write_video(tmp_path / "odd.mkv", frames=2, size=(321, 241), pixel_format="yuv444p")
    large = write_video(tmp_path / "large.mp4", frames=2, size=(2560, 1440))
    assert shown(MediaFile(odd), range(1)) == [0]
    with MediaFile(large).open() as reader:
        assert reader.picture(0).width == 640


def test_a_still_picture_is_a_loop_of_one(tmp_path: Path) -> None:
    TestPattern(320, 240).image(99).save(tmp_path / "still.png")
    file = MediaFile(tmp_path / "still.png", 320, 240)
    assert shown(file, range(10)) == [99] * 10


def test_numbers_that_lie_ahead_are_skipped_to(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=20, fps=20)
    assert shown(MediaFile(path, 320, 240, fps=20), range(0, 500, 83)) == [
        k % 20 for k in range(0, 500, 83)
    ]


def test_a_reader_never_waits_and_holds_the_last_picture(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4")
    with MediaFile(path, 320, 240, fps=20).open() as reader:
        assert read_frame(reader.picture(0)) == 0
        assert read_frame(reader.picture(100_000)) in range(20)


def test_each_picture_is_the_readers_own(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=1)
    with MediaFile(path, 320, 240, fps=60).open() as reader:
        planes(reader.picture(0))[0][:] = 0
        assert read_frame(reader.picture(0)) == 0


def test_a_closed_reader_says_so_and_closing_twice_is_fine(tmp_path: Path) -> None:
    reader = MediaFile(write_video(tmp_path / "clip.mp4")).open()
    reader.close()
    reader.close()
    with pytest.raises(MediaError, match="closed"):
        reader.picture(0)


def test_a_file_describes_itself(tmp_path: Path) -> None:
    file = MediaFile(str(write_video(tmp_path / "clip.mp4", tone_s=1.0)), 640, 480, fps=25)
    assert file.describe() == "file clip.mp4 640x480@25"
    assert file.has_video and file.has_audio
    assert file.duration_s == pytest.approx(1, abs=0.1)
    assert pickle.loads(pickle.dumps(file)) == file
    assert file._repr_png_()
    assert file.image(30).size == (640, 480)
    assert lab.MediaFile is MediaFile


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_what_is_no_media_is_refused(tmp_path: Path) -> None:
    words = b"Dear lab, this is a letter.\n" * 99
    wrong = {
        tmp_path / "absent.mp4": "There is no file",
        tmp_path: "is a folder",
        write(tmp_path / "empty.mp4", b""): "is empty",
        write(tmp_path / "letter.txt", words): "no video or sound",
        write(tmp_path / "letter.mp4", words): "no video or sound",
        write(tmp_path / "noise.mp4", np.random.default_rng(1).bytes(9999)): "no video or sound",
        write(
            tmp_path / "list.m3u8", b"#EXTM3U\n#EXTINF:3,\nhttp://127.0.0.1:9/a.ts\n"
        ): "no video or sound",
    }
    for path, message in wrong.items():
        with pytest.raises(MediaError, match=message) as caught:
            MediaFile(path)
        assert caught.value.next_step


def test_a_damaged_file_plays_what_is_left_or_is_refused(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "whole.mkv", frames=40).read_bytes()
    rng = np.random.default_rng(2)
    played = 0
    for turn in range(12):
        damaged = bytearray(whole[: int(len(whole) * rng.uniform(0.3, 1))])
        for at in rng.integers(0, len(damaged), 6 * (turn % 3)):
            damaged[at] ^= 0xFF
        path = write(tmp_path / f"damaged{turn}.mkv", bytes(damaged))
        try:
            seen = shown(MediaFile(path, 320, 240, fps=20), range(5))
        except MediaError:
            continue
        assert len(seen) == 5
        played += 1
    assert played


def test_a_file_that_vanishes_ends_the_reading_with_an_error(tmp_path: Path) -> None:
    path = write_video(tmp_path / "clip.mp4", frames=5, fps=20)
    file = MediaFile(path, 320, 240, fps=20)
    path.unlink()
    with pytest.raises(MediaError, match="could not be read on"):
        file.open()


def test_bad_sizes_are_refused_before_the_file_is_looked_at(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="width"):
        MediaFile(tmp_path / "absent.mp4", width=1)
    with pytest.raises(BadValue, match="no path"):
        MediaFile(5)  # type: ignore[arg-type]
