from __future__ import annotations

import pytest

from llmd.protocol.callers import Caller


def test_a_name_tells_callers_apart_where_nothing_better_does() -> None:
    assert Caller(client="address:192.0.2.7").turn("ann") == "user:ann"
    assert Caller(client="address:192.0.2.7").turn(None) == "address:192.0.2.7"
    assert Caller(client="local:7").turn("王五") == "user:王五"


@pytest.mark.parametrize("client", ["key:abc", "account:bob"])
def test_nobody_takes_the_turn_of_another_by_naming_them(client: str) -> None:
    assert Caller(client=client).turn("ann") == client


def test_a_long_name_is_shortened_to_something_of_its_own() -> None:
    first, second = (Caller(client="address:::1").turn("x" * 100_000 + end) for end in "ab")
    assert len(first) < 70
    assert first != second
