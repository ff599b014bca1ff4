from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import UnsupportedFormat
from llmd.models import safetensors


@pytest.mark.parametrize(
    "name", ["model-00001-of-00002.safetensors", "Model.SAFETENSORS", "pytorch_model.bin", "m.pth"]
)
def test_other_formats_are_told_how_to_become_gguf(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match="does not load") as caught:
        safetensors.check_path(tmp_path / name)
    assert "convert_hf_to_gguf.py" in caught.value.hint
    assert str(tmp_path) in caught.value.hint


def test_a_folder_of_them_is_known(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    safetensors.check_path(tmp_path)
    (tmp_path / "model.safetensors").write_text("")
    with pytest.raises(UnsupportedFormat, match="does not load"):
        safetensors.check_path(tmp_path)
    (tmp_path / "model-f16.gguf").write_text("")
    with pytest.raises(UnsupportedFormat, match="is a folder") as caught:
        safetensors.check_path(tmp_path)
    assert "model-f16.gguf" in caught.value.hint


def test_a_gguf_file_passes_and_so_does_what_is_not_there(tmp_path: Path) -> None:
    safetensors.check_path(tmp_path / "model.gguf")
    safetensors.check_path(tmp_path / "none")


def test_a_repository_without_gguf_is_known_by_its_files() -> None:
    safetensors.check_repository("o/r", ["README.md", "model.onnx"])
    with pytest.raises(UnsupportedFormat, match="o/r has its weights as safetensors") as caught:
        safetensors.check_repository("o/r", ["README.md", "model.safetensors"])
    assert "ends in -GGUF" in caught.value.hint
