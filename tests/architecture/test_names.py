"""Habit 3: textbook nouns as file names."""

from __future__ import annotations

import re

from tests.architecture.conftest import PACKAGE, relative

BANNED = re.compile(
    r"utils?|helpers?|common|misc|shared|base_.*|.*_base|(.*_)?managers?|stuff|lib|core"
)


def test_no_file_or_folder_hides_what_it_is_for() -> None:
    named = [path for path in PACKAGE.rglob("*") if path.suffix == ".py" or path.is_dir()]
    assert [relative(path) for path in named if BANNED.fullmatch(path.stem)] == []


def test_migrations_are_numbered() -> None:
    named = [path.stem for path in (PACKAGE / "storage" / "migrations" / "versions").glob("*.py")]
    assert len(named) > 1
    assert [name for name in named if not re.fullmatch(r"__init__|\d{4}_[a-z_]+", name)] == []


def test_module_names_are_plain_words() -> None:
    # migrations run in the order of their names, and so begin with a number
    named = [path.stem for path in PACKAGE.rglob("*.py") if path.parent.name != "versions"]
    assert [
        name for name in named if not re.fullmatch(r"__\w+__|[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
    ] == []
