from __future__ import annotations

from pathlib import Path

import pytest

from llmd.models.adoption import hub_cache
from llmd.protocol.adoption import Tool
from tests.fakes import tool_stores
from tests.fakes.gguf import write


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write(tmp_path / "m.gguf")


def test_models_are_named_and_sourced_as_pulls_have_it(tmp_path: Path, model: Path) -> None:
    link = tool_stores.hub_cache(tmp_path / "hub", "acme/tiny-GGUF", model, "sub/tiny-Q8_0.gguf")
    (find,), trouble = hub_cache.finds(tmp_path / "hub", Tool.HUGGING_FACE)
    assert (find.name, find.source) == (
        "acme/tiny-GGUF:Q8_0",
        "hf://acme/tiny-GGUF/sub/tiny-Q8_0.gguf",
    )
    assert find.path == link
    assert find.digests == {str(link): tool_stores.sha256(model.read_bytes())}
    assert trouble == ""


def test_the_main_revision_counts_and_older_ones_add_what_it_lacks(
    tmp_path: Path, model: Path
) -> None:
    root = tmp_path / "hub"
    tool_stores.hub_cache(root, "acme/m", model, "a-Q8_0.gguf", "old")
    tool_stores.hub_cache(root, "acme/m", model, "b-Q4_0.gguf", "old")
    tool_stores.hub_cache(root, "acme/m", model, "a-Q8_0.gguf", "new")
    finds, _ = hub_cache.finds(root, Tool.HUGGING_FACE)
    assert [(find.name, find.path.parent.name) for find in finds] == [
        ("acme/m:Q8_0", "new"),
        ("acme/m:Q4_0", "old"),
    ]


def test_other_folders_and_half_repositories_are_passed_over(tmp_path: Path, model: Path) -> None:
    root = tmp_path / "hub"
    (root / "datasets--a--b/snapshots/x").mkdir(parents=True)
    (root / "models--a--empty").mkdir()
    (root / "models--a--$(rm)/snapshots/x").mkdir(parents=True)
    (root / "version.txt").touch()
    tool_stores.hub_cache(root, "gpt2", model, "x.gguf")
    finds, _ = hub_cache.finds(root, Tool.LLAMA_CPP)
    assert [(find.tool, find.name) for find in finds] == [(Tool.LLAMA_CPP, "gpt2:x.gguf")]


def test_a_download_that_never_ended_is_a_link_to_nothing(tmp_path: Path, model: Path) -> None:
    link = tool_stores.hub_cache(tmp_path / "hub", "acme/m", model, "a-Q8_0.gguf")
    Path(link.parent / link.readlink()).unlink()
    (find,), _ = hub_cache.finds(tmp_path / "hub", Tool.HUGGING_FACE)
    assert not find.path.exists()


def test_a_directory_that_cannot_be_listed_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hub_cache.finds(tmp_path / "absent", Tool.HUGGING_FACE)
