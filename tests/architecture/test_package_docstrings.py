"""Habit 1: the docstring of a package is the map."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.conftest import PACKAGE, modules, packages, parsed, relative

SHORTEST, LONGEST = 3, 12


@pytest.mark.parametrize("package", packages(), ids=relative)
def test_a_package_says_in_a_few_lines_what_it_owns(package: Path) -> None:
    docstring = ast.get_docstring(parsed(package / "__init__.py")) or ""
    assert SHORTEST <= len(docstring.splitlines()) <= LONGEST


@pytest.mark.parametrize("package", [path for path in packages() if path != PACKAGE], ids=relative)
def test_a_package_holds_no_code_but_re_exports(package: Path) -> None:
    _, *rest = parsed(package / "__init__.py").body
    for node in rest:
        names = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        assert names or isinstance(node, ast.Import | ast.ImportFrom), ast.unparse(node)


@pytest.mark.parametrize("module", modules(), ids=relative)
def test_a_module_states_its_decision(module: Path) -> None:
    assert ast.get_docstring(parsed(module))
