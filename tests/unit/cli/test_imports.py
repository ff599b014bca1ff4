"""`llmd import` against a fake daemon: what is sent, shown and asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmd.cli import imports
from llmd.cli.imports import picked
from tests.fakes.daemon import TINY, FakeDaemon
from tests.unit.cli.conftest import Llmd

SCAN, ADOPT, IMPORT = (f"/control/models/{what}" for what in ("scan", "adopt", "import"))


def finding(name: str, standing: str = "new", **fields: object) -> dict[str, Any]:
    return {
        "tool": "ollama",
        "path": f"/blobs/{name}",
        "standing": standing,
        "name": name,
        "of": "",
        "reason": "",
        "size": 4_600_000,
        "parts": 1,
        "kind": "chat",
        "architecture": "llama",
        "parameters": 4_200_000,
        "quantization": "Q8_0",
        "vision": False,
        "audio": False,
        "preset": False,
        **fields,
    }


@pytest.fixture
def survey(daemon: FakeDaemon) -> dict[str, Any]:
    """What the fake daemon has found."""
    found = {
        "findings": [
            finding("qwen2:0.5b"),
            finding("eye:1", tool="lm-studio", vision=True),
            finding("old:1", "registered", of="mine"),
            finding("qwen2:latest", "duplicate", of="qwen2:0.5b"),
            finding("cut:1", "refused", kind="", quantization="", reason="It is truncated."),
        ],
        "places": [
            {"tool": "ollama", "directory": "/o", "found": 4, "trouble": ""},
            {"tool": "lm-studio", "directory": "/l", "found": 1, "trouble": "Permission denied"},
        ],
    }
    daemon.answers[SCAN] = found
    daemon.answers[ADOPT] = [
        {"status": "copying", "file": "f.gguf", "done": 1, "total": 2},
        {"model": {**TINY, "name": "qwen2:0.5b"}},
        {"status": "done"},
    ]
    return found


def adopted(daemon: FakeDaemon) -> list[str]:
    names: list[str] = daemon.body(ADOPT)["names"]
    return names


def test_import_sends_an_absolute_path(
    llmd: Llmd, daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.gguf").touch()
    monkeypatch.chdir(tmp_path)
    assert llmd("import", "m.gguf", "--name", "mine").out == "imported mine (qwen2, Q8_0)\n"
    assert daemon.body("/control/models/import") == {
        "path": str(tmp_path / "m.gguf"),
        "name": "mine",
        "projector": None,
    }
    llmd("import", "m.gguf", "--mmproj", "p.gguf")
    assert daemon.body("/control/models/import")["projector"] == str(tmp_path / "p.gguf")
    llmd("import", "m.gguf", "--mmproj", "none")
    assert daemon.body("/control/models/import")["projector"] == "none"
    assert llmd("import", "m.gguf", "--json").json["name"] == "imported"
    assert llmd("import", "missing.gguf").code == 2


def test_a_link_and_a_copy_are_asked_for(llmd: Llmd, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "m.gguf").touch()
    daemon.answers[IMPORT] = [{"status": "copying", "done": 1, "total": 2}, {"model": TINY}]
    for keep in ("link", "copy"):
        made = llmd("import", str(tmp_path / "m.gguf"), f"--{keep}")
        assert made.out == "imported llmd-tiny (qwen2, Q8_0)\n"
        assert daemon.body(IMPORT)["keep"] == keep
    assert llmd("import", str(tmp_path / "m.gguf"), "--link", "--copy").code == 2


def test_a_folder_is_for_scanning(llmd: Llmd, daemon: FakeDaemon, tmp_path: Path) -> None:
    assert "--from" in llmd("import", str(tmp_path)).err
    assert daemon.asked == []


def test_a_scan_shows_everything_and_registers_nothing_by_itself(
    llmd: Llmd, daemon: FakeDaemon, survey: dict[str, Any]
) -> None:
    result = llmd("import", "--scan")
    lines = result.out.splitlines()
    assert lines[0].split() == ["NAME", "TOOL", "SIZE", "KIND", "STANDING"]
    assert lines[1].split() == ["1", "qwen2:0.5b", "ollama", "4.6", "MB", "chat", "new"]
    assert "chat+vision" in lines[2]
    assert lines[3].rstrip().endswith("here as mine")
    assert lines[4].rstrip().endswith("same as qwen2:0.5b")
    assert "cut:1: It is truncated." in result.err
    assert "/l was not seen whole: Permission denied." in result.err
    assert "run it again with --yes" in result.err
    assert [path for _, path, _ in daemon.asked] == [SCAN]
    assert result.code == 0


def test_yes_registers_all_that_is_new(
    llmd: Llmd, daemon: FakeDaemon, survey: dict[str, Any]
) -> None:
    result = llmd("import", "--scan", "--yes", "--link")
    assert "imported qwen2:0.5b (qwen2, Q8_0)" in result.out
    assert "copying f.gguf (2 B)" in result.err
    assert adopted(daemon) == ["qwen2:0.5b", "eye:1"]
    assert daemon.body(ADOPT)["keep"] == "link"
    assert daemon.body(ADOPT)["places"] == daemon.body(SCAN)["places"]


def test_one_that_fails_does_not_stop_the_others_but_counts(
    llmd: Llmd, daemon: FakeDaemon, survey: dict[str, Any]
) -> None:
    daemon.answers[ADOPT] = [
        {"failed": {"name": "qwen2:0.5b", "reason": "It cannot be linked."}},
        {"model": {**TINY, "name": "eye:1"}},
        {"status": "done"},
    ]
    result = llmd("import", "--scan", "--yes")
    assert "qwen2:0.5b: It cannot be linked." in result.err
    assert "imported eye:1" in result.out
    assert result.code == 1


def test_json_is_the_survey_and_what_became_of_it(
    llmd: Llmd, daemon: FakeDaemon, survey: dict[str, Any]
) -> None:
    assert llmd("import", "--scan", "--json").json == survey
    result = llmd("import", "--scan", "--json", "--yes").json
    assert result["findings"] == survey["findings"]
    assert [model["name"] for model in result["registered"]] == ["qwen2:0.5b"]
    assert result["failed"] == []


def test_folders_take_the_place_of_the_tools(
    llmd: Llmd, daemon: FakeDaemon, survey: dict[str, Any], tmp_path: Path
) -> None:
    llmd("import", "--from", str(tmp_path), "--from", "relative")
    assert daemon.body(SCAN)["places"] == [
        {"tool": "folder", "directory": str(tmp_path)},
        {"tool": "folder", "directory": str(Path("relative").absolute())},
    ]


def test_this_users_places_are_sent(
    llmd: Llmd, daemon: FakeDaemon, survey: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", "/mine")
    llmd("import", "--scan")
    assert {"tool": "ollama", "directory": "/mine"} in daemon.body(SCAN)["places"]


def test_nothing_found_says_where_it_looked(llmd: Llmd, daemon: FakeDaemon) -> None:
    place = {"tool": "ollama", "directory": "/o", "found": 0, "trouble": ""}
    daemon.answers[SCAN] = {"findings": [], "places": [place]}
    assert llmd("import", "--scan").err == "No models found (looked for: ollama).\n"


@pytest.mark.parametrize(
    "words", [["--scan", "--name", "x"], ["--scan", "--mmproj", "none"], [], ["--link"]]
)
def test_what_makes_no_sense_together_is_refused(
    llmd: Llmd, daemon: FakeDaemon, words: list[str]
) -> None:
    assert llmd("import", *words).code == 2
    assert daemon.asked == []


def test_in_a_terminal_it_asks_until_it_understands(
    llmd: Llmd,
    daemon: FakeDaemon,
    survey: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers = iter(["seven", "9", "2"])
    monkeypatch.setattr(imports, "_can_ask", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    result = llmd("import", "--scan")
    assert result.err.count("Write numbers from 1 to 2") == 2
    assert adopted(daemon) == ["eye:1"]


@pytest.mark.parametrize(
    ("words", "places"),
    [
        ("all", [0, 1, 2, 3]),
        ("y", [0, 1, 2, 3]),
        ("none", []),
        ("", []),
        ("1 3", [0, 2]),
        ("2-4,1", [0, 1, 2, 3]),
        ("3, 3", [2]),
    ],
)
def test_places_are_picked(words: str, places: list[int]) -> None:
    assert picked(words, 4) == places


@pytest.mark.parametrize("words", ["5", "0", "3-1", "x", "1-", "-1", "1 - 2", "²"])
def test_words_that_pick_nothing_are_refused(words: str) -> None:
    with pytest.raises(ValueError):
        picked(words, 4)
