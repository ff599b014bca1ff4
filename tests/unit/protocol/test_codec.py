from __future__ import annotations

import struct
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.errors import InvalidRequest
from llmd.protocol import codec
from llmd.protocol.codec import FrameTooLong, from_worker, pack, to_worker
from llmd.protocol.frames import Cancel, Generate, Loading, Log
from llmd.protocol.requests import ChatPrompt, GenerateRequest
from tests.unit.protocol.conftest import FROM_WORKER, TO_WORKER


@pytest.mark.parametrize("frame", TO_WORKER, ids=lambda frame: type(frame).__name__)
def test_frames_to_the_worker_come_back_equal(frame: Any) -> None:
    assert list(to_worker().feed(pack(frame))) == [frame]


@pytest.mark.parametrize("frame", FROM_WORKER, ids=lambda frame: type(frame).__name__)
def test_frames_from_the_worker_come_back_equal(frame: Any) -> None:
    assert list(from_worker().feed(pack(frame))) == [frame]


@given(st.lists(st.integers(min_value=1, max_value=40)))
def test_frames_survive_any_cut_of_the_stream(cuts: list[int]) -> None:
    stream = b"".join(pack(frame) for frame in FROM_WORKER)
    unpacker, received, start = from_worker(), [], 0
    for cut in [*cuts, len(stream)]:
        received += list(unpacker.feed(stream[start : start + cut]))
        start += cut
    assert received == FROM_WORKER


def test_nothing_comes_before_the_last_byte() -> None:
    data = pack(Log("info", "text"))
    unpacker = from_worker()
    assert [list(unpacker.feed(data[i : i + 1])) for i in range(len(data) - 1)] == [[]] * (
        len(data) - 1
    )
    assert list(unpacker.feed(data[-1:])) == [Log("info", "text")]


def test_a_frame_that_is_out_of_step_is_noticed_before_it_is_read() -> None:
    with pytest.raises(FrameTooLong):
        list(to_worker().feed(struct.pack("<I", codec.MAX_FRAME + 1)))


def test_the_length_comes_first_in_little_endian() -> None:
    data = pack(Cancel(1))
    assert struct.unpack("<I", data[:4])[0] == len(data) - 4


def test_an_end_does_not_read_the_frames_of_the_other() -> None:
    with pytest.raises(msgspec.ValidationError):
        list(to_worker().feed(pack(Loading(0.5))))


def test_what_was_read_before_a_fault_is_not_lost() -> None:
    unpacker = to_worker()
    received = []
    with pytest.raises(msgspec.ValidationError):
        received.extend(unpacker.feed(pack(Cancel(1)) + pack(Loading(0.5))))
    assert received == [Cancel(1)]


def test_numbers_of_more_than_64_bits_are_the_callers_fault() -> None:
    prompt = ChatPrompt([{"role": "user", "content": "hi"}], [{"maximum": 2**64}])
    with pytest.raises(InvalidRequest, match="64 bits"):
        pack(Generate(1, GenerateRequest(prompt=prompt)))
