"""Audio codecs: delay against theory, bandwidth, and a lost packet."""

from __future__ import annotations

import numpy as np
import pytest

from labkit.codecs import (
    Sound,
    audio,
    bandwidth_hz,
    code_audio,
    measure_audio,
    read_sound,
    speech_like,
)
from labkit.codecs.audio import AUDIO_CODECS, AudioCodec
from labkit.codecs.audiotable import compare_audio
from labkit.errors import BadValue, MediaError
from labkit.media import Chirp, TestPattern, Tone


def tone(seconds: float = 1.0) -> Sound:
    return read_sound(Tone(440, -10), seconds)


@pytest.mark.parametrize("rate_kbps", [6, 16, 32, 96])
def test_opus_delays_by_a_frame_and_6_5_ms(rate_kbps: float) -> None:
    row = measure_audio("opus", rate_kbps, tone())
    assert row["delay_ms"] == pytest.approx(26.5, abs=0.5)
    assert row["asked_kbps"] == rate_kbps


def test_g711_delays_by_its_frame_and_g722_by_22_samples_more() -> None:
    for name in ("pcmu", "pcma"):
        row = measure_audio(name, None, tone())
        assert row["lookahead_ms"] == pytest.approx(0, abs=1000 / 8000)
        assert row["achieved_kbps"] == 64
    assert measure_audio("g722", None, tone())["lookahead_ms"] == pytest.approx(22 / 16, abs=1 / 16)


def test_the_bandwidth_is_the_codecs() -> None:
    table, missing = compare_audio([("opus", 6), ("opus", 32), ("g722", 64), ("pcmu", 64)])
    narrow, full, wide, telephone = table["bandwidth_hz"]
    assert missing == {}
    assert 3_500 < narrow < 5_000
    assert 18_000 < full < 21_000
    assert 7_000 < wide <= 8_000
    assert 3_400 < telephone <= 4_000


def test_the_end_of_a_spectrum_is_found() -> None:
    rate = 16_000
    noise = np.fft.rfft(np.random.default_rng(1).standard_normal(rate * 2))
    noise[np.fft.rfftfreq(rate * 2, 1 / rate) > 3000] = 0
    cut = np.fft.irfft(noise) * 3000
    sound = Sound(cut.astype(np.int16), rate)
    assert bandwidth_hz(sound) == pytest.approx(3000, abs=150)
    assert np.isnan(bandwidth_hz(Sound(np.zeros(rate, np.int16), rate)))
    with pytest.raises(BadValue, match="cannot be compared"):
        bandwidth_hz(sound, tone())


@pytest.mark.parametrize(
    ("codec", "how"), [("opus", "libopus"), ("g722", "repeat"), ("pcma", "repeat")]
)
def test_a_lost_packet_is_a_hole_or_is_hidden(codec: str, how: str) -> None:
    whole = code_audio(tone(), codec).packets
    hole = code_audio(tone(), codec, lost=[20], conceal=False).packets
    hidden = code_audio(tone(), codec, lost=[20]).packets
    assert hole["lost"].tolist() == [k == 20 for k in range(50)]
    assert hole["level_dbfs"][20] == -np.inf
    assert np.isnan(hole["decode_ms"][20])
    assert hole["concealed"].isna().all()
    assert hidden["concealed"][20] == how
    assert hidden["level_dbfs"][20] == pytest.approx(whole["level_dbfs"][20], abs=3)
    assert hidden["concealed"].notna().sum() == 1


def test_a_first_packet_that_is_lost_cannot_be_hidden() -> None:
    coded = code_audio(tone(), "opus", lost=[0, 1])
    assert coded.packets["level_dbfs"][1] == -np.inf
    assert coded.packets["concealed"].isna().all()
    assert coded.sound.duration_s == 1


def test_opus_keeps_near_its_rate_and_the_length() -> None:
    coded = code_audio(speech_like(2), "opus", 24)
    assert coded.kbps == pytest.approx(24, rel=0.25)
    assert len(coded.sound.samples) == 96_000
    assert coded.sound.level_dbfs == pytest.approx(speech_like(2).level_dbfs, abs=2)


def test_speech_is_the_same_for_the_same_seed() -> None:
    assert np.array_equal(speech_like(0.5).samples, speech_like(0.5).samples)
    assert not np.array_equal(speech_like(0.5).samples, speech_like(0.5, seed=2).samples)
    assert np.abs(speech_like(2).samples).max() < 12_000


def test_resampling_keeps_length_and_tone() -> None:
    for rate in (8_000, 16_000, 44_100):
        sound = tone(0.5).at_rate(rate)
        assert sound.rate == rate
        assert len(sound.samples) == rate // 2
        assert sound.level_dbfs == pytest.approx(-13, abs=0.3)


def test_a_missing_codec_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AUDIO_CODECS, "g729", AudioCodec("g729", "no_g729", "no_g729", 8_000))
    table, missing = compare_audio([("g729", 8), ("pcmu", 64)], tone())
    assert table["codec"].tolist() == ["pcmu"]
    assert "no_g729" in missing["g729"]
    with pytest.raises(MediaError, match="no_g729"):
        code_audio(tone(), "g729", 64)
    assert audio.why_audio_missing(AUDIO_CODECS["opus"]) is None


def test_what_cannot_be_encoded_is_refused() -> None:
    with pytest.raises(BadValue, match="opus, g722, pcmu, pcma"):
        code_audio(tone(), "mp3")
    with pytest.raises(BadValue, match="opus, g722, pcmu, pcma"):
        compare_audio([("mp3", 64)])
    with pytest.raises(BadValue, match="6 to 510"):
        code_audio(tone(), "opus", 5)
    with pytest.raises(BadValue, match="64 to 64"):
        code_audio(tone(), "pcmu", 32)
    with pytest.raises(BadValue, match="20 ms"):
        code_audio(Sound(np.zeros(10, np.int16), 48_000))
    with pytest.raises(BadValue, match=r"0\.1 to 600"):
        read_sound(Chirp(), 0)
    with pytest.raises(BadValue, match="source of audio"):
        read_sound(TestPattern())  # type: ignore[arg-type]
