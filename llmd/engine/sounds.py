"""Sound files to one channel of samples, with limits: they come from strangers.

libsndfile rather than llama.cpp's miniaudio: it is read block by block, so that a small file that
unpacks to days of silence is given up in time. What comes out is a plain WAVE file, which libmtmd
then resamples as it would any other.
"""

from __future__ import annotations

import io
import struct

import numpy as np
import soundfile

from llmd.engine.bindings import Floats
from llmd.errors import InvalidRequest

FORMATS = ("WAV", "WAVEX", "MP3", "MPEG", "FLAC")

_RATES = (4_000, 96_000)
_MOST_CHANNELS = 8
_BLOCK = 1 << 16
_FLOAT_SAMPLES = 3


def read_sound(data: bytes, where: str, longest: float) -> bytes:
    """Decode a file of at most `longest` seconds and return it as a mono WAVE file of float32
    samples; raise InvalidRequest that names `where`.
    """
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            _check(file, where)
            samples = _samples(file, where, longest)
            return wave_file(samples, file.samplerate)
    except (soundfile.SoundFileError, ValueError, OSError, TypeError, MemoryError) as error:
        raise InvalidRequest(
            f"The sound in {where} cannot be decoded: {error}.",
            hint="Send a whole WAV, MP3 or FLAC file.",
            param=where,
        ) from error


def wave_file(samples: Floats, rate: int) -> bytes:
    """Return a mono WAVE file of float32 samples; `rate` is per second."""
    body = samples.astype("<f4").tobytes()
    described = struct.pack("<HHIIHH", _FLOAT_SAMPLES, 1, rate, 4 * rate, 4, 32)
    return b"".join(
        (
            b"RIFF",
            struct.pack("<I", 4 + 8 + len(described) + 8 + len(body)),
            b"WAVEfmt ",
            struct.pack("<I", len(described)),
            described,
            b"data",
            struct.pack("<I", len(body)),
            body,
        )
    )


def _check(file: soundfile.SoundFile, where: str) -> None:
    low, high = _RATES
    if (
        file.format not in FORMATS
        or not low <= file.samplerate <= high
        or file.channels > _MOST_CHANNELS
    ):
        raise InvalidRequest(
            f"The sound in {where} is {file.format} with {file.channels} channels at "
            f"{file.samplerate} Hz.",
            hint=f"WAV, MP3 and FLAC with up to {_MOST_CHANNELS} channels at {low} to {high} Hz "
            "can be heard.",
            param=where,
        )


def _samples(file: soundfile.SoundFile, where: str, longest: float) -> Floats:
    """Mix and join the blocks; stop as soon as there are too many."""
    left = int(longest * file.samplerate)
    blocks = []
    while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
        left -= len(block)
        if left < 0:
            raise InvalidRequest(
                f"The sound in {where} is longer than {longest:.0f} s.",
                hint="Send less at a time, or raise media.max_audio.",
                param=where,
            )
        blocks.append(block.mean(axis=1, dtype=np.float32))
    if not blocks:
        raise InvalidRequest(f"The sound in {where} is empty.", param=where)
    mixed: Floats = np.clip(np.nan_to_num(np.concatenate(blocks)), -1, 1)
    return mixed
