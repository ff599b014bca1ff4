"""Models from elsewhere, with real daemons: pulled from an Ollama registry and a ModelScope on loopback, adopted from what four tools left in a home."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import gguf
import pytest

from tests.fakes import tool_stores
from tests.fakes.copies import copy_gguf
from tests.fakes.registries import ModelScope, OllamaRegistry, serving
from tests.fakes.tool_stores import OllamaDirectory
from tests.integration.conftest import Daemon, MakeDaemon, chat

QUESTION = "What is the capital of France?"


@pytest.fixture
def user(tmp_path: Path) -> Path:
    """A home in which tools may have left models."""
    home = tmp_path / "user"
    home.mkdir()
    return home


def names(daemon: Daemon) -> set[str]:
    return {model["name"] for model in daemon.call("GET", "/control/models")["models"]}


def answer(daemon: Daemon, model: str) -> str:
    body = daemon.call("POST", "/v1/chat/completions", chat(QUESTION, model=model))
    content: str = body["choices"][0]["message"]["content"]
    return content


def remove(daemon: Daemon, name: str) -> dict[str, Any]:
    removed: dict[str, Any] = daemon.call("DELETE", f"/control/models/{name.replace('/', '%2F')}")
    return removed


async def test_models_of_the_ollama_registry_and_of_modelscope_are_pulled_and_answer(
    make_daemon: MakeDaemon, user: Path, tiny_model: Path
) -> None:
    weights = tiny_model.read_bytes()
    registry = OllamaRegistry()
    registry.add(
        "library/poet:4m", {"model": weights, "system": b"Be brief.", "params": b'{"top_k": 7}'}
    )
    scope = ModelScope(repos={"acme/tiny-GGUF": {"tiny-Q8_0.gguf": weights}})
    async with serving(registry), serving(scope):
        daemon = await asyncio.to_thread(
            make_daemon,
            HOME=str(user),
            OLLAMA_REGISTRY=registry.url,
            MODELSCOPE_ENDPOINT=scope.url,
            NO_PROXY="127.0.0.1,localhost",
        )

        async def pull(name: str) -> dict[str, Any]:
            lines = await asyncio.to_thread(
                daemon.call, "POST", "/control/pull", {"name": name, "now": True}
            )
            manifest: dict[str, Any] = lines[-1]["model"]
            return manifest

        poet = await pull("ollama://poet:4m")
        assert (poet["name"], poet["source"], poet["owned"]) == (
            "poet:4m",
            "ollama://poet:4m",
            True,
        )
        assert poet["preset"] == {"system": "Be brief.", "sampling": {"top_k": 7}}
        assert "Paris" in await asyncio.to_thread(answer, daemon, "poet:4m")
        tiny = await pull("modelscope://acme/tiny-GGUF")
        assert tiny["source"] == "modelscope://acme/tiny-GGUF/tiny-Q8_0.gguf"
        for model in (poet, tiny):
            removed = await asyncio.to_thread(remove, daemon, model["name"])
            assert removed["freed"] >= len(weights)
            assert not Path(model["path"]).exists()


def leave_models(user: Path, tiny_model: Path, scratch: Path) -> list[Path]:
    """Put one model of its own into the directories of each of four tools; return the files."""
    copies = []
    for number, name in enumerate(("ollama", "lm-studio", "llama.cpp", "hub")):
        text = (f"{name} {number}", gguf.GGUFValueType.STRING)
        copies.append(
            copy_gguf(scratch / f"{name}.gguf", tiny_model, {"general.description": text})
        )
    directory = OllamaDirectory(user / ".ollama" / "models")
    content = copies[0].read_bytes()
    directory.add("tiny:4m", {"model": content, "params": b'{"temperature": 0}'})
    return [
        directory.blob(content),
        tool_stores.place(copies[1], user / ".lmstudio/models/acme/tiny-GGUF/tiny-Q8_0.gguf"),
        tool_stores.llama_cache(
            user / ".cache/llama.cpp", "acme/other-GGUF", "Q8_0", copies[2], "other-Q8_0.gguf"
        ),
        tool_stores.hub_cache(
            user / ".cache/huggingface/hub", "acme/hub-GGUF", copies[3], "hub-Q8_0.gguf"
        ),
    ]


def test_what_four_tools_have_is_adopted_and_left_to_them(
    make_daemon: MakeDaemon, user: Path, tmp_path: Path, tiny_model: Path
) -> None:
    files = leave_models(user, tiny_model, tmp_path)
    before = [(path.stat().st_ino, path.stat().st_mtime_ns) for path in files]
    daemon = make_daemon(HOME=str(user))
    hidden = ("HF_", "XDG_", "OLLAMA_", "LLAMA_")
    environment = {
        name: value for name, value in daemon.environment.items() if not name.startswith(hidden)
    }
    command = [sys.executable, "-m", "llmd", "import", "--scan", "--yes", "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    adopted = {model["name"]: model for model in json.loads(done.stdout)["registered"]}
    assert {name: model["path"] for name, model in adopted.items()} == dict(
        zip(
            ("tiny:4m", "acme/tiny-GGUF:Q8_0", "acme/other-GGUF:Q8_0", "acme/hub-GGUF:Q8_0"),
            map(str, files),
            strict=True,
        )
    )
    assert not any(model["owned"] for model in adopted.values())
    assert "Paris" in answer(daemon, "tiny:4m")
    assert "Paris" in answer(daemon, "acme/hub-GGUF")
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert json.loads(again.stdout)["registered"] == []
    for name in adopted:
        assert remove(daemon, name)["freed"] == 0
    assert names(daemon) == {"llmd-tiny"}
    assert [(path.stat().st_ino, path.stat().st_mtime_ns) for path in files] == before
