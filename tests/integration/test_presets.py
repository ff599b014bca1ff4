"""Presets and the disk, in a real daemon: made, answering, removed, verified, cleared."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from tests.integration.conftest import MakeDaemon, chat

TOML = """
from = "base"
system = "You are a pirate."

[sampling]
temperature = 0
max_tokens = 3

[options]
context_length = 256
keep_alive = "30m"
"""
MODELFILE = """FROM ./own.gguf
PARAMETER temperature 0
PARAMETER num_ctx 512
PARAMETER stop " is"
SYSTEM You answer briefly.
MESSAGE user What is the capital of Spain?
MESSAGE assistant Madrid.
TEMPLATE \"\"\"{{ range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
\"\"\"
"""
QUESTION = "What is the capital of France?"


def test_a_preset_answers_in_its_own_way_and_outlives_its_base(
    make_daemon: MakeDaemon, tmp_path: Path, tiny_model: Path
) -> None:
    daemon = make_daemon()
    own = Path(shutil.copy(tiny_model, tmp_path / "own.gguf"))
    daemon.call("POST", "/control/models/copy", {"source": "llmd-tiny", "target": "base"})
    created = daemon.call("POST", "/control/models/create", {"name": "pirate", "text": TOML})
    assert created["model"]["preset"]["base"] == "base"
    order = {"name": "brief", "text": MODELFILE, "directory": str(tmp_path)}
    assert "model's own" in daemon.call("POST", "/control/models/create", order)["notes"][0]

    ask = {"messages": [{"role": "user", "content": QUESTION}]}
    prompt = daemon.call("POST", "/v1/apply-template", {"model": "pirate", **ask})["prompt"]
    assert prompt.startswith("<|im_start|>system\nYou are a pirate.<|im_end|>\n<|im_start|>user\n")
    prompt = daemon.call("POST", "/v1/apply-template", {"model": "brief", **ask})["prompt"]
    assert "You answer briefly." in prompt
    assert prompt.index("Madrid.") < prompt.index("France")

    answers = [daemon.call("POST", "/v1/chat/completions", {"model": "pirate", **ask})] * 2
    assert answers[0]["choices"][0]["finish_reason"] == "length"
    assert answers[0]["usage"]["completion_tokens"] == 3
    assert answers[0]["choices"] == answers[1]["choices"]
    longer = {"model": "pirate", **ask, "max_tokens": 5}
    assert daemon.call("POST", "/v1/chat/completions", longer)["usage"]["completion_tokens"] == 5
    brief = daemon.call("POST", "/v1/chat/completions", {"model": "brief", **ask})
    assert brief["choices"][0]["message"]["content"].startswith("The capital of France")
    assert " is" not in brief["choices"][0]["message"]["content"]
    loaded = {model["name"]: model for model in daemon.call("GET", "/control/ps")["models"]}
    assert {name: model["context_length"] for name, model in loaded.items()} == {
        "pirate": 256,
        "brief": 512,
    }

    daemon.call("DELETE", "/control/models/base")
    assert daemon.stop() == 0
    daemon.start()
    again = daemon.call("POST", "/v1/chat/completions", {"model": "pirate", **ask})
    assert again["choices"] == answers[0]["choices"]
    own.unlink()
    gone = daemon.call("POST", "/v1/chat/completions", {**chat(QUESTION), "model": "brief"})
    assert "is gone" in gone["error"]["message"]


def test_a_bad_preset_is_refused_with_its_line(make_daemon: MakeDaemon) -> None:
    daemon = make_daemon()
    for text, said in (
        ('from = "llmd-tiny"\n[sampling]\ntemprature = 1', "line 3: there is no key temprature"),
        ("FROM llmd-tiny\nPARAMETER top_k x", "line 2: top_k is a whole number"),
        ("FROM llmd-tiny\nTEMPLATE {{ .Prompt | x }}", "line 2: its TEMPLATE cannot be"),
    ):
        error = daemon.call("POST", "/control/models/create", {"name": "m", "text": text})["error"]
        assert error["code"] == "invalid_request"
        assert said in error["message"]
    assert len(daemon.call("GET", "/control/models")["models"]) == 1


def test_the_disk_is_measured_checked_and_cleared(
    make_daemon: MakeDaemon, tmp_path: Path, tiny_model: Path
) -> None:
    daemon = make_daemon(HF_HOME=str(tmp_path / "hf"), HOME=str(tmp_path))
    own = Path(shutil.copy(tiny_model, tmp_path / "own.gguf"))
    daemon.call("POST", "/control/models/import", {"path": str(own), "name": "own"})
    abandoned = daemon.home / "data" / "models" / "web" / "m.gguf.llmd.incomplete"
    abandoned.parent.mkdir()
    abandoned.write_bytes(b"x" * 50_000)
    os.utime(abandoned, (time.time() - 10**7,) * 2)

    use = daemon.call("GET", "/control/disk")
    assert use["foreign"] == own.stat().st_blocks * 512 + tiny_model.stat().st_blocks * 512
    assert use["total"] == sum(
        use[part] for part in ("owned", "prefixes", "partial", "logs", "records")
    )
    assert use["garbage"] == abandoned.stat().st_blocks * 512
    assert daemon.call("POST", "/control/gc", {"dry": True})["freed"] == use["garbage"]
    assert abandoned.exists()
    assert daemon.call("POST", "/control/gc", {})["freed"] == use["garbage"]
    assert not abandoned.exists()

    *_, end = daemon.call("POST", "/control/verify", {})
    assert end == {"models": 2, "damaged": []}
    with own.open("r+b") as file:
        file.seek(own.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0xFF]))
    health, end = daemon.call("POST", "/control/verify", {"models": ["own"]})[-2:]
    assert health["files"][0]["state"] == "damaged"
    assert end == {"models": 1, "damaged": ["own"]}
