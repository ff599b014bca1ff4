"""Habit 12: one shallow tree of errors, drawn in a docstring, each with a code of its own and one sentence."""

from __future__ import annotations

import ast
from collections import Counter

import pytest

from llmd import errors
from llmd.errors import LlmdError
from tests.architecture.conftest import modules, parsed, relative

DEEPEST = 3


def tree(root: type[LlmdError] = LlmdError, depth: int = 0) -> list[tuple[type[LlmdError], int]]:
    below = [found for child in root.__subclasses__() for found in tree(child, depth + 1)]
    return [(root, depth), *below]


# other modules may have been imported by now; what they add is found by its own test
TREE = [(kind, depth) for kind, depth in tree() if kind.__module__ == errors.__name__]
CLASSES = [kind for kind, _ in TREE]


def test_codes_are_unique_and_written_alike() -> None:
    codes = Counter(kind.code for kind in CLASSES)
    assert [code for code, count in codes.items() if count > 1] == []
    assert all(code.replace("_", "").isalnum() and code == code.lower() for code in codes)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_class_has_a_code_of_its_own_and_one_sentence(kind: type[LlmdError]) -> None:
    assert "code" in vars(kind)
    docstring = kind.__doc__ or ""
    assert docstring.endswith(".")
    assert "\n" not in docstring.strip()


def test_the_tree_is_shallow() -> None:
    assert max(depth for _, depth in TREE) <= DEEPEST


def test_the_tree_is_drawn_whole_and_true() -> None:
    drawn = {}
    for line in (errors.__doc__ or "").splitlines():
        words = line.replace("│", " ").replace("├──", " ").replace("└──", " ").split()
        if line.startswith(("├", "│", "└")):
            drawn[words[0]] = int(words[1])
    assert drawn == {kind.__name__: kind.status for kind in CLASSES if kind is not LlmdError}


def test_all_of_them_live_in_one_file() -> None:
    names = {kind.__name__ for kind in CLASSES}
    elsewhere = [
        f"{relative(path)}:{node.lineno} {node.name}"
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ClassDef) and names & {ast.unparse(base) for base in node.bases}
    ]
    assert [where for where in elsewhere if not where.startswith("llmd/errors.py:")] == []


def test_no_bare_except_swallows_everything() -> None:
    bare = [
        f"{relative(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ExceptHandler) and node.type is None
    ]
    assert bare == []
