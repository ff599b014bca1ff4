"""Quantises a model: `python -m llmd.runtime.worker.quantize`, one order a process.

llama.cpp's quantiser cannot be stopped but by ending its process, may abort it, and takes
gigabytes: here that costs nobody anything. It first runs dry, so that sizes, the need of an
importance matrix and room on the disk are known before the first byte is written. The order comes
as one JSON line; when the pipe it came through closes, the process ends. What it writes gives way
to models that answer: lowest priority but one, half of the cores unless told otherwise, and first
in line when memory runs out.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import msgspec
import psutil

from llmd.engine.bindings import start_backend
from llmd.engine.bindings.quantizer import QuantizerOptions, quantize
from llmd.engine.loading import usable_cores
from llmd.engine.quantizing import Narration, Step
from llmd.errors import LlmdError, QuantizeFailed
from llmd.models.gguf.header import read_header
from llmd.models.gguf.imatrix import ImportanceMatrix, read_imatrix
from llmd.models.gguf.inspection import parts
from llmd.models.quantization import FileType, find
from llmd.protocol.quantization import (
    Advanced,
    QuantizeOrder,
    Recipe,
    Refused,
    Said,
    Sized,
    Survey,
    Surveyed,
    Work,
    Written,
)
from llmd.runtime.worker.quantize_faults import (
    check_matrix,
    check_measured,
    check_room,
    fault,
    tensor_type,
)

_NICENESS = 10
_OOM_SCORE = "500"
_IO_PRIORITY = 7  # the lowest within the usual class
_PAUSE = 0.1
_BUFFER_SHARE = 4
_LEAST_BUFFER, _MOST_BUFFER = 64 * 2**20, 8 * 2**30

Say = Callable[[Said], None]


class Quantizer:
    """llama.cpp's quantiser with its log heard."""

    def __init__(self) -> None:
        self._narration = Narration()
        start_backend(self._hear)

    def measure(self, source: Path, options: QuantizerOptions) -> Narration:
        """Run dry; raise the typed reason when llama.cpp refuses."""
        return self._run(source, source, replace(options, dry_run=True), Narration())

    def write(
        self, source: Path, target: Path, options: QuantizerOptions, observe: Callable[[Step], None]
    ) -> Narration:
        """Write the new model; raise the typed reason when that fails."""
        return self._run(source, target, options, Narration(observe))

    def _hear(self, level: int, text: str) -> None:
        self._narration(level, text)

    def _run(
        self, source: Path, target: Path, options: QuantizerOptions, narration: Narration
    ) -> Narration:
        self._narration = narration
        if not quantize(str(source), str(target), options):
            raise fault(source, target, narration)
        return narration


def do(work: Work, say: Say) -> None:
    """Do what was ordered; raise the typed reason when it cannot be done."""
    quantizer = Quantizer()
    if isinstance(work, Survey):
        for name in work.types:
            say(_surveyed(quantizer, Path(work.source), find(name)))
        say(Surveyed())
    else:
        say(_quantize(quantizer, work, say))


def _surveyed(quantizer: Quantizer, source: Path, kind: FileType) -> Sized:
    try:
        return _sized(kind, quantizer.measure(source, _options(kind, Recipe(type=kind.name))))
    except QuantizeFailed as error:  # such as: rows that divide into no block
        return Sized(kind.name, 0, 0.0, refusal=error.message)


