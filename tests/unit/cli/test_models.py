from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from llmd.cli.models import card_path
from tests.fakes.daemon import TINY, FakeDaemon
from tests.unit.cli.conftest import Llmd


def test_ls_lists_models_and_marks_the_default(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "owner/repo:Q4_K_M", "source": "hf://owner/repo/f.gguf"})
    lines = llmd("ls").out.splitlines()
    assert lines[0].split() == [
        "NAME",
        "KIND",
        "PARAMETERS",
        "QUANTIZATION",
        "SIZE",
        "CONTEXT",
        "ADDED",
    ]
    assert lines[1].split()[:4] == ["llmd-tiny", "chat", "4.2M", "Q8_0"]
    assert lines[1].rstrip().endswith("built in")
    assert lines[2].startswith("owner/repo:Q4_K_M *")


def test_ls_as_json_is_what_the_daemon_says(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("ls", "--json").json == {"models": daemon.models, "default": "llmd-tiny"}


@pytest.mark.usefixtures("daemon")
def test_show_describes_a_model(llmd: Llmd) -> None:
    out = llmd("show", "llmd-tiny").out
    assert "architecture   qwen2\n" in out
    assert "general.name" not in out
    assert "tokenizer.chat_template  a\\nb\n" in llmd("show", "llmd-tiny", "--metadata").out
    assert llmd("show", "llmd-tiny", "--json").json["metadata"]["general.name"] == "tiny"


def test_rm_takes_several_names(llmd: Llmd, daemon: FakeDaemon) -> None:
    daemon.models.append({**TINY, "name": "a/b:c"})
    assert (
        llmd("rm", "llmd-tiny", "a/b:c").out
        == "removed llmd-tiny, 4.6 MB freed\nremoved a/b:c, 4.6 MB freed\n"
    )
    assert daemon.asked[-1][:2] == ("DELETE", "/control/models/a%2Fb%3Ac")
    lines = llmd("rm", "--json", "llmd-tiny").out.splitlines()
    assert msgspec.json.decode(lines[0])["freed"] == 4_600_000


def test_rm_stops_at_a_name_that_is_not_there(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("rm", "nope", "llmd-tiny").code == 4
    assert len(daemon.asked) == 1


def test_cp_gives_a_second_name(llmd: Llmd, daemon: FakeDaemon) -> None:
    assert llmd("cp", "llmd-tiny", "small").out == "small is another name of llmd-tiny\n"
    assert daemon.body("/control/models/copy") == {"source": "llmd-tiny", "target": "small"}


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


def test_names_with_slashes_are_one_part_of_a_path() -> None:
    assert card_path("a/b:c?") == "/control/models/a%2Fb%3Ac%3F"
