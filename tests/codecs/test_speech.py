"""A spoken sentence, from espeak-ng or from a program that only looks like it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from labkit.codecs import has_voice, speech, spoken
from labkit.errors import BadValue, MediaError, MissingPart, WaitTimeout

SPEAK = """\
import sys, wave
text = sys.stdin.read()
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


def write(path: Path, code: str) -> None:
    path.write_text(f"#!{sys.executable}\n{code}")
    path.chmod(0o755)


@pytest.mark.usefixtures("fake")
def test_a_sentence_becomes_sound_at_48_khz() -> None:
    assert has_voice()
    sound = spoken("one two three")
    assert sound.rate == 48_000
    assert sound.duration_s == pytest.approx(0.3, abs=0.001)
    assert sound.level_dbfs == pytest.approx(-18, abs=1)


def test_its_refusal_is_told(fake: Path) -> None:
    write(fake, "import sys; sys.exit('no such voice')")
    with pytest.raises(MediaError, match="no such voice"):
        spoken("hello", voice="none")


def test_it_may_not_take_for_ever(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(fake, "import time; time.sleep(60)")
    monkeypatch.setattr(speech, "TIMEOUT_S", 0.1)
    with pytest.raises(WaitTimeout, match=r"0\.1 s"):
        spoken("hello")


def test_without_it_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not has_voice()
    with pytest.raises(MissingPart, match="speech_like"):
        spoken("hello")


@pytest.mark.parametrize(("text", "speed"), [(" ", 150), ("a" * 501, 150), ("hello", 20)])
def test_what_cannot_be_spoken_is_refused(text: str, speed: int) -> None:
    with pytest.raises(BadValue, match="cannot be spoken"):
        spoken(text, words_per_minute=speed)
