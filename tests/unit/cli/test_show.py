from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from llmd.models.gguf.reading import read_model
from llmd.server.dialects.control.convert import model_card
from llmd.services.descriptions import Card, file_card
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd


@pytest.fixture
def card(daemon: FakeDaemon, tiny_model: Path) -> dict[str, Any]:
    found = model_card(Card(file=file_card(read_model(tiny_model))))
    daemon.cards["m"] = found
    return found


@pytest.mark.usefixtures("card")
def test_a_model_is_described_in_sections(llmd: Llmd) -> None:
    out = llmd("show", "m").out
    assert "architecture  qwen2\n" in out
    assert "\nSHAPE\n" in out
    assert "256, feed-forward 768" in out
    assert "general.name" not in out
    # a path stays in one piece, so that it can be copied
    lines = [line for line in out.splitlines() if not line.startswith(("path ", "source "))]
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_json_is_what_the_daemon_says(llmd: Llmd, card: dict[str, Any]) -> None:
    assert llmd("show", "m", "--json").json == card


@pytest.mark.usefixtures("daemon")
def test_metadata_is_told_when_asked_for(llmd: Llmd) -> None:
    assert "tokenizer.chat_template  a\\nb\n" in llmd("show", "llmd-tiny", "--metadata").out


@pytest.mark.usefixtures("card")
def test_layers_are_a_table(llmd: Llmd) -> None:
    lines = llmd("show", "m", "--layers").out.splitlines()
    assert lines[0].split()[:3] == ["LAYER", "KIND", "HEADS"]
    assert len(lines) == 5
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_a_template_is_printed_as_it_is(llmd: Llmd, card: dict[str, Any]) -> None:
    card["templates"]["tool_use"] = "{{ tools }}"
    assert llmd("show", "m", "--template").out == card["templates"]["default"] + "\n"
    assert llmd("show", "m", "--template-name", "tool_use").out == "{{ tools }}\n"
    missing = llmd("show", "m", "--template-name", "rag")
    assert missing.code == 1
    assert "It has: default, tool_use." in missing.err
    card["preset"] = {"template": "{{ own }}"}
    assert llmd("show", "m", "--template").out == "{{ own }}\n"


@pytest.mark.usefixtures("daemon")
def test_a_model_without_its_file_has_neither_layers_nor_template(llmd: Llmd) -> None:
    assert llmd("show", "llmd-tiny", "--layers").code == 1
    assert "no chat template" in llmd("show", "llmd-tiny", "--template").err
    assert "chat" in llmd("show", "llmd-tiny").out


def test_an_entry_of_the_catalogue_tells_how_to_fetch_it(llmd: Llmd, daemon: FakeDaemon) -> None:
    entry = {"alias": "qwen", "source": "owner/repo", "license": "MIT"}
    daemon.cards["qwen:q8_0"] = {"state": "catalogue", "entry": entry, "quantization": "Q8_0"}
    shown = llmd("show", "qwen:q8_0")
    assert "license       MIT\n" in shown.out
    assert shown.err == "It is not on this machine; to fetch it: llmd pull qwen:Q8_0\n"


def test_paths_are_made_absolute_and_names_are_not(
    llmd: Llmd, daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.gguf").touch()
    for given, meant in (
        ("m.gguf", tmp_path / "m.gguf"),
        ("./x", tmp_path / "x"),
        ("file:///a/b.gguf", "/a/b.gguf"),
        ("other.gguf", "other.gguf"),
        ("owner/repo:Q4_K_M", "owner/repo:Q4_K_M"),
        ("llmd-tiny", "llmd-tiny"),
    ):
        llmd("show", given)
        assert daemon.body("/control/inspect") == {"model": str(meant)}


@pytest.mark.usefixtures("daemon")
def test_a_model_that_is_nowhere_has_an_exit_code_of_its_own(llmd: Llmd) -> None:
    assert llmd("show", "nothing").code == 4


def test_long_values_go_on_below_their_beginning_on_a_terminal(
    llmd: Llmd, daemon: FakeDaemon, card: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    card["preset"] = {"system": "word " * 40 + "\n" + "中文" * 60}
    assert f"system  {'word ' * 40}\n        {'中文' * 60}\n" in llmd("show", "m").out
    del daemon
    monkeypatch.setattr(sys.stdout.__class__, "isatty", lambda _: True)
    monkeypatch.setenv("COLUMNS", "60")
    lines = llmd("show", "m").out.splitlines()
    wrapped = [line for line in lines if "word" in line or "中" in line]
    assert len(wrapped) > 6
    assert max(cell_len(line) for line in wrapped) <= 60
