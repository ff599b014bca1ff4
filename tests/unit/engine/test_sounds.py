"""Sounds from strangers."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from llmd.engine.sounds import read_sound, wave_file
from llmd.errors import InvalidRequest
from tests.fakes.media_files import sound

WHERE = "messages[0].content[0]"


def decoded(wave: bytes) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(wave), dtype="float32")


def file_of(samples: np.ndarray, rate: int, form: str = "WAV", **options: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=form, **options)
    return file.getvalue()


def refusal(data: bytes, longest: float = 10) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        read_sound(data, WHERE, longest)
    assert caught.value.param == WHERE
    return caught.value


@pytest.mark.parametrize(("form", "tolerance"), [("WAV", 1e-4), ("FLAC", 1e-4), ("MP3", 0.1)])
def test_every_format_gives_the_tone_that_went_in(form: str, tolerance: float) -> None:
    samples, rate = decoded(read_sound(sound(1, rate=16_000, form=form), WHERE, 10))
    assert rate == 16_000
    expected, _ = decoded(sound(1, rate=16_000))
    np.testing.assert_allclose(samples[2000:14000], expected[2000:14000], atol=tolerance)


def test_channels_are_mixed() -> None:
    stereo = np.stack([np.full(800, 0.5), np.full(800, -0.1)], axis=1)
    samples, _ = decoded(read_sound(file_of(stereo, 8000), WHERE, 10))
    np.testing.assert_allclose(samples, 0.2, atol=1e-3)


def test_samples_that_are_no_numbers_become_silence_and_loud_ones_are_cut() -> None:
    wild = np.array([np.nan, np.inf, -np.inf, 5.0, 0.25] * 20, np.float32)
    samples, _ = decoded(read_sound(wave_file(wild, 8000), WHERE, 10))
    assert samples[:5].tolist() == [0, 1, -1, 1, 0.25]


def test_a_wave_file_is_read_back_as_it_was_written() -> None:
    samples = np.linspace(-1, 1, 999, dtype=np.float32)
    found, rate = decoded(wave_file(samples, 12_345))
    assert rate == 12_345
    assert (found == samples).all()


def test_the_length_is_limited_to_the_sample() -> None:
    assert read_sound(sound(1), WHERE, 1)
    error = refusal(sound(1.001), 1)
    assert "longer than 1 s" in error.message
    assert "media.max_audio" in error.hint


def test_hours_of_packed_silence_are_given_up_after_the_limit() -> None:
    silence = file_of(np.zeros(3600 * 8000, np.int16), 8000, "FLAC")
    assert len(silence) < 200_000
    assert "longer than" in refusal(silence, 600).message


@pytest.mark.parametrize(
    ("samples", "rate"), [(np.zeros(80), 100), (np.zeros(80), 192_000), (np.zeros((80, 9)), 8000)]
)
def test_rates_and_channels_nobody_uses_are_refused(samples: np.ndarray, rate: int) -> None:
    assert f"{rate} Hz" in refusal(file_of(samples, rate)).message


def test_other_formats_are_refused_by_name() -> None:
    assert "OGG" in refusal(file_of(np.zeros(8000), 8000, "OGG")).message
    assert "AIFF" in refusal(file_of(np.zeros(8000), 8000, "AIFF")).message


@pytest.mark.parametrize(
    "data",
    [b"", b"hello", b"RIFF0000WAVE", b"fLaC", b"ID3", b"\xff\xfb", sound(1)[:40], bytes(1000)],
)
def test_what_is_no_sound_is_refused(data: bytes) -> None:
    assert refusal(data)


def test_no_samples_are_no_sound() -> None:
    assert "empty" in refusal(wave_file(np.zeros(0, np.float32), 8000)).message


SEEDS = [sound(0.05, form=form) for form in ("WAV", "FLAC", "MP3")]


@settings(max_examples=150)
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=12),
    st.integers(0, 200),
)
def test_damage_gives_a_sound_or_a_refusal(
    seed: bytes, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(seed)
    for place, value in changes:
        data[place % len(data)] = value
    try:
        samples, _ = decoded(read_sound(bytes(data[: len(data) - cut]), WHERE, 10))
    except InvalidRequest:
        return
    assert np.isfinite(samples).all()
