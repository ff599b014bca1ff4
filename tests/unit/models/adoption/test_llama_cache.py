from __future__ import annotations

import json
from pathlib import Path

import pytest

from llmd.models.adoption import llama_cache
from tests.fakes import tool_stores
from tests.fakes.gguf import write


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(tmp_path / "m.gguf")


def test_manifests_tell_where_a_file_came_from(tmp_path: Path, model: Path) -> None:
    root = tmp_path / "cache"
    path = tool_stores.llama_cache(root, "acme/tiny-GGUF", "Q8_0", model, "tiny-Q8_0.gguf")
    (find,), _ = llama_cache.finds(root)
    assert (find.name, find.path) == ("acme/tiny-GGUF:Q8_0", path)
    assert find.source == "llama.cpp://acme_tiny-GGUF_tiny-Q8_0.gguf"
    assert find.projector is None


def test_a_projector_comes_along(tmp_path: Path, model: Path) -> None:
    root = tmp_path / "cache"
    tool_stores.llama_cache(root, "acme/eye", "Q8_0", model, "eye-Q8_0.gguf")
    mmproj = tool_stores.place(model, root / "acme_eye_mmproj-F16.gguf")
    described = {
        "ggufFile": {"rfilename": "eye-Q8_0.gguf"},
        "mmprojFile": {"rfilename": "mmproj-F16.gguf"},
    }
    (root / "manifest=acme=eye=Q8_0.json").write_text(json.dumps(described))
    (find,), _ = llama_cache.finds(root)
    assert find.projector == str(mmproj)


def test_older_versions_left_the_address_beside_the_file(tmp_path: Path, model: Path) -> None:
    path = tool_stores.place(model, tmp_path / "cache" / "tiny.gguf")
    url = "https://huggingface.co/acme/tiny-GGUF/resolve/main/tiny-Q8_0.gguf"
    path.with_name("tiny.gguf.json").write_text(json.dumps({"url": url, "etag": "x"}))
    (find,), _ = llama_cache.finds(path.parent)
    assert find.name == "acme/tiny-GGUF:tiny-Q8_0"


@pytest.mark.parametrize("text", ["{", "[]", '{"ggufFile": 3}', '{"ggufFile": {"rfilename": 5}}'])
def test_damaged_manifests_cost_the_name_alone(tmp_path: Path, model: Path, text: str) -> None:
    root = tmp_path / "cache"
    path = tool_stores.place(model, root / "acme_tiny_x-Q8_0.gguf")
    (root / "manifest=acme=tiny=Q8_0.json").write_text(text)
    (root / "manifest=odd.json").write_text("{}")
    (root / "acme_tiny_x-Q8_0.gguf.json").write_text('{"url": 3}')
    (find,), _ = llama_cache.finds(root)
    assert (find.name, find.source) == ("acme_tiny_x-Q8_0", f"file://{path}")


def test_todays_layout_is_read_too(tmp_path: Path, model: Path) -> None:
    tool_stores.hub_cache(tmp_path / "cache", "acme/tiny", model, "tiny-Q8_0.gguf")
    (find,), _ = llama_cache.finds(tmp_path / "cache")
    assert find.name == "acme/tiny:Q8_0"
