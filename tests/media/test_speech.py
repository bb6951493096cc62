"""Speech: from espeak-ng, from a program that only looks like it, or recorded."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

import labkit as lab
from labkit.codecs import Sound, bandwidth_hz, has_voice, read_sound, spoken
from labkit.errors import BadValue, MediaError, MissingPart, WaitTimeout
from labkit.media import check_audio_source, speech
from labkit.media.audio import BLOCK, SAMPLE_RATE
from labkit.media.decode import whole_sound
from labkit.media.speech import PAUSE_S, RECORDED, recorded_path, speak
from tests.media.files import write_video

SPEAK = """\
import sys, wave
text = sys.stdin.buffer.read().decode("utf-8")
with wave.open(sys.argv[sys.argv.index("-w") + 1], "wb") as file:
    file.setnchannels(1)
    file.setsampwidth(2)
    file.setframerate(22050)
    file.writeframes(b"\\x00\\x10" * 2205 * len(text.split()))
"""


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an espeak-ng that does what its text says; the only one on the path."""
    if os.name == "nt":
        pytest.skip("a script without an ending is no program on Windows")
    path = tmp_path / "espeak-ng"
    monkeypatch.setenv("PATH", str(tmp_path))
    write(path, SPEAK)
    return path


@pytest.fixture
def mute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every program off the path."""
    monkeypatch.setenv("PATH", str(tmp_path))


def write(path: Path, code: str) -> None:
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)


def played(source: lab.Speech, blocks: int) -> np.ndarray:
    with source.open_audio() as reader:
        return np.stack([reader.block(k) for k in range(blocks)])


@pytest.mark.usefixtures("fake")
def test_a_sentence_becomes_sound_at_48_khz() -> None:
    assert has_voice()
    sound = spoken("one two three")
    assert sound.rate == SAMPLE_RATE
    assert sound.duration_s == pytest.approx(0.3, abs=0.001)
    assert sound.level_dbfs == pytest.approx(-18, abs=1)


@pytest.mark.usefixtures("fake")
def test_a_sentence_is_said_again_after_a_pause() -> None:
    turn = round((0.3 + PAUSE_S) * 50)
    heard = played(lab.Speech("раз два три", voice="ru"), 2 * turn)
    assert heard.shape == (2 * turn, BLOCK) and heard.dtype == np.int16
    assert (heard[:turn] == heard[turn:]).all()
    assert heard[:14].all() and not heard[16:turn].any()


@pytest.mark.usefixtures("fake")
def test_once_is_enough_without_the_loop() -> None:
    heard = played(lab.Speech("one two", loop=False), 200)
    assert heard[:9].all() and not heard[11:].any()


def test_its_refusal_is_told(fake: Path) -> None:
    write(fake, "import sys; sys.exit('no such voice')")
    with pytest.raises(MediaError, match="no such voice"):
        lab.Speech("hello", voice="none").open_audio()


def test_a_program_that_writes_nothing_is_told(fake: Path) -> None:
    write(fake, "")
    with pytest.raises(MediaError, match="It wrote nothing"):
        speak("hello")


def test_it_may_not_take_for_ever(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(fake, "import time; time.sleep(60)")
    monkeypatch.setattr(speech, "TIMEOUT_S", 0.1)
    with pytest.raises(WaitTimeout, match=r"0\.1 s"):
        speak("hello")


@pytest.mark.usefixtures("mute")
def test_without_it_the_way_out_is_named() -> None:
    assert not has_voice()
    with pytest.raises(MissingPart, match="speech_like"):
        spoken("hello")


@pytest.mark.usefixtures("mute")
@pytest.mark.parametrize(
    ("voice", "language"),
    [("en", "en"), ("en-us+f3", "en"), ("de", "en"), ("ru", "ru"), ("ru+f2", "ru")],
)
def test_without_it_a_recorded_sentence_is_heard_and_named(voice: str, language: str) -> None:
    source = lab.Speech("Anything", voice=voice)
    assert source.is_recorded
    assert RECORDED[language] in source.describe()
    sound = read_sound(source, 5)
    assert (sound.samples == whole_sound(recorded_path(language))[: len(sound.samples)]).all()


@pytest.mark.parametrize("language", RECORDED)
def test_the_recorded_sentences_are_loud_and_wide_and_small(language: str) -> None:
    sound = spoken_from(language)
    assert 3 < sound.duration_s < 8
    assert -30 < sound.level_dbfs < -15
    assert abs(sound.samples).max() < 32_700
    assert bandwidth_hz(sound) > 7000
    assert recorded_path(language).stat().st_size < 30_000
    about = (recorded_path(language).parent / "README.md").read_text("utf-8")
    assert RECORDED[language] in about and f"`{language}.opus`" in about


def spoken_from(language: str) -> Sound:
    return Sound(whole_sound(recorded_path(language)), SAMPLE_RATE)


def test_it_is_a_source_that_travels() -> None:
    source = lab.Speech("Hello")
    assert pickle.loads(pickle.dumps(source)) == source
    assert check_audio_source(source) is source
    assert lab.Speech().text == RECORDED["en"]


@pytest.mark.parametrize(
    "wrong",
    [{"text": " "}, {"text": "a" * 501}, {"text": 5}, {"words_per_minute": 20}, {"voice": "-w x"},
     {"voice": ""}, {"voice": None}, {"words_per_minute": 150.5}],
)  # fmt: skip
def test_what_cannot_be_spoken_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadValue):
        lab.Speech(**{"text": "hello", **wrong})


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="Nothing in it can be decoded"):
        whole_sound(write_video(tmp_path / "mute.mp4", frames=3))


def test_loop_is_yes_or_no() -> None:
    with pytest.raises(BadValue, match="neither True nor False"):
        lab.Speech(loop="no")  # type: ignore[arg-type]
