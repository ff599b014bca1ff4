from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmd.config.values import Duration, Size, concealed, decode, encode


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5m", 300),
        ("30s", 30),
        ("1h", 3600),
        ("2d", 172_800),
        ("250ms", 0.25),
        ("1.5h", 5400),
        ("90", 90),
        (" 10 s ", 10),
        ("-1", -1),
        ("forever", -1),
        (300, 300),
        (0.5, 0.5),
        (-1, -1),
    ],
)
def test_durations_are_read(text: object, seconds: float) -> None:
    assert Duration.parse(text) == seconds


@pytest.mark.parametrize(
    "wrong",
    ["", "5 minutes", "m", "-5s", "1h30m", True, None, [], "1e3s", float("nan"), float("inf")],
)
def test_what_is_no_duration_is_refused_with_what_is_allowed(wrong: object) -> None:
    with pytest.raises(ValueError, match='a duration such as "30s"'):
        Duration.parse(wrong)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64MiB", 64 * 2**20),
        ("4GB", 4 * 10**9),
        ("1.5KiB", 1536),
        ("12", 12),
        ("7 b", 7),
        (4096, 4096),
        ("2tib", 2**41),
    ],
)
def test_sizes_are_read(text: object, size: int) -> None:
    assert Size.parse(text) == size


@pytest.mark.parametrize("wrong", ["", "MB", "-1", "1 XB", -1, True, 1.5, None])
def test_what_is_no_size_is_refused_with_what_is_allowed(wrong: object) -> None:
    with pytest.raises(ValueError, match='a size such as "512MiB"'):
        Size.parse(wrong)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Duration(300), "5m"),
        (Duration(86400), "1d"),
        (Duration(90), "90s"),
        (Duration(0), "0s"),
        (Duration(0.25), "0.25s"),
        (Duration(-1), "-1"),
        (Size(64 * 2**20), "64MiB"),
        (Size(1000), "1000"),
        (Size(0), "0"),
    ],
)
def test_values_are_written_in_the_unit_that_fits(value: Duration | Size, text: str) -> None:
    assert str(value) == text


@given(st.integers(min_value=0, max_value=10**15))
def test_a_written_size_reads_back_the_same(size: int) -> None:
    assert Size.parse(str(Size(size))) == size


@given(st.integers(min_value=0, max_value=10**6))
def test_a_written_duration_reads_back_the_same(seconds: int) -> None:
    assert Duration.parse(str(Duration(seconds))) == seconds


@given(st.floats(min_value=0.001, max_value=10**7))
def test_a_written_fraction_of_a_second_reads_back_to_the_millisecond(seconds: float) -> None:
    assert Duration.parse(str(Duration(seconds))) == pytest.approx(seconds, abs=0.001)


def test_a_negative_duration_is_without_limit() -> None:
    assert not Duration(-1).limited
    assert Duration(0).limited


def test_msgspec_reads_and_writes_both() -> None:
    assert msgspec.convert("5m", Duration, dec_hook=decode) == Duration(300)
    assert msgspec.to_builtins({"a": Size(1024), "b": Duration(60)}, enc_hook=encode) == {
        "a": "1KiB",
        "b": "1m",
    }


def test_other_types_are_left_to_msgspec() -> None:
    with pytest.raises(NotImplementedError):
        decode(complex, 1)
    with pytest.raises(NotImplementedError):
        encode(1j)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("postgresql://me:secret@db/llmd", "postgresql://me:***@db/llmd"),
        ("postgresql://me:se@c/r:et@db:5432/llmd", "postgresql://me:***@db:5432/llmd"),
        (
            "postgresql://db/llmd?user=me&password=secret&ssl=require",
            "postgresql://db/llmd?user=me&password=***&ssl=require",
        ),
        ("http://127.0.0.1:4318/v1", "http://127.0.0.1:4318/v1"),
        ("sqlite:////a/b@c.db", "sqlite:////a/b@c.db"),
        ("", ""),
        (7, 7),
    ],
)
def test_passwords_of_urls_are_not_shown(value: object, shown: object) -> None:
    assert concealed(value) == shown