def _quantize(quantizer: Quantizer, order: QuantizeOrder, say: Say) -> Written:
    started = time.monotonic()
    source, folder, recipe = Path(order.source), Path(order.folder), order.recipe
    kind = find(recipe.type)
    headers = [read_header(part) for part in parts(source)]
    matrix = read_imatrix(Path(recipe.imatrix)) if recipe.imatrix else None
    if matrix:
        names = (tensor.name for header in headers for tensor in header.tensors)
        check_matrix(recipe.imatrix, matrix, names)
    options = _options(kind, recipe, matrix)
    measured = quantizer.measure(source, options)
    check_measured(kind, recipe, measured)
    say(_sized(kind, measured))
    needed = measured.size + sum(header.data_offset for header in headers)
    check_room(folder, needed, shutil.disk_usage(folder).free, order.spare)
    target = folder / (order.stem if recipe.keep_split else f"{order.stem}.gguf")
    quantizer.write(source, target, options, _throttled(measured.size, say))
    files = sorted(folder.glob("*.gguf"))
    for file in files:
        _sync(file)
    size = sum(file.stat().st_size for file in files)
    return Written([str(file) for file in files], size, time.monotonic() - started)


def _options(
    kind: FileType, recipe: Recipe, matrix: ImportanceMatrix | None = None
) -> QuantizerOptions:
    return QuantizerOptions(
        file_type=kind.file_type,
        threads=recipe.threads or max(1, usable_cores() // 2),
        # what may be quantised once more was decided by `check_measured` and in the daemon
        requantize=True,
        keep_split=recipe.keep_split,
        output_tensor_type=tensor_type(recipe.output_tensor_type, "output_tensor_type"),
        token_embedding_type=tensor_type(recipe.token_embedding_type, "token_embedding_type"),
        importance=matrix.weights if matrix else {},
        notes=_notes(recipe, matrix),
        buffer=_buffer(),
    )


def _notes(recipe: Recipe, matrix: ImportanceMatrix | None) -> list[tuple[str, str | int]]:
    """Say in the new file what it was weighed with, under llama-quantize's keys."""
    if matrix is None:
        return []
    notes: list[tuple[str, str | int]] = [
        ("quantize.imatrix.file", Path(recipe.imatrix).name),
        ("quantize.imatrix.entries_count", len(matrix.weights)),
    ]
    if matrix.dataset:
        notes.append(("quantize.imatrix.dataset", matrix.dataset))
    if matrix.chunks:
        notes.append(("quantize.imatrix.chunks_count", matrix.chunks))
    return notes


def _buffer() -> int:
    available = psutil.virtual_memory().available
    return max(_LEAST_BUFFER, min(_MOST_BUFFER, available // _BUFFER_SHARE))


def _sized(kind: FileType, measured: Narration) -> Sized:
    return Sized(
        kind.name, measured.size, measured.bits, measured.needs_imatrix, measured.fallbacks
    )


def _throttled(total: int, say: Say) -> Callable[[Step], None]:
    latest = 0.0

    def observe(step: Step) -> None:
        nonlocal latest
        now = time.monotonic()
        if now - latest >= _PAUSE:
            latest = now
            say(Advanced(step.tensor, step.tensors, step.name, min(step.done, total), total))

    return observe


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _give_way(work: Work) -> None:
    if not isinstance(work, Survey):  # somebody waits for that one before a dialog
        os.nice(_NICENESS)
    process = psutil.Process()
    with contextlib.suppress(AttributeError, OSError, psutil.Error):  # Linux alone has these
        process.ionice(psutil.IOPRIO_CLASS_BE, _IO_PRIORITY)
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")


def _end_with_parent() -> None:
    # os.read, not sys.stdin: that one's lock, held here for ever, would abort the interpreter's own
    # ending
    while os.read(0, 4096):
        continue
    os._exit(1)


def main(orders: BinaryIO) -> int:
    """Do one order; standard output carries lines alone, whatever a library prints."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    work = msgspec.json.decode(orders.readline(), type=Work)
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def say(said: Said) -> None:
        out.write(msgspec.json.encode(said) + b"\n")
        out.flush()

    _give_way(work)
    try:
        do(work, say)
    except LlmdError as error:
        say(Refused(error.to_wire()))
    return 0


if __name__ == "__main__":
    sys.exit(main(os.fdopen(0, "rb", buffering=0, closefd=False)))
