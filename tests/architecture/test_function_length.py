"""Habit 5: small functions."""

from __future__ import annotations

from statistics import mean

from tests.architecture.conftest import functions, length, modules, relative

HARD_CAP = 50
MEAN = 12


def lengths() -> dict[str, int]:
    return {
        f"{relative(path)}:{node.lineno} {node.name}": length(node)
        for path in modules()
        for node in functions(path)
    }


def test_no_function_is_longer_than_the_cap() -> None:
    assert {name: count for name, count in lengths().items() if count > HARD_CAP} == {}


def test_functions_are_short_on_the_whole() -> None:
    assert mean(lengths().values()) <= MEAN
