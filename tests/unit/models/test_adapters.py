from __future__ import annotations

from pathlib import Path

import pytest

from llmd.errors import (
    CorruptFile,
    InvalidRequest,
    LlmdError,
    NotFound,
    UnsupportedArchitecture,
)
from llmd.models.adapters import describe, with_adapter, without_adapter
from llmd.models.store import ModelStore
from llmd.protocol.models import AdapterFile, ModelManifest
from tests.fakes.random_adapter import write_adapter


@pytest.fixture
def model(tmp_path: Path, tiny_model: Path) -> ModelManifest:
    return ModelStore(tmp_path / "models", tiny_model).builtin()


def test_a_file_that_fits_is_described(
    model: ModelManifest, tiny_model: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "poet-lora.gguf", tiny_model)
    assert describe(path, model, None, 0.5, default=True) == AdapterFile(
        "poet-lora", str(path), 0.5, True
    )
    assert describe(path, model, "verse", 1.0, default=False).name == "verse"


def refusal(path: Path, model: ModelManifest, name: str | None = None) -> LlmdError:
    with pytest.raises(LlmdError) as caught:
        describe(path, model, name, 1.0, default=False)
    return caught.value


def test_a_file_for_another_architecture_is_refused_by_both_names(
    model: ModelManifest, tiny_model: Path, tmp_path: Path
) -> None:
    error = refusal(write_adapter(tmp_path / "a.gguf", tiny_model, architecture="gemma3"), model)
    assert isinstance(error, UnsupportedArchitecture)
    assert "gemma3" in error.message
    assert model.architecture in error.message


def test_a_file_for_another_size_is_refused_by_its_first_tensor(
    model: ModelManifest, embedding_model: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "a.gguf", embedding_model, architecture=model.architecture)
    error = refusal(path, model)
    assert isinstance(error, UnsupportedArchitecture)
    assert "lora_" in error.message


def test_what_is_no_adapter_is_refused(
    model: ModelManifest, tiny_model: Path, tmp_path: Path
) -> None:
    assert isinstance(refusal(tiny_model, model), InvalidRequest)
    assert isinstance(refusal(tmp_path / "gone.gguf", model), NotFound)
    (tmp_path / "text.gguf").write_text("hello")
    assert isinstance(refusal(tmp_path / "text.gguf", model), CorruptFile)


def test_an_adapter_that_tokens_switch_on_is_refused(
    model: ModelManifest, tiny_model: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "a.gguf", tiny_model, invocation=(1, 2))
    assert "activated" in refusal(path, model).message


def test_a_truncated_file_is_refused(
    model: ModelManifest, tiny_model: Path, tmp_path: Path
) -> None:
    path = write_adapter(tmp_path / "a.gguf", tiny_model)
    path.write_bytes(path.read_bytes()[:-100])
    assert isinstance(refusal(path, model), CorruptFile)


def test_a_bad_name_is_refused(model: ModelManifest, tiny_model: Path, tmp_path: Path) -> None:
    path = write_adapter(tmp_path / "a.gguf", tiny_model)
    assert isinstance(refusal(path, model, "no spaces"), InvalidRequest)


def test_adapters_come_and_go_by_name(model: ModelManifest) -> None:
    first, second = AdapterFile("a", "/a"), AdapterFile("b", "/b")
    both = with_adapter(with_adapter(model, first), second)
    assert both.adapters == [first, second]
    again = AdapterFile("a", "/other")
    assert with_adapter(both, again).adapters == [second, again]
    assert without_adapter(both, "a").adapters == [second]
    with pytest.raises(NotFound, match="a, b"):
        without_adapter(both, "c")
