"""`llmd create`: what is sent, and what is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import InvalidRequest
from tests.fakes.daemon import FakeDaemon
from tests.unit.cli.conftest import Llmd

PATH = "/control/models/create"


def test_flags_become_the_keys_of_a_preset(llmd: Llmd, daemon: FakeDaemon, tmp_path: Path) -> None:
    (tmp_path / "chat.jinja").write_text("x")
    result = llmd(
        *("create", "pirate", "--from", "llmd-tiny", "--system", "Arr", "--ctx", "512"),
        *("--temperature", "0", "--stop", "a", "--stop", "b", "--max-tokens", "9"),
        *("--keep-alive", "30m", "--kv-type", "q8_0", "--draft", "small"),
        *("--template", str(tmp_path / "chat.jinja")),
        *("--adapter", str(tmp_path / "l.gguf") + "=0.5", "--adapter", "/a=b.gguf"),
    )
    assert result.out == "created pirate from llmd-tiny\n"
    assert daemon.body(PATH) == {
        "name": "pirate",
        "changes": {
            "from": "llmd-tiny",
            "system": "Arr",
            "template_file": str(tmp_path / "chat.jinja"),
            "draft": "small",
            "sampling": {"temperature": 0.0, "stop": ["a", "b"], "max_tokens": 9},
            "options": {"context_length": 512, "kv_type": "q8_0", "keep_alive": "30m"},
            "adapters": [
                {"path": str(tmp_path / "l.gguf"), "scale": 0.5},
                {"path": "/a=b.gguf"},
            ],
        },
    }


@pytest.mark.parametrize(
    "data",
    [
        "FROM llama3 # ünï".encode(),
        "\ufeffFROM llama3 # ünï".encode(),
        "\ufeffFROM llama3 # ünï".encode("utf-16-le"),
        "\ufeffFROM llama3 # ünï".encode("utf-16-be"),
    ],
)
def test_a_file_is_sent_as_text_with_its_folder(
    llmd: Llmd, daemon: FakeDaemon, tmp_path: Path, data: bytes
) -> None:
    (tmp_path / "Modelfile").write_bytes(data)
    daemon.notes = ["line 3: num_thread is left out."]
    result = llmd("create", "mine", "-f", str(tmp_path / "Modelfile"))
    assert daemon.body(PATH) == {
        "name": "mine",
        "changes": {},
        "text": "FROM llama3 # ünï",
        "directory": str(tmp_path),
    }
    assert result.err == "line 3: num_thread is left out.\n"


def test_a_path_means_the_same_from_anywhere(
    llmd: Llmd, daemon: FakeDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    llmd("create", "m", "--from", "x.gguf")
    assert daemon.body(PATH)["changes"]["from"] == str(tmp_path / "x.gguf")
    llmd("create", "m", "--from", "owner/repo:x.gguf")
    assert daemon.body(PATH)["changes"]["from"] == "owner/repo:x.gguf"


def test_what_the_daemon_refuses_is_said(llmd: Llmd, daemon: FakeDaemon, tmp_path: Path) -> None:
    daemon.failures[PATH] = InvalidRequest("line 2: there is no key temprature.")
    result = llmd("create", "m", "--from", "x")
    assert result.code == 1
    assert "line 2" in result.err
    assert llmd("create", "m", "-f", str(tmp_path / "absent")).code == 1
    (tmp_path / "latin").write_bytes(b"FROM x # \xe4")
    assert "UTF-8" in llmd("create", "m", "-f", str(tmp_path / "latin")).err


@pytest.mark.usefixtures("daemon")
def test_json_has_the_whole_answer(llmd: Llmd) -> None:
    assert llmd("create", "m", "--from", "x", "--json").json["model"]["name"] == "m"
