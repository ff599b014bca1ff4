"""The quantising program, in this process; tests/unit/runtime/test_quantizer.py runs it in its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from llmd.engine.bindings import start_backend
from llmd.errors import CorruptFile, InvalidRequest, NoRoom, NotFound
from llmd.models.gguf.header import read_header
from llmd.models.gguf.inspection import inspect
from llmd.models.quantization import TYPES
from llmd.protocol.quantization import (
    Advanced,
    QuantizeOrder,
    Recipe,
    Said,
    Sized,
    Survey,
    Surveyed,
    Written,
)
from llmd.runtime.worker.quantize import do
from tests.fakes.imatrix import columns, write_imatrix
from tests.fakes.split_model import split


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    yield
    start_backend(lambda *_: None)


def order(
    source: Path, folder: Path, kind: str = "Q4_K_M", *, spare: int = 0, **fields: object
) -> QuantizeOrder:
    folder.mkdir(exist_ok=True)
    recipe = Recipe(type=kind, threads=1, **fields)  # type: ignore[arg-type]
    return QuantizeOrder(
        source=str(source), folder=str(folder), stem="new", recipe=recipe, spare=spare
    )


def done(work: QuantizeOrder) -> tuple[Written, list[Said]]:
    said: list[Said] = []
    do(work, said.append)
    assert isinstance(said[-1], Written)
    return said[-1], said


def test_sizes_come_first_then_progress_then_the_file(f16_model: Path, tmp_path: Path) -> None:
    written, said = done(order(f16_model, tmp_path / "out"))
    path = tmp_path / "out" / "new.gguf"
    assert written.files == [str(path)]
    assert written.size == path.stat().st_size
    sized = said[0]
    assert isinstance(sized, Sized)
    assert sized.size == pytest.approx(written.size, rel=0.1)
    progress = [event for event in said if isinstance(event, Advanced)]
    assert progress
    assert all(event.total == sized.size and event.done <= event.total for event in progress)
    assert inspect(path).quantization == "Q4_K_M"
    assert inspect(path).parameters == inspect(f16_model).parameters


def test_a_good_source_may_be_quantised_itself(tiny_model: Path, tmp_path: Path) -> None:
    written, _ = done(order(tiny_model, tmp_path / "out", "Q4_0"))
    assert inspect(Path(written.files[0])).quantization == "Q4_0"


def test_a_lossy_one_is_not_unless_the_user_insists(f16_model: Path, tmp_path: Path) -> None:
    lossy = Path(done(order(f16_model, tmp_path / "a", "Q4_0"))[0].files[0])
    with pytest.raises(InvalidRequest, match="once more"):
        do(order(lossy, tmp_path / "b", "Q2_K"), print)
    assert list((tmp_path / "b").iterdir()) == []
    done(order(lossy, tmp_path / "b", "Q2_K", requantize=True))


def test_an_importance_matrix_is_used_and_noted(f16_model: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="IQ2_XXS needs an importance matrix"):
        do(order(f16_model, tmp_path / "out", "IQ2_XXS"), print)
    path = write_imatrix(tmp_path / "wiki.gguf", columns(f16_model))
    written, _ = done(order(f16_model, tmp_path / "out", "IQ2_XXS", imatrix=str(path)))
    header = read_header(Path(written.files[0]))
    assert header.values["quantize.imatrix.file"] == "wiki.gguf"
    assert header.values["quantize.imatrix.dataset"] == "wiki.txt"
    assert header.values["quantize.imatrix.chunks_count"] == 7
    assert header.values["quantize.imatrix.entries_count"] == len(columns(f16_model))


def test_importance_matrices_that_do_not_fit_are_refused(f16_model: Path, tmp_path: Path) -> None:
    other = write_imatrix(tmp_path / "other.gguf", {"another.weight": 64})
    with pytest.raises(InvalidRequest, match="other tensors"):
        do(order(f16_model, tmp_path / "out", imatrix=str(other)), print)
    narrow = write_imatrix(tmp_path / "narrow.gguf", dict.fromkeys(columns(f16_model), 32))
    with pytest.raises(InvalidRequest, match="imatrix size 32 is different"):
        do(order(f16_model, tmp_path / "out", imatrix=str(narrow)), print)
    with pytest.raises(NotFound):
        do(order(f16_model, tmp_path / "out", imatrix=str(tmp_path / "none")), print)


def test_the_disk_is_looked_at_before_anything_is_written(f16_model: Path, tmp_path: Path) -> None:
    with pytest.raises(NoRoom, match="are free"):
        do(order(f16_model, tmp_path / "out", spare=2**60), print)
    assert list((tmp_path / "out").iterdir()) == []


def test_parts_become_one_file_or_stay_parts(f16_model: Path, tmp_path: Path) -> None:
    first, *_ = split(f16_model, tmp_path / "parts")
    whole, _ = done(order(first, tmp_path / "whole"))
    assert [Path(file).name for file in whole.files] == ["new.gguf"]
    kept, _ = done(order(first, tmp_path / "kept", keep_split=True))
    assert [Path(file).name for file in kept.files] == [
        f"new-0000{number}-of-00003.gguf" for number in (1, 2, 3)
    ]
    assert inspect(Path(kept.files[0])).parameters == inspect(f16_model).parameters


def test_types_of_single_tensors_are_taken(f16_model: Path, tmp_path: Path) -> None:
    written, _ = done(order(f16_model, tmp_path / "out", "Q4_0", token_embedding_type="q8_0"))
    kinds = {t.name: t.type.name for t in read_header(Path(written.files[0])).tensors}
    assert kinds["token_embd.weight"] == "Q8_0"
    with pytest.raises(InvalidRequest, match="no tensor type"):
        do(order(f16_model, tmp_path / "out", output_tensor_type="huge"), print)


def test_a_survey_tells_the_size_of_every_type(f16_model: Path) -> None:
    said: list[Said] = []
    do(Survey(source=str(f16_model), types=[kind.name for kind in TYPES]), said.append)
    assert isinstance(said[-1], Surveyed)
    sizes = {event.type: event.size for event in said if isinstance(event, Sized)}
    assert set(sizes) == {kind.name for kind in TYPES}
    assert sizes["Q2_K"] < sizes["Q4_K_M"] < sizes["Q8_0"] < sizes["F16"] < sizes["F32"]


def test_a_damaged_source_is_told(f16_model: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.gguf"
    half.write_bytes(f16_model.read_bytes()[:-100_000])
    with pytest.raises(CorruptFile, match="damaged"):
        do(order(half, tmp_path / "out"), print)
