"""Habit 2: one page tells the life of a request."""

from __future__ import annotations

import re

import pytest

from tests.architecture.conftest import PACKAGE, ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
ENTRIES = sorted(
    path.name
    for path in PACKAGE.iterdir()
    if (path.is_dir() and path.name != "__pycache__")
    or (path.suffix == ".py" and not path.name.startswith("__"))
)


@pytest.mark.parametrize("name", ENTRIES)
def test_every_top_level_package_and_module_is_on_the_map(name: str) -> None:
    assert re.search(rf"^\| `llmd/{re.escape(name)}` \|", README, re.MULTILINE)


def test_the_map_names_nothing_that_is_gone() -> None:
    for name in re.findall(r"^\| `llmd/([^`]+)` \|", README, re.MULTILINE):
        assert (PACKAGE / name).exists(), name


def test_files_that_the_text_mentions_exist() -> None:
    for name in re.findall(r"`((?:packaging|tests|completions)/[\w./-]+)`", README):
        assert (ROOT / name).exists(), name


def test_both_commands_stand_first() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    assert blocks[0].startswith("pip install . && llmd run ")
    assert blocks[1].strip() == "pip install '.[dev]' && pytest -n 3 --dist loadfile"


def test_the_top_level_of_the_repository_is_the_one_agreed_on() -> None:
    allowed = {
        "llmd",
        "tests",
        "completions",
        "packaging",
        "pyproject.toml",
        "README.md",
        "LICENSE",
    }
    built = {"build", "dist", "llmd.egg-info"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}
    assert found - built <= allowed
