"""Habit 19: tests mirror the tree file for file; what is exempt stands in pyproject with its reason."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.architecture.conftest import PACKAGE, ROOT, modules, parsed, project, relative

UNIT = ROOT / "tests" / "unit"
FEWEST_WORDS = 2
TEST = re.compile(r"^ *(?:async )?def (test_\w*)\(", re.MULTILINE)
EXEMPT = set(project()["tool"]["llmd"]["tests"]["exempt"])


def has_code(path: Path) -> bool:
    """Whether there is more to it than a docstring and re-exports."""
    idle = ast.Import | ast.ImportFrom | ast.Expr
    return any(not isinstance(node, idle) for node in parsed(path).body)


def test_file(module: Path) -> Path:
    inside = module.relative_to(PACKAGE)
    return UNIT / inside.with_name(f"test_{inside.name}")


test_file.__test__ = False  # type: ignore[attr-defined]  # pytest would take it for a test

NEEDING = [path for path in modules() if path.name != "__init__.py" and has_code(path)]


def test_every_module_has_a_test_file_of_its_own() -> None:
    missing = {relative(path) for path in NEEDING if not test_file(path).exists()}
    assert sorted(missing - EXEMPT) == []


def test_the_exempt_list_only_shrinks() -> None:
    missing = {relative(path) for path in NEEDING if not test_file(path).exists()}
    assert sorted(EXEMPT - missing) == [], "these have a test now, or are gone: take them off"


def test_every_test_file_tests_a_module_that_exists() -> None:
    strays = []
    for path in sorted(UNIT.rglob("test_*.py")):
        inside = path.relative_to(UNIT)
        if not (PACKAGE / inside.with_name(inside.name.removeprefix("test_"))).exists():
            strays.append(relative(path))
    assert strays == []


def test_names_of_tests_are_sentences() -> None:
    found = [
        (relative(path), name)
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for name in TEST.findall(path.read_text(encoding="utf-8"))
        if name != test_file.__name__
    ]
    assert len(found) > len(NEEDING)
    assert [one for one in found if one[1].count("_") < FEWEST_WORDS] == []
