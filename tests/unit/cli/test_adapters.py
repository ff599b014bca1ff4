from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.daemon import TINY, FakeDaemon
from tests.unit.cli.conftest import Llmd

POET = {"name": "poet", "path": "/poet.gguf", "scale": 0.5, "default": True}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "poet.gguf"
    path.touch()
    return path


def test_add_sends_an_absolute_path(
    llmd: Llmd, daemon: FakeDaemon, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    result = llmd("adapters", "add", "llmd-tiny", "poet.gguf", "--scale", "0.5", "--default")
    assert result.out == "llmd-tiny has the adapter poet\n"
    assert daemon.body("/control/adapters/add") == {
        "model": "llmd-tiny",
        "path": str(file),
        "name": None,
        "scale": 0.5,
        "default": True,
    }
    named = llmd("adapters", "add", "llmd-tiny", str(file), "--name", "verse", "--json")
    assert named.json["adapters"][0]["name"] == "verse"
    assert llmd("adapters", "add", "llmd-tiny", "missing.gguf").code == 2


def test_ls_shows_those_of_all_models_or_of_one(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models = [{**TINY, "adapters": [POET]}, {**TINY, "name": "other"}]
    lines = llmd("adapters", "ls").out.splitlines()
    assert lines[0].split() == ["MODEL", "ADAPTER", "SCALE", "DEFAULT", "FILE"]
    assert [line.split() for line in lines[1:]] == [
        ["llmd-tiny", "poet", "0.5", "yes", "/poet.gguf"]
    ]
    assert llmd("adapters", "ls", "--json").json == {"adapters": [{"model": "llmd-tiny", **POET}]}
    assert llmd("adapters", "ls", "other", "--json").json == {"adapters": []}
    assert llmd("adapters", "ls", "nope").code == 4


def test_rm_names_both(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("adapters", "rm", "llmd-tiny", "poet").out == "removed poet from llmd-tiny\n"
    assert daemon.body("/control/adapters/remove") == {"model": "llmd-tiny", "name": "poet"}
