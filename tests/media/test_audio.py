"""Tone, chirps, silence; and chirps found again, to the sample."""

from __future__ import annotations

import pickle
from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import labkit as lab
from labkit.errors import BadValue
from labkit.media import Chirp, Silence, TestPattern, Tone, check_audio_source, find_chirps
from labkit.media.audio import AudioSource
from labkit.media.chirps import chirp


def played(source: AudioSource, seconds: float) -> np.ndarray:
    with source.open_audio() as reader:
        return np.concatenate([reader.block(k) for k in range(round(seconds * 50))])


@pytest.mark.parametrize("frequency_hz", [440, 997.5, 12_000])
def test_a_tone_is_one_line_at_its_level(frequency_hz: float) -> None:
    samples = played(Tone(frequency_hz, level_dbfs=-6), 2) / 32768
    spectrum = abs(np.fft.rfft(samples))
    assert spectrum.argmax() / 2 == frequency_hz
    assert 20 * np.log10(np.sqrt(2 * (samples**2).mean())) == pytest.approx(-6, abs=0.01)
    assert spectrum.max() > 500 * np.delete(spectrum, spectrum.argmax()).max()


def test_silence_is_silent() -> None:
    samples = played(Silence(), 1)
    assert samples.shape == (48_000,) and samples.dtype == np.int16 and not samples.any()


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: Tone(19), "frequency_hz"),
        (lambda: Tone(20_001), "frequency_hz"),
        (lambda: Tone(float("nan")), "frequency_hz"),
        (lambda: Tone("a"), "frequency_hz"),  # type: ignore[arg-type]
        (lambda: Tone(level_dbfs=1), "level_dbfs"),
        (lambda: Chirp(level_dbfs=-61), "level_dbfs"),
    ],
)
def test_bad_values_are_refused_with_their_range(make, name: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadValue, match=name) as caught:
        make()
    assert "from" in caught.value.next_step


@pytest.mark.parametrize("source", [Tone(), Chirp(), Silence()])
def test_sources_describe_themselves_and_travel(source: AudioSource) -> None:
    assert pickle.loads(pickle.dumps(source)) == source
    assert source.describe()
    assert check_audio_source(source) is source
    assert getattr(lab, type(source).__name__) is type(source)


@pytest.mark.parametrize("wrong", ["clip.wav", None, TestPattern(), lab.Tone])
def test_what_is_no_source_of_audio_is_refused(wrong: object) -> None:
    with pytest.raises(BadValue, match="no source of audio"):
        check_audio_source(wrong)


def test_every_second_has_its_chirp_exact_to_the_sample() -> None:
    found = find_chirps(played(Chirp(), 9), 48_000)
    assert [(chirp.time_s, chirp.number) for chirp in found] == [(n, n % 4) for n in range(9)]
    assert all(chirp.strength > 0.999 for chirp in found)


@given(
    st.sampled_from([8000, 16_000, 44_100, 48_000]),
    st.integers(0, 3),
    st.integers(0, 20_000),
    st.floats(-50, 0),
)
@settings(max_examples=60, deadline=None)
def test_a_clean_chirp_is_found_where_it_is(
    rate: int, number: int, at: int, level_dbfs: float
) -> None:
    sound = chirp(number, rate) * 10 ** (level_dbfs / 20)
    samples = np.concatenate([np.zeros(at), sound, np.zeros(3000)])
    (found,) = find_chirps(samples, rate)
    assert (round(found.time_s * rate), found.number) == (at, number)


@pytest.mark.parametrize("seed", range(5))
def test_chirps_are_found_in_noise_and_not_in_noise_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = played(Chirp(), 4) / 32768
    noise = rng.normal(0, 0.05, len(samples))
    found = find_chirps(samples + noise, 48_000)
    assert [chirp.number for chirp in found] == [0, 1, 2, 3]
    assert [chirp.time_s for chirp in found] == pytest.approx([0, 1, 2, 3], abs=1 / 8000)
    assert find_chirps(noise, 48_000) == []


@pytest.mark.parametrize("source", [Tone(), Tone(1000, level_dbfs=-3), Silence()])
def test_no_chirp_is_heard_in_other_sounds(source: AudioSource) -> None:
    assert find_chirps(played(source, 3), 48_000) == []


def test_a_chirp_that_is_cut_off_is_left_out() -> None:
    samples = played(Chirp(), 3)[4800 : 2 * 48_000 + 4800]
    found = find_chirps(samples, 48_000)
    assert [(chirp.time_s, chirp.number) for chirp in found] == [(pytest.approx(0.9), 1)]
    assert find_chirps(samples[:100], 48_000) == []


def test_the_wrong_shape_or_rate_is_refused() -> None:
    for samples, rate in ((np.zeros((2, 9600)), 48_000), (np.zeros(9600), 4000)):
        with pytest.raises(BadValue, match="Chirps"):
            find_chirps(samples, rate)


CODECS = [("libopus", 48_000, 96_000), ("pcm_mulaw", 8000, 64_000), ("g722", 16_000, 64_000)]


@pytest.mark.parametrize(("codec", "rate", "bit_rate"), CODECS)
def test_numbers_survive_the_codecs_of_webrtc(codec: str, rate: int, bit_rate: int) -> None:
    heard, rate = coded(played(Chirp(), 6), codec, rate, bit_rate)
    found = find_chirps(heard, rate)
    assert [chirp.number for chirp in found[-4:]] == [2, 3, 0, 1]
    delays = [chirp.time_s % 1 for chirp in found[1:]]
    assert max(delays) < 0.03 and np.ptp(delays) <= 2 / rate


def coded(samples: np.ndarray, codec: str, rate: int, bit_rate: int) -> tuple[np.ndarray, int]:
    """What comes out of an encoder and its decoder, and at which rate."""
    encoder = av.CodecContext.create(codec, "w")
    encoder.sample_rate, encoder.layout, encoder.format = rate, "mono", "s16"
    encoder.bit_rate = bit_rate
    encoder.open()
    decoder = av.CodecContext.create(codec, "r")
    decoder.sample_rate, decoder.layout = rate, "mono"
    resampler = av.AudioResampler("s16", "mono", rate, frame_size=rate // 50)
    mono = av.AudioResampler("s16", "mono")
    heard = []
    frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
    frame.sample_rate, frame.pts, frame.time_base = 48_000, 0, Fraction(1, 48_000)
    for part in [*resampler.resample(frame), *resampler.resample(None), None]:
        for packet in encoder.encode(part):
            for decoded in decoder.decode(packet):
                heard += [piece.to_ndarray().ravel() for piece in mono.resample(decoded)]
    return np.concatenate(heard), decoder.sample_rate
