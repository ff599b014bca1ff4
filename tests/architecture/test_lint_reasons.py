"""Habit 20: lint as institutional memory; every exception in pyproject says why."""

from __future__ import annotations

import re

from tests.architecture.conftest import ROOT, project

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_all_rules_are_on() -> None:
    assert "ALL" in project()["tool"]["ruff"]["lint"]["select"]


def test_every_ignored_rule_has_its_reason_beside_it() -> None:
    section = PYPROJECT.partition("[tool.ruff.lint]")[2].partition("[tool.ruff.lint.flake8")[0]
    codes = re.findall(r'^\s+"[A-Z]+[0-9]*",.*$', section, re.MULTILINE)
    assert codes
    assert [line for line in codes if not re.search(r"# \S", line)] == []


def test_every_dependency_has_its_reason_beside_it() -> None:
    section = re.search(r"^dependencies = \[\n(.*?)^\]", PYPROJECT, re.MULTILINE | re.DOTALL)
    assert section
    assert [line for line in section[1].splitlines() if "#" not in line] == []


def test_llama_cpp_python_is_pinned_exactly() -> None:
    pins = [
        name for name in project()["project"]["dependencies"] if name.startswith("llama-cpp-python")
    ]
    assert [re.fullmatch(r"llama-cpp-python==[\d.]+", pin) is not None for pin in pins] == [True]


def test_warnings_are_errors_and_markers_are_known() -> None:
    options = project()["tool"]["pytest"]["ini_options"]
    assert "error" in options["filterwarnings"]
    assert options["xfail_strict"]
    assert {"--strict-markers", "--strict-config"} <= set(options["addopts"].split())


def test_the_changelog_has_a_place_for_the_next_change() -> None:
    changelog = (ROOT / "packaging" / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog
    assert f"## [{project()['project']['version']}]" in changelog
