from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from llmd.errors import CorruptFile, InvalidRequest, LlmdError, NotFound
from llmd.models.gguf.imatrix import read_imatrix
from tests.fakes.gguf import write
from tests.fakes.imatrix import legacy_imatrix, write_imatrix


def test_sums_are_divided_by_their_counts(tmp_path: Path) -> None:
    matrix = read_imatrix(write_imatrix(tmp_path / "m.gguf", {"a.weight": 32, "b.weight": 64}))
    assert set(matrix.weights) == {"a.weight", "b.weight"}
    expected = np.linspace(1, 9, 32, dtype=np.float32) / 3
    np.testing.assert_allclose(matrix.weights["a.weight"], expected, rtol=1e-6)
    assert matrix.weights["b.weight"].dtype == np.float32
    assert (matrix.chunks, matrix.dataset) == (7, "wiki.txt")


def test_each_expert_has_a_count_and_one_never_asked_counts_evenly(tmp_path: Path) -> None:
    path = write_imatrix(tmp_path / "m.gguf", {"experts": 8}, counts=(2.0, 0.0))
    values = read_imatrix(path).weights["experts"].reshape(2, 8)
    np.testing.assert_allclose(values[0], np.linspace(1, 9, 8) / 2, rtol=1e-6)
    assert values[1].tolist() == [1.0] * 8


def test_the_older_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "imatrix.dat"
    path.write_bytes(legacy_imatrix({"a.weight": 16}))
    matrix = read_imatrix(path)
    assert matrix.weights["a.weight"].tolist() == [2.0] * 16
    assert (matrix.chunks, matrix.dataset) == (5, "wiki.txt")
    path.write_bytes(legacy_imatrix({"a.weight": 16})[:-16])
    assert (read_imatrix(path).chunks, read_imatrix(path).dataset) == (0, "")


def test_another_gguf_is_no_importance_matrix(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no importance matrix"):
        read_imatrix(write(tmp_path / "model.gguf"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot be read"):
        read_imatrix(tmp_path / "none.gguf")


@pytest.mark.parametrize("cut", [0, 3, 4, 10, 20, 60, 200])
@pytest.mark.parametrize("legacy", [True, False])
def test_half_a_file_is_refused(cut: int, legacy: bool, tmp_path: Path) -> None:
    sizes = {"a.weight": 256}
    path = tmp_path / "m"
    if legacy:
        path.write_bytes(legacy_imatrix(sizes)[:cut])
    else:
        whole = write_imatrix(path, sizes).read_bytes()
        path.write_bytes(whole[: len(whole) - max(cut, 8) * 5])
    with pytest.raises(CorruptFile):
        read_imatrix(path)


@pytest.mark.parametrize(
    "data",
    [
        struct.pack("<i", 2**31 - 1),
        struct.pack("<i", -1),
        struct.pack("<ii", 1, 2**31 - 1),
        struct.pack("<ii", 1, 1) + b"a" + struct.pack("<ii", 1, 2**28),
        legacy_imatrix({"a": 4}).replace(np.float32(4).tobytes(), np.float32(np.nan).tobytes()),
        b"\0\0\0\0",
        b"hello, this is a text file and no matrix",
    ],
    ids=["many", "negative", "long name", "many values", "nan", "empty", "text"],
)
def test_hostile_files_are_refused(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "m.dat"
    path.write_bytes(data)
    with pytest.raises(CorruptFile, match="not a usable importance matrix"):
        read_imatrix(path)


def test_flipped_bytes_never_end_in_anything_else(tmp_path: Path) -> None:
    path = write_imatrix(tmp_path / "m.gguf", {"a.weight": 32})
    whole = path.read_bytes()
    for place in range(0, len(whole), 3):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x81]) + whole[place + 1 :])
        try:
            matrix = read_imatrix(path)
        except LlmdError:
            continue
        assert all(np.isfinite(values).all() for values in matrix.weights.values())
