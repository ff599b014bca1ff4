from __future__ import annotations

import json
from pathlib import Path

from llmd.models.adoption.places import known_places
from llmd.protocol.adoption import Tool


def directories(environ: dict[str, str], home: Path) -> dict[Tool, list[str]]:
    found: dict[Tool, list[str]] = {}
    for place in known_places(environ, home):
        found.setdefault(place.tool, []).append(place.directory)
    return found


def test_each_tool_is_looked_for_where_it_is_by_default(tmp_path: Path) -> None:
    found = directories({}, tmp_path)
    assert found == {
        Tool.OLLAMA: [f"{tmp_path}/.ollama/models", "/usr/share/ollama/.ollama/models"],
        Tool.HUGGING_FACE: [f"{tmp_path}/.cache/huggingface/hub"],
        Tool.LM_STUDIO: [f"{tmp_path}/.lmstudio/models", f"{tmp_path}/.cache/lm-studio/models"],
        Tool.LLAMA_CPP: [f"{tmp_path}/.cache/llama.cpp", f"{tmp_path}/Library/Caches/llama.cpp"],
        Tool.MODELSCOPE: [f"{tmp_path}/.cache/modelscope/hub", f"{tmp_path}/.modelscope/hub"],
    }


def test_the_environment_comes_first(tmp_path: Path) -> None:
    environ = {
        "OLLAMA_MODELS": "/o",
        "HF_HUB_CACHE": "/h/cache",
        "HF_HOME": "/h",
        "XDG_CACHE_HOME": "/x",
        "LLAMA_CACHE": "/l",
        "MODELSCOPE_CACHE": "/m",
    }
    found = directories(environ, tmp_path)
    assert found[Tool.OLLAMA][0] == "/o"
    assert found[Tool.HUGGING_FACE][:3] == ["/h/cache", "/h/hub", "/x/huggingface/hub"]
    assert found[Tool.LLAMA_CPP][:2] == ["/l", "/x/llama.cpp"]
    assert found[Tool.MODELSCOPE][0] == "/m"


def test_a_directory_belongs_to_one_tool_and_a_relative_one_to_none(tmp_path: Path) -> None:
    shared = str(tmp_path / "models")
    environ = {"OLLAMA_MODELS": "models", "HF_HUB_CACHE": shared, "LLAMA_CACHE": shared}
    found = directories(environ, tmp_path)
    assert found[Tool.HUGGING_FACE][0] == shared
    assert shared not in found[Tool.LLAMA_CPP]
    assert "models" not in found[Tool.OLLAMA]


def test_lm_studio_may_have_moved(tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{moved}\n")
    (moved / "settings.json").write_text(json.dumps({"downloadsFolder": "/big/disk"}))
    assert directories({}, tmp_path)[Tool.LM_STUDIO][:2] == ["/big/disk", f"{moved}/models"]
    (moved / "settings.json").write_text("{damaged")
    assert directories({}, tmp_path)[Tool.LM_STUDIO][0] == f"{moved}/models"
