from __future__ import annotations

import errno
import tempfile
from pathlib import Path

import numpy as np
import pytest

from llmd.engine.quantizing import Narration
from llmd.errors import (
    CorruptFile,
    InvalidRequest,
    LlmdError,
    NoRoom,
    QuantizeFailed,
    UnsupportedArchitecture,
)
from llmd.models.gguf.imatrix import ImportanceMatrix
from llmd.models.quantization import find
from llmd.protocol.quantization import Recipe
from llmd.runtime.worker.quantize_faults import (
    check_matrix,
    check_measured,
    check_room,
    fault,
    tensor_type,
)


def told(failure: str) -> Narration:
    narration = Narration()
    narration(4, f"llama_model_quantize: failed to quantize: {failure}\n")
    return narration


@pytest.mark.parametrize(
    ("failure", "kind", "words"),
    [
        ("imatrix size 32 is different from tensor size 64 for x", InvalidRequest, "very model"),
        ("Missing importance matrix / imatrix for tensor x", InvalidRequest, "--imatrix"),
        ("tensor 'x' data is not within the file bounds", CorruptFile, "Fetch the file again"),
        ("tensor 'x' has invalid data", CorruptFile, "damaged"),
        ("unknown model architecture: 'x'", UnsupportedArchitecture, "cannot quantise"),
        ("something new", QuantizeFailed, "something new"),
        ("basic_ios::clear: iostream error", QuantizeFailed, "could not be written"),
    ],
)
def test_what_llama_cpp_says_gets_a_type(
    failure: str, kind: type[LlmdError], words: str, tmp_path: Path
) -> None:
    error = fault(Path("/m.gguf"), tmp_path / "out.gguf", told(failure))
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [(errno.ENOSPC, NoRoom), (errno.EDQUOT, NoRoom), (errno.EROFS, QuantizeFailed)],
)
def test_why_nothing_could_be_written_is_found_out(
    code: int, kind: type[LlmdError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(**_: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    error = fault(Path("/m.gguf"), tmp_path / "x.gguf", told("basic_ios::clear: iostream error"))
    assert type(error) is kind


def test_a_type_that_needs_an_importance_matrix_is_refused_without() -> None:
    measured = Narration()
    measured.needs_imatrix = True
    with pytest.raises(InvalidRequest, match="IQ2_XXS needs an importance matrix"):
        check_measured(find("IQ2_XXS"), Recipe(type="IQ2_XXS"), measured)
    check_measured(find("IQ2_XXS"), Recipe(type="IQ2_XXS", imatrix="/m"), measured)


def test_lossy_tensors_are_not_quantised_again_unless_the_user_insists() -> None:
    measured = Narration()
    measured.converted = {"F16", "MXFP4", "Q8_0"}
    with pytest.raises(InvalidRequest, match="are MXFP4: quantising"):
        check_measured(find("Q4_0"), Recipe(type="Q4_0"), measured)
    check_measured(find("Q4_0"), Recipe(type="Q4_0", requantize=True), measured)
    measured.converted = {"F32", "Q8_0"}
    check_measured(find("Q4_0"), Recipe(type="Q4_0"), measured)


def test_room_is_checked_with_what_must_stay_free() -> None:
    check_room(Path("/d"), 10, 30, 20)
    with pytest.raises(NoRoom, match="GB on the disk of /d") as caught:
        check_room(Path("/d"), 11, 30, 20)
    assert (caught.value.details["needed"], caught.value.details["available"]) == (11, 10)


def test_an_importance_matrix_of_another_model_is_refused() -> None:
    matrix = ImportanceMatrix({"blk.0.x.weight": np.ones(4, np.float32)}, 0, "")
    check_matrix("/m", matrix, ["blk.0.x.weight", "output.weight"])
    with pytest.raises(InvalidRequest, match="other tensors"):
        check_matrix("/m", matrix, ["output.weight"])


def test_tensor_types_have_names() -> None:
    assert tensor_type("", "x") is None
    assert tensor_type("q8_0", "x") == 8
    with pytest.raises(InvalidRequest, match="no tensor type 'Q4_K_M'") as caught:
        tensor_type("Q4_K_M", "output_tensor_type")
    assert caught.value.param == "output_tensor_type"
