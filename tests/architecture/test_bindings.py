"""llama.cpp's C structs move with every release: all that llmd uses of it has a test to pass."""

from __future__ import annotations

import ast
import re

from tests.architecture.conftest import PACKAGE, ROOT, parsed

BINDINGS = PACKAGE / "engine" / "bindings"
TESTS = ROOT / "tests" / "unit" / "engine" / "bindings"
NAMES = {"lib", "llama_cpp", "libggml", "mtmd"}


def used() -> dict[str, set[str]]:
    """Names taken from llama.cpp, each with the functions and classes of ours that use it."""
    found: dict[str, set[str]] = {}

    def visit(node: ast.AST, inside: tuple[str, ...]) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inside = (*inside, node.name)
        elif isinstance(node, ast.Assign) and not inside:
            inside = (ast.unparse(node.targets[0]),)
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id in NAMES
        ):
            found.setdefault(node.attr, set()).update(inside)
        for child in ast.iter_child_nodes(node):
            visit(child, inside)

    for path in BINDINGS.glob("*.py"):
        visit(parsed(path), ())
    return found


def by_hand(users: set[str]) -> set[str]:
    """Return the public ones of these; a class stands for its private methods."""
    public = {name for name in users if not name.startswith("_")}
    methods = {name for name in public if name.islower()}
    return methods or public


def test_the_bindings_are_found_by_this_test() -> None:
    assert "decode" in used()["llama_decode"]


def test_every_binding_in_use_is_reached_by_a_test() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in TESTS.glob("*.py"))
    unreached = [
        name
        for name, users in used().items()
        if not re.search(rf"\b{name}\b", text)
        and not any(re.search(rf"\b{user}\b", text, re.IGNORECASE) for user in by_hand(users))
    ]
    assert sorted(unreached) == []
