"""Habit 17: full typing, no holes."""

from __future__ import annotations

import re

from tests.architecture.conftest import PACKAGE, modules, relative

PER_THOUSAND_LINES = 2
IGNORE = re.compile(r"#\s*type:\s*ignore(?P<code>\[[\w, -]+\])?(?P<reason>.*)")
NOQA = re.compile(r"#\s*noqa(?P<code>: [A-Z0-9, ]+)?(?P<reason>.*)")


def comments(pattern: re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    return [
        (f"{relative(path)}:{number}", match)
        for path in modules()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (match := pattern.search(line))
    ]


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_holes_in_typing_are_few() -> None:
    total = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in modules())
    assert len(comments(IGNORE)) <= PER_THOUSAND_LINES * total / 1000


def test_every_hole_in_typing_has_a_code_and_a_reason() -> None:
    assert [
        where
        for where, found in comments(IGNORE)
        if not found["code"] or not found["reason"].strip()
    ] == []


def test_every_exception_from_a_lint_rule_names_the_rule_and_its_reason() -> None:
    assert [
        where for where, found in comments(NOQA) if not found["code"] or not found["reason"].strip()
    ] == []
