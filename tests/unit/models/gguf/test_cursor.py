from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.errors import CorruptFile
from llmd.models.gguf import cursor
from llmd.models.gguf.cursor import STRIDE, U32, U64, Cursor, ShortRead
from tests.fakes.gguf import text


def over(data: bytes, missing: int = 0) -> Cursor:
    return Cursor(data, len(data) + missing)


def test_numbers_and_texts_come_in_order() -> None:
    found = over(struct.pack("<IQ", 7, 9) + text("größe") + struct.pack("<3I", 1, 2, 3))
    assert found.scalar(U32) == 7
    assert found.scalar(U64) == 9
    assert found.text() == "größe"
    assert found.numbers(U32, 3) == [1, 2, 3]


def test_the_end_of_the_file_is_damage_and_that_of_the_bytes_is_not() -> None:
    with pytest.raises(CorruptFile, match="at byte 0"):
        over(b"abc").take(4)
    with pytest.raises(ShortRead):
        over(b"abc", missing=1).take(4)
    with pytest.raises(ShortRead):
        over(text("a") * 9, missing=9).skip_texts(10)


def test_a_text_may_not_claim_more_than_its_limit() -> None:
    with pytest.raises(CorruptFile, match="claims 5 bytes"):
        over(text("12345")).text(4)


def test_texts_are_counted_over_all_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "_MOST_TEXTS", 5)
    found = over(text("a") * 6)
    found.skip_texts(3)
    with pytest.raises(CorruptFile, match="arrays of 6 texts"):
        found.skip_texts(3)


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(0, 9))
def test_skipping_ends_where_reading_does(texts: list[bytes], before: int) -> None:
    data = bytes(before) + b"".join(text(item) for item in texts)
    found = over(data)
    found.take(before)
    assert found.skip_texts(len(texts)) == ((before,) if texts else ())
    assert found.position == len(data)


def test_places_on_the_way_are_noted() -> None:
    texts = [text(f"word {number}") for number in range(2 * STRIDE + 5)]
    marks = over(b"".join(texts)).skip_texts(len(texts))
    assert marks == tuple(sum(map(len, texts[: part * STRIDE])) for part in range(3))


@given(st.binary(max_size=120), st.integers(0, 30))
def test_skipping_any_bytes_ends_inside_the_file_or_as_damage(data: bytes, count: int) -> None:
    found = over(data)
    try:
        found.skip_texts(count)
    except CorruptFile:
        return
    assert found.position <= len(data)


def test_a_length_that_overflows_is_damage() -> None:
    for length in (2**64 - 1, 2**64 - 8, 2**63, 2**62):
        with pytest.raises(CorruptFile, match="ends in the middle"):
            over(struct.pack("<Q", length) + bytes(64)).skip_texts(2)
