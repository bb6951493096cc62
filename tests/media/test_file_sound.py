"""Sound of media files: it loops to the sample and is at its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from labkit.errors import MediaError
from labkit.media import MediaFile, check_audio_source, check_video_source
from labkit.media.chirps import chirp, find_chirps
from tests.media.files import write_sound, write_video
from tests.timing import SECOND


def sound(file: MediaFile, blocks: int) -> np.ndarray:
    with file.open_audio() as reader:
        heard = []
        for k in range(blocks):
            reader._ahead.wait_for(k, 10 * SECOND)  # type: ignore[attr-defined]
            heard.append(reader.block(k))
    return np.concatenate(heard).astype(float)


def test_sound_of_a_video_loops_with_it(tmp_path: Path) -> None:
    file = MediaFile(write_video(tmp_path / "clip.mp4", tone_s=0.5))
    heard = sound(file, 150).reshape(3, -1)[:, :48_000]
    assert abs(heard[0, 5000:20_000]).max() == pytest.approx(16_384, rel=0.1)
    turn = round(file.duration_s * 48_000)
    assert abs(sound(file, 150)[turn + 30_000 : turn + 40_000]).max() < 200, "silent after the tone"


def test_sound_loops_without_a_seam(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "tone.wav", seconds=1.5)
    heard = sound(MediaFile(path), 200)
    expected = 0.5 * 32767 * np.sin(2 * np.pi * 1000 * np.arange(len(heard)) / 48_000)
    assert abs(heard - expected).max() <= 1


def test_sound_of_another_rate(tmp_path: Path) -> None:
    path = write_sound(tmp_path / "tone.wav", seconds=1.0, rate=22_050)
    spectrum = abs(np.fft.rfft(sound(MediaFile(path), 50)))
    assert int(spectrum.argmax()) == 1000


def test_a_sound_file_has_no_pictures(tmp_path: Path) -> None:
    file = MediaFile(write_sound(tmp_path / "tone.wav"))
    assert check_audio_source(file) is file
    assert file.describe() == "file tone.wav"
    assert file._repr_png_() is None
    for use in (file.open, file.image, lambda: check_video_source(file)):
        with pytest.raises(MediaError, match="no video stream"):
            use()


def test_a_silent_film_has_no_sound(tmp_path: Path) -> None:
    file = MediaFile(write_video(tmp_path / "clip.mp4"))
    for use in (file.open_audio, lambda: check_audio_source(file)):
        with pytest.raises(MediaError, match="no audio stream"):
            use()


@pytest.mark.parametrize(
    ("name", "codec"), [("a.wav", "pcm_s16le"), ("a.m4a", "aac"), ("a.webm", "libopus")]
)
def test_sound_is_at_its_place(tmp_path: Path, name: str, codec: str) -> None:
    def wave(t: np.ndarray) -> np.ndarray:
        samples = np.zeros(len(t))
        samples[24_000 : 24_000 + 9600] = 0.5 * chirp(2, 48_000)
        return samples

    path = write_sound(tmp_path / name, codec=codec, wave=wave)
    (found,) = find_chirps(sound(MediaFile(path), 50), 48_000)
    assert found.number == 2 and found.time_s == pytest.approx(0.5, abs=0.001)


def test_sound_that_starts_late_stays_late(tmp_path: Path) -> None:
    path = write_video(tmp_path / "late.mkv", frames=20, fps=20, tone_s=0.4, tone_from_s=0.5)
    heard = abs(sound(MediaFile(path), 50))
    assert heard[:22_000].max() < 200 and heard[26_000:40_000].max() > 10_000
