from __future__ import annotations

import subprocess
import sys

import pytest

from llmd.cli.options import fetchable_models, installed_models
from llmd.config.paths import Paths
from tests.fakes.daemon import TINY, FakeDaemon


def test_names_of_models_are_completed_from_the_daemon(daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "qwen3-4b"})
    assert installed_models("q") == ["qwen3-4b"]
    assert installed_models("") == ["llmd-tiny", "qwen3-4b"]


@pytest.mark.usefixtures("paths")
def test_without_a_daemon_nothing_is_completed_and_none_is_started(
    monkeypatch: pytest.MonkeyPatch, paths: Paths
) -> None:
    monkeypatch.delenv("LLMD_NO_AUTOSTART")
    assert installed_models("") == []
    assert not paths.socket.exists()


def test_names_to_pull_are_completed_without_a_daemon(paths: Paths) -> None:
    assert fetchable_models("qwen3-4") == ["qwen3-4b", "qwen3-4b-2507"]
    assert fetchable_models("QWEN3-4b:q5") == ["qwen3-4b:Q5_0", "qwen3-4b:Q5_K_M"]
    assert fetchable_models("nothing") == []
    paths.config_dir.mkdir(exist_ok=True)
    paths.catalog_file.write_text("[[model]]\nalias = 'nothing-else'\nsource = 'a/b'\n")
    assert fetchable_models("nothing") == ["nothing-else"]
    assert not paths.socket.exists()


def test_a_shell_gets_its_completions(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMP_WORDS", "llmd show ll")
    monkeypatch.setenv("COMP_CWORD", "2")
    monkeypatch.setenv("_LLMD_COMPLETE", "complete_bash")
    result = subprocess.run(
        [sys.executable, "-m", "llmd"], capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == [daemon.models[0]["name"]]
