"""Clips: from a source, from a file, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest

from labkit.codecs import read_clip
from labkit.errors import BadValue, MediaError
from labkit.media import MediaFile, Silence, TestPattern, read_stamp
from tests.codecs.clips import small_clip
from tests.media.files import write_video


def test_the_pictures_are_the_sources() -> None:
    clip = small_clip()
    assert (len(clip), clip.width, clip.height, clip.fps) == (8, 160, 120, 20)
    assert clip.duration_s == 0.4
    with TestPattern(160, 120, fps=20).open() as reader:
        assert np.array_equal(reader.picture(5).to_ndarray(), clip.pictures[5])
    frame = clip.frame(5)
    assert frame.pts * frame.time_base == 0.25
    assert np.array_equal(frame.to_ndarray(), clip.pictures[5])
    assert "8 pictures, 160x120@20" in repr(clip)


def test_a_file_is_scaled_and_not_read_past_its_end(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4")
    source = MediaFile(path, 320, 240, fps=10)
    clip = read_clip(path, 60, width=320, height=240, fps=10)
    assert len(clip) == round(source.duration_s * 10)
    assert (clip.width, clip.height) == (320, 240)
    assert [read_stamp(picture[:240]) for picture in clip.pictures] == list(range(0, 20, 2))
    assert np.array_equal(read_clip(source, 60).pictures, clip.pictures)


def test_a_clip_travels() -> None:
    clip = pickle.loads(pickle.dumps(small_clip()))
    assert np.array_equal(clip.pictures, small_clip().pictures)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), True, "4"])
def test_lengths_that_are_none(seconds: float) -> None:
    with pytest.raises(BadValue, match="above 0"):
        read_clip(TestPattern(160, 120), seconds)


def test_what_does_not_fit_into_memory_says_what_would() -> None:
    with pytest.raises(BadValue, match=r"at most 1 GiB.* Use at most 1\.4 s of 3840x2160"):
        read_clip(TestPattern(3840, 2160, fps=60), 10)


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="no file"):
        read_clip(tmp_path / "nothing.mp4")
    with pytest.raises(BadValue, match="source of video"):
        read_clip(Silence())  # type: ignore[arg-type]
    with pytest.raises(BadValue, match="even number"):
        read_clip(tmp_path / "nothing.mp4", width=321)
