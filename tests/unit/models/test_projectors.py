"""Which projector goes with a model."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from llmd.errors import InvalidRequest
from llmd.models import projectors
from llmd.models.gguf.inspection import inspect
from tests.fakes.gguf import gguf
from tests.fakes.random_vision import WIDTH

VisionFiles = Callable[[str], tuple[Path, Path]]


def projector(path: Path, width: int = 64, **values: object) -> Path:
    """Write a file that passes for a projector."""
    given = {
        "general.architecture": "clip",
        "clip.has_vision_encoder": True,
        "clip.vision.projection_dim": width,
        **values,
    }
    path.write_bytes(gguf(given))
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mmproj-gemma-3-4b-it-f16.gguf", True),
        ("mmproj-F16.gguf", True),
        ("gemma-3-4b-it.mmproj-Q8_0.gguf", True),
        ("sub/mmproj.gguf", True),
        ("MMPROJ-model-f16.GGUF", True),
        ("gemma-3-4b-it-Q4_K_M.gguf", False),
        ("mmproj.txt", False),
        ("ommprojector.gguf", False),
    ],
)
def test_projectors_are_known_by_their_names(name: str, expected: bool) -> None:
    assert projectors.is_projector(name) == expected


@pytest.mark.parametrize(
    ("model", "offered", "expected"),
    [
        (
            "gemma-3-4b-it-Q4_K_M.gguf",
            ["mmproj-gemma-3-12b-it-f16.gguf", "mmproj-gemma-3-4b-it-f16.gguf"],
            ["mmproj-gemma-3-4b-it-f16.gguf"],
        ),
        (
            "m-Q4_0.gguf",
            ["mmproj-F32.gguf", "mmproj-BF16.gguf", "mmproj-F16.gguf", "mmproj-Q8_0.gguf"],
            ["mmproj-F16.gguf", "mmproj-BF16.gguf", "mmproj-Q8_0.gguf", "mmproj-F32.gguf"],
        ),
        (
            "gemma-3-4b-it-qat-q4_0.gguf",
            ["mmproj-model-f16.gguf", "mmproj-gemma-3-4b-it-f16.gguf"],
            ["mmproj-gemma-3-4b-it-f16.gguf", "mmproj-model-f16.gguf"],
        ),
        ("Qwen2-VL-7B-Instruct-00001-of-00002.gguf", ["mmproj-Qwen2-VL-7B-Instruct-f32.gguf"], 1),
        ("llama.gguf", ["mmproj-llava-f16.gguf"], []),
        ("llama.gguf", ["other.gguf"], []),
    ],
)
def test_the_likeliest_comes_first_and_those_of_other_models_are_left_out(
    model: str, offered: list[str], expected: list[str] | int
) -> None:
    assert projectors.ranked(model, offered) == (offered if expected == 1 else expected)


def test_projectors_of_one_family_serve_a_repository_whatever_they_are_called() -> None:
    names = ["mmproj-vit-F32.gguf", "mmproj-vit-F16.gguf", "model-Q4_0.gguf"]
    assert projectors.only_family(names) == ["mmproj-vit-F16.gguf", "mmproj-vit-F32.gguf"]
    assert projectors.only_family([*names, "mmproj-other-F16.gguf"]) == []
    assert projectors.only_family(["model.gguf"]) == []


@pytest.mark.parametrize(
    ("kind", "senses"),
    [("tiled", (True, False)), ("audio", (False, True)), ("both", (True, True))],
)
def test_the_header_tells_what_it_takes(
    vision_files: VisionFiles, kind: str, senses: tuple[bool, bool]
) -> None:
    model, path = vision_files(kind)
    found = projectors.describe(path)
    assert (found.vision, found.audio, found.width) == (*senses, WIDTH)
    assert found.size == path.stat().st_size
    assert inspect(model).width == WIDTH


def test_the_one_beside_a_model_is_found_if_its_width_is_right(tmp_path: Path) -> None:
    model = tmp_path / "m.gguf"
    projector(tmp_path / "mmproj-m-F16.gguf", 32)
    (tmp_path / "mmproj-m-F32.gguf").write_bytes(b"damaged")
    assert projectors.beside(model, 64) is None
    right = projector(tmp_path / "mmproj-model.gguf", 64)
    found = projectors.beside(model, 64)
    assert found
    assert found.path == right
    assert projectors.beside(tmp_path / "gone" / "m.gguf", 64) is None


def test_a_named_one_must_fit(tmp_path: Path, tiny_model: Path) -> None:
    model = tmp_path / "m.gguf"
    path = projector(tmp_path / "vision.gguf", 32)
    assert projectors.fitting(str(path), model, 32)
    assert projectors.fitting(str(path), model, 0)
    assert projectors.fitting(projectors.NONE, model, 32) is None
    assert projectors.fitting(None, model, 32) is None
    with pytest.raises(InvalidRequest, match="width 32") as caught:
        projectors.fitting(str(path), model, 64)
    assert caught.value.param == "projector"
    with pytest.raises(InvalidRequest, match="is no projector"):
        projectors.fitting(str(tiny_model), model, 64)


def test_damaged_files_are_refused_as_projectors(tmp_path: Path, vision_files: VisionFiles) -> None:
    cut = tmp_path / "mmproj.gguf"
    shutil.copy(vision_files("tiled")[1], cut)
    with cut.open("r+b") as file:
        file.truncate(20_000)
    with pytest.raises(InvalidRequest, match="truncated"):
        projectors.describe(cut)
    cut.write_bytes(b"GGUF")
    with pytest.raises(InvalidRequest) as caught:
        projectors.describe(cut)
    assert caught.value.param == "projector"
    with pytest.raises(InvalidRequest, match="cannot be read"):
        projectors.describe(tmp_path / "gone.gguf")
