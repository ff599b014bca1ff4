"""Why a model cannot be quantised, in our words: what is known before, and what llama.cpp says."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterable
from pathlib import Path

from llmd.engine.quantizing import Narration
from llmd.errors import (
    CorruptFile,
    InvalidRequest,
    LlmdError,
    NoRoom,
    QuantizeFailed,
    UnsupportedArchitecture,
)
from llmd.models.gguf.file_types import TENSOR_TYPES
from llmd.models.gguf.imatrix import ImportanceMatrix
from llmd.models.quantization import FileType
from llmd.models.quantization.rules import GOOD_SOURCE
from llmd.protocol.quantization import Recipe

_PROBE = bytes(2**20)
_IMATRIX_HINT = "Name one: --imatrix FILE; llama.cpp's imatrix tool makes them, many are published."
_BITS = {kind.name: 8 * kind.size / kind.block for kind in TENSOR_TYPES.values()}


def tensor_type(name: str, param: str) -> int | None:
    """Return the id of a tensor type by its name in any case, None for no name; raise
    InvalidRequest.
    """
    if not name:
        return None
    for number, kind in TENSOR_TYPES.items():
        if kind.name == name.upper():
            return number
    raise InvalidRequest(
        f"There is no tensor type {name[:60]!r}.",
        hint="Such as Q8_0, Q6_K, Q4_K, F16; tensor types have no _S, _M or _L behind them.",
        param=param,
    )


def check_matrix(path: str, matrix: ImportanceMatrix, tensors: Iterable[str]) -> None:
    """Raise InvalidRequest for an importance matrix of quite another model."""
    if not matrix.weights.keys() & set(tensors):
        raise InvalidRequest(
            f"{path} is about other tensors than this model has.",
            hint="Use an importance matrix that was made for this very model.",
            param="imatrix",
        )


def check_measured(kind: FileType, recipe: Recipe, measured: Narration) -> None:
    """Raise InvalidRequest when the dry run shows that the result would be worth nothing."""
    if measured.needs_imatrix and not recipe.imatrix:
        raise InvalidRequest(
            f"{kind.name} needs an importance matrix: without one the model would be ruined.",
            hint=_IMATRIX_HINT,
            param="imatrix",
        )
    lossy = [name for name in sorted(measured.converted) if _BITS.get(name, 0) < GOOD_SOURCE]
    if lossy and not recipe.requantize:
        raise InvalidRequest(
            f"Some tensors of the model are {' and '.join(lossy)}: quantising them once more loses "
            "much.",
            hint="Take the unquantised model; --requantize does it all the same.",
            param="model",
        )


def check_room(folder: Path, needed: int, free: int, spare: int) -> None:
    """Raise NoRoom when `needed` bytes would not leave `spare` of those that are `free`."""
    if needed + spare > free:
        raise NoRoom(
            f"The new model needs {needed / 1e9:.2f} GB on the disk of {folder}, "
            f"{max(0, free - spare) / 1e9:.2f} GB are free.",
            hint="Free some space (`llmd rm`, `llmd du`), or take a smaller type.",
            needed=needed,
            available=max(0, free - spare),
        )


def fault(source: Path, target: Path, narration: Narration) -> LlmdError:
    """Name the cause of what llama.cpp said last."""
    said = narration.failure
    if "iostream error" in said:
        return _unwritten(target.parent)
    if "imatrix" in said:
        return InvalidRequest(
            f"The importance matrix does not do: {said.strip()}.",
            hint="Use one that was made for this very model." if "size" in said else _IMATRIX_HINT,
            param="imatrix",
        )
    if any(words in said for words in ("not within the file bounds", "invalid data", "corrupt")):
        return CorruptFile(
            f"{source} is damaged: {said}.", hint="Fetch the file again.", path=str(source)
        )
    if "unknown model architecture" in said or "cannot be quantized" in said:
        return UnsupportedArchitecture(f"llama.cpp cannot quantise {source}: {said}.")
    return QuantizeFailed(
        f"llama.cpp could not quantise {source}: {said or 'it did not say why'}.",
        hint="`llmd logs` may have more.",
    )


def _unwritten(folder: Path) -> LlmdError:
    """Say why bytes could not be written, which llama.cpp keeps to itself: try it once more."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_PROBE)
            file.flush()
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return NoRoom(
                f"The disk of {folder} got full while the new model was written.",
                hint="Free some space (`llmd rm`, `llmd du`), or take a smaller type.",
            )
        return QuantizeFailed(f"Nothing can be written to {folder}: {error.strerror}.")
    return QuantizeFailed(
        f"The new model could not be written to {folder}.",
        hint="The disk may have been full for a moment, or a limit on file sizes is set.",
    )
