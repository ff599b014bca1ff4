"""Habit 14: a dialect is always the same four files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.conftest import PACKAGE, relative

PARTS = {"__init__", "routes", "schema", "convert", "errors"}
FOLDERS = [path.parent for path in sorted((PACKAGE / "server" / "dialects").glob("*/__init__.py"))]


@pytest.mark.parametrize("dialect", FOLDERS, ids=relative)
def test_a_dialect_has_its_four_files_and_no_other(dialect: Path) -> None:
    # a part that outgrew one file is a package of the same name
    assert {path.stem for path in dialect.iterdir() if path.name != "__pycache__"} == PARTS


def test_there_are_dialects_at_all() -> None:
    assert "openai" in {path.name for path in FOLDERS}
