"""Habit 4: small files."""

from __future__ import annotations

from statistics import quantiles

from tests.architecture.conftest import modules, relative

HARD_CAP = 400
NINE_IN_TEN = 300


def lines() -> dict[str, int]:
    return {
        relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()
    }


def test_no_file_is_longer_than_the_cap() -> None:
    assert {name: count for name, count in lines().items() if count > HARD_CAP} == {}


def test_nine_files_in_ten_are_short() -> None:
    assert quantiles(lines().values(), n=10)[-1] <= NINE_IN_TEN
